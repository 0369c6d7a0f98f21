"""A run in rounds as tables: who held which GPU, followed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.metrics.statistics import littles_law
from gogh_sim.profiles import load
from gogh_sim.rounds import RoundJob, Rule, in_type_order, simulate
from gogh_sim.rounds.records import frames
from gogh_sim.rounds.rules import RoundView
from gogh_sim.types import Cluster, FloatArray, Job, JobKind, Node

STEPS = (1080, 360, 90)


class Rates:
    """One step per second on either type; two that share go at half speed each."""

    def solo(self, job_type: str, num_gpus: int) -> FloatArray:
        return np.array([1.0, 1.0])

    def pair(self, first: str, second: str, num_gpus: int) -> FloatArray:
        return np.full((2, 2), 0.5)


def equal(view: RoundView) -> FloatArray:
    """Equal shares of the first type; nobody wants the second."""
    shares = np.zeros(view.demands.rate[:, 0].shape)
    shares[: len(view.jobs), 0] = 1 / len(view.jobs)
    return shares


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    """Three jobs: the first alone for a round, then in turns with the second; the third comes while they run."""
    types = tuple(t for t in load().gpu_types if t.name in ("V100", "T4"))
    cluster = Cluster("two", types, (Node("a", "V100", 1), Node("b", "T4", 1)), theta=2)
    submits = (0.0, 100.0, 700.0)
    jobs = [
        Job(
            job_id=f"j{number}",
            submit_s=submit_s,
            workload="resnet50-b64",
            kind=JobKind.TRAINING,
            work=float(steps),
            reference_s=float(steps),
            num_gpus=1,
        )
        for number, (steps, submit_s) in enumerate(zip(STEPS, submits, strict=True))
    ]
    rows = [RoundJob(n, "x", steps, 1, s) for n, (steps, s) in enumerate(zip(STEPS, submits, strict=True))]
    only_first = Rule(equal, in_type_order((0,)), may_run=lambda priority: np.asarray(priority > 0))
    v100, t4 = cluster.type_names.index("V100"), cluster.type_names.index("T4")
    return frames(simulate(rows, Rates(), np.array([1, 1]), only_first), jobs, STEPS, cluster, [v100, t4])


def test_jobs_account_for_what_they_had(tables: dict[str, pd.DataFrame]) -> None:
    jobs = tables["jobs"].set_index("job_id")
    assert jobs["first_start_s"].to_dict()["j0"] == 0.0
    # One GPU does a step a second, so that all of 1,530 steps end when so many seconds are over, and idle none.
    assert jobs["end_s"].max() == pytest.approx(sum(STEPS))
    assert jobs["allocated_gpu_s"].tolist() == pytest.approx(STEPS)
    assert jobs["done_s"].tolist() == pytest.approx(STEPS)
    assert (jobs["status"] == "finished").all()
    gpus = tables["gpus"].set_index("gpu_type")
    assert gpus["busy_s"].to_dict() == pytest.approx({"V100": sum(STEPS), "T4": 0.0})
    assert gpus["energy_j"].isna().all()


def test_intervals_follow_from_events(tables: dict[str, pd.DataFrame]) -> None:
    end_s = float(tables["timeline"]["time_s"].iloc[-1])
    held = occupancy_intervals(tables["events"], end_s)
    spent = (held["end_s"] - held["start_s"]).groupby(held["job_id"]).sum()
    assert spent.to_dict() == pytest.approx({f"j{number}": steps for number, steps in enumerate(STEPS)})
    # Nobody holds the only GPU while another does.
    order = held.sort_values("start_s")
    assert (order["start_s"].to_numpy()[1:] >= order["end_s"].to_numpy()[:-1] - 1e-9).all()
    evictions = tables["events"]["event"].eq("evict").sum()
    assert evictions == tables["jobs"]["preemptions"].sum() == tables["decisions"]["evicted"].sum() > 0


def test_counts_over_time_keep_littles_law(tables: dict[str, pd.DataFrame]) -> None:
    timeline = tables["timeline"]
    assert (timeline[["pending", "running"]] >= 0).all(axis=None)
    assert timeline["running"].max() == timeline["busy_V100"].max() == 1
    assert littles_law(tables["jobs"], timeline).residual == pytest.approx(0.0, abs=1e-9)
    assert timeline["time_s"].is_monotonic_increasing
    assert timeline["node_w"].isna().all()
