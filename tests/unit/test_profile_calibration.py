"""The calibration against the public measurements it reads."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import load
from gogh_sim.profiles.calibration.calibrate import calibrate
from gogh_sim.profiles.calibration.pairs import Pairs, fit_contention, law_norms
from gogh_sim.profiles.calibration.speed import Ratios, fit_step
from gogh_sim.profiles.calibration.tables import ModelFacts, load_inputs

SHIPPED = Path(str(resources.files("gogh_sim.profiles") / "calibrated"))
TABLES = ("gpu_types", "workloads", "solo", "interference", "errors")
RATIOS = Ratios(compute={"old": 1.0, "new": 4.0}, bandwidth={"old": 1.0, "new": 2.0})


def _facts(**changes: object) -> ModelFacts:
    base = load_inputs().models["resnet18"]
    return ModelFacts(**({name: getattr(base, name) for name in base.__slots__} | changes))


def _steps(host: float, gpu: float, per_sample: float, share: float, cards: dict[str, str]) -> pd.DataFrame:
    rows = [
        (kind, card, batch, host + (gpu + per_sample * batch) * RATIOS.gpu_time(card, share))
        for kind, card in cards.items()
        for batch in (1.0, 4.0, 16.0, 64.0)
    ]
    return pd.DataFrame(rows, columns=["gpu_type", "gpu_variant", "batch", "step_s"])


def test_a_step_law_is_recovered_from_two_types() -> None:
    points = _steps(0.010, 0.004, 0.001, 0.35, {"V100": "old", "A100": "new"})
    law = fit_step(_facts(host_s=None, host_share=0.0), points, RATIOS, field_share=1.0)
    assert law.compute_share == pytest.approx(0.35)
    assert law.host_s == pytest.approx(0.010)
    assert law.gpu_s == pytest.approx(0.004)
    assert law.gpu_per_sample_s == pytest.approx(0.001)
    assert law.measured_types == {"V100", "A100"}


def test_one_type_cannot_tell_the_share_and_takes_that_of_its_field() -> None:
    points = _steps(0.010, 0.0, 0.001, 0.35, {"A100": "new"})
    law = fit_step(_facts(host_s=None, host_share=0.0), points, RATIOS, field_share=0.35)
    assert law.compute_share == 0.35
    assert law.host_s == pytest.approx(0.010)
    assert law.gpu_per_sample_s == pytest.approx(0.001)


def test_data_loading_keeps_its_pace_on_a_faster_card() -> None:
    points = _steps(0.010, 0.0, 0.001, 1.0, {"V100": "old"})
    law = fit_step(_facts(host_s=None, host_share=0.75), points, RATIOS, field_share=1.0)
    assert law.host_per_sample_s == pytest.approx(0.00075)
    assert sum(law.times(64, RATIOS.gpu_time("new", 1.0))) == pytest.approx(0.010 + 64 * (0.00075 + 0.00025 / 4))


def test_a_model_without_time_or_assumption_is_refused() -> None:
    empty = pd.DataFrame(columns=["gpu_type", "gpu_variant", "batch", "step_s"])
    with pytest.raises(InputError, match="expected an anchor"):
        fit_step(_facts(gpu_per_sample_s=None), empty, RATIOS, field_share=1.0)


def test_contention_is_recovered_from_norms() -> None:
    rng = np.random.default_rng(1)
    s, i = rng.uniform(0.2, 2.0, 8), rng.uniform(0.2, 2.0, 8)
    victim, partner = (x.ravel() for x in np.meshgrid(np.arange(8), np.arange(8)))
    norm = 1.0 / (1.0 + s[victim] * i[partner])
    pairs = Pairs(tuple("abcdefgh"), victim, partner, norm)
    fit = fit_contention(pairs)
    assert np.abs(law_norms(fit, pairs) - norm).max() < 0.02
    assert np.log(fit.sensitivity).mean() == pytest.approx(np.log(fit.intensity).mean())
    assert np.corrcoef(np.log(fit.sensitivity), np.log(s))[0, 1] > 0.99


def test_a_missing_data_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected the data folder to hold"):
        calibrate(tmp_path, tmp_path / "out")


def test_regenerating_gives_the_shipped_bytes(shared_data: Path, tmp_path: Path) -> None:
    calibrate(shared_data, tmp_path)
    for name in TABLES:
        assert (tmp_path / f"{name}.csv").read_bytes() == (SHIPPED / f"{name}.csv").read_bytes(), name


def test_fits_are_as_close_as_published_fits_of_the_same_form(shared_data: Path) -> None:
    published = pd.read_csv(shared_data / "throughput" / "interference_fit_quality.csv")
    rank1 = published[published["model"] == "rank1 1/(1+s_a*i_b)"].set_index("dataset")["mae_insample"]
    errors = pd.read_csv(SHIPPED / "errors.csv").set_index(["law", "subject"])["value"]
    gavel_v100 = float(rank1.loc["gavel"].iloc[0])
    assert errors["interference", "gavel"] <= 1.05 * gavel_v100
    assert errors["interference", "blox"] <= 1.05 * float(rank1.loc["blox_1gpu_ddp"])


def test_footprints_tell_which_gavel_pairs_ran(shared_data: Path) -> None:
    names = {
        "ResNet-18": "resnet18",
        "ResNet-50": "resnet50",
        "Transformer": "transformer",
        "LM": "lstm-lm",
        "Recommendation": "recoder",
        "CycleGAN": "cyclegan",
        "A3C": "a3c",
    }
    memory = {w.name: w.memory_gib for w in load().workloads}

    def footprint(job: str) -> float:
        model, _, batch = job.partition(" (batch size ")
        return memory[f"{names[model]}-b{batch.rstrip(')') or 1}"]

    table = pd.read_csv(shared_data / "throughput" / "gavel_pairs_v100_p100_k80.csv")
    table = table[table["gpu_type"].isin(["v100", "p100"])]
    together = table["job_a"].map(footprint) + table["job_b"].map(footprint)
    agree = (together <= 15.78) == (table["feasible"] == 1)
    assert len(agree) == 702
    assert agree.mean() >= 0.97


def test_gangs_across_nodes_agree_with_gavel(shared_data: Path) -> None:
    """Gavel's spread gangs on V100, one GPU per node, were not used in the fit."""
    table = pd.read_csv(shared_data / "throughput" / "gavel_solo.csv")
    table = table[(table["source"] == "gavel_sim") & (table["gpu_type"] == "v100") & (table["model"] == "ResNet-50")]
    profile = load()
    alone = table[table["scale_factor"] == 1].set_index("batch_size")["steps_per_s"]
    spread = table[(table["consolidated"] == 0) & (table["steps_per_s"] > 0)]
    found, measured = [], []
    for batch, gpus, rate in zip(spread["batch_size"], spread["scale_factor"], spread["steps_per_s"], strict=True):
        workload = profile.workload_index[f"resnet50-b{int(batch)}"]
        found.append(profile.gang_factor(workload, int(gpus), int(gpus)))
        measured.append(rate / gpus / alone[batch])
    assert len(found) >= 6
    assert np.abs(np.array(found) - np.array(measured)).mean() < 0.12
