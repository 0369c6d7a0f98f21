"""Workloads and SLAs of jobs whose trace has neither."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.traces.assign import DEFAULT_SLA, Mix, assign_sla, assign_workloads
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.styles import generate
from gogh_sim.types import JobKind, Workload

MEMORY = {"T4": 15.0, "A100": 40.0}


def workload(name: str, kind: JobKind, parameters_m: float, memory_gib: float) -> Workload:
    return Workload(name, name, "family", "task", kind, 8, parameters_m, 1.0, memory_gib)


WORKLOADS = [
    *(workload(f"train-{i}", JobKind.TRAINING, 10.0 * 4**i, 4.0 + 8 * i) for i in range(5)),
    *(workload(f"serve-{i}", JobKind.INFERENCE, 10.0 * 4**i, 2.0 + 4 * i) for i in range(3)),
]
BY_NAME = {w.name: w for w in WORKLOADS}


@pytest.fixture
def jobs() -> pd.DataFrame:
    found = generate("philly_style", 3000, np.random.default_rng(5)).jobs
    alone = found["num_gpus"] == 1
    third = np.arange(len(found)) % 3
    return found.assign(
        gpu_fraction=np.where(alone & (third == 0), 0.5, 1.0),
        gpu_models=np.where(third == 1, "T4", np.where(third == 2, "A100|H100", "")),
    )


def made(jobs: pd.DataFrame) -> Trace:
    return Trace(jobs, None, {}, "made")


def draw(jobs: pd.DataFrame, seed: int = 0, mix: Mix | None = None) -> pd.DataFrame:
    return assign_workloads(made(jobs), WORKLOADS, MEMORY, np.random.default_rng(seed), mix).jobs


def test_every_workload_fits_a_type_the_job_accepts(jobs: pd.DataFrame) -> None:
    found = draw(jobs)
    memory = found["workload"].map(lambda name: BY_NAME[name].memory_gib)
    assert (memory[found["gpu_models"] == "T4"] <= 15).all()
    assert (memory[found["gpu_models"] != "T4"] > 15).any()
    assert (memory <= 40).all()


def test_gangs_train_and_fractions_mostly_serve(jobs: pd.DataFrame) -> None:
    found = draw(jobs)
    serves = found["workload"].map(lambda name: BY_NAME[name].kind is JobKind.INFERENCE)
    assert not serves[found["num_gpus"] > 1].any()
    assert serves[found["gpu_fraction"] < 1].mean() == pytest.approx(0.6, abs=0.06)
    assert serves[(found["gpu_fraction"] == 1) & (found["num_gpus"] == 1)].mean() == pytest.approx(0.2, abs=0.05)


def test_larger_and_longer_jobs_get_larger_models(jobs: pd.DataFrame) -> None:
    open_to_all = jobs.assign(gpu_models="", gpu_fraction=1.0)
    found = draw(open_to_all, mix=Mix(inference_single=0.0))
    size = np.log(found["workload"].map(lambda name: BY_NAME[name].parameters_m))
    alone = found["num_gpus"] == 1
    assert size[found["num_gpus"] >= 4].mean() > size[alone].mean() + 0.3
    assert size[alone & (found["duration_s"] > 10_000)].mean() > size[alone & (found["duration_s"] < 100)].mean() + 0.3


def test_a_job_keeps_its_workload_whatever_else_is_there(jobs: pd.DataFrame) -> None:
    whole = draw(jobs).set_index("job_id")
    part = draw(jobs.iloc[7:400:3].reset_index(drop=True)).set_index("job_id")
    assert part["workload"].equals(whole.loc[part.index, "workload"])
    assert not draw(jobs, seed=1)["workload"].equals(draw(jobs)["workload"])


def test_own_workloads_are_kept_and_must_be_known(jobs: pd.DataFrame) -> None:
    given = jobs.assign(workload=np.where(np.arange(len(jobs)) < 10, "train-0", ""))
    found = draw(given)["workload"]
    assert (found[:10] == "train-0").all()
    assert found[10:].equals(draw(jobs)["workload"][10:])
    with pytest.raises(InputError, match="'nope'"):
        draw(jobs.assign(workload="nope"))


def test_jobs_nothing_fits_are_named(jobs: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"philly-0001.*no workload fits"):
        assign_workloads(made(jobs), WORKLOADS[4:5], {"T4": 15.0, "A100": 16.0}, np.random.default_rng(0))
    with pytest.raises(InputError, match="'K80'"):
        draw(jobs.assign(gpu_models="K80"))
    with pytest.raises(InputError, match="at least one workload"):
        assign_workloads(made(jobs), [], MEMORY, np.random.default_rng(0))


def sla(jobs: pd.DataFrame) -> pd.DataFrame:
    return assign_sla(made(jobs), DEFAULT_SLA, np.random.default_rng(0)).jobs


def test_deadlines_follow_the_slacks_in_their_shares(jobs: pd.DataFrame) -> None:
    found = sla(jobs)
    slack = ((found["deadline_s"] - found["submit_s"]) / found["duration_s"]).round(6)
    shares = slack.value_counts(normalize=True)
    assert set(shares.index) == {1.5, 2.0, 4.0, math.inf}
    assert shares.to_numpy() == pytest.approx(0.25, abs=0.04)


def test_own_deadlines_are_kept(jobs: pd.DataFrame) -> None:
    own = jobs["submit_s"] + 5 * jobs["duration_s"]
    found = sla(jobs.assign(deadline_s=np.where(np.arange(len(jobs)) < 10, own, np.nan)))["deadline_s"]
    assert found[:10].equals(own[:10].rename("deadline_s"))
    assert found[10:].equals(sla(jobs)["deadline_s"][10:])
    with pytest.raises(InputError, match="not after its submission"):
        sla(jobs.assign(deadline_s=jobs["submit_s"]))


@pytest.mark.parametrize("classes", [[], [(0.5, 1.0)], [(2.0, 0.0)], [(2.0, -1.0), (2.0, 2.0)], [(math.nan, 1.0)]])
def test_classes_are_checked(jobs: pd.DataFrame, classes: list[tuple[float, float]]) -> None:
    with pytest.raises(InputError, match="SLA classes"):
        assign_sla(made(jobs), classes, np.random.default_rng(0))


def test_mix_is_checked() -> None:
    with pytest.raises(InputError, match="inference_gang"):
        Mix(inference_gang=2.0)
    with pytest.raises(InputError, match="spread"):
        Mix(spread=0.0)
