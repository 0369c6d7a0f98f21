"""The calibration against the public measurements it reads."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import Member, load
from gogh_sim.profiles.calibration.calibrate import calibrate
from gogh_sim.profiles.calibration.check import check
from gogh_sim.profiles.calibration.gavel import calibrate_gavel, workload_of
from gogh_sim.profiles.calibration.models import ModelFacts, load_inputs
from gogh_sim.profiles.calibration.pairs import Pairs, fit_contention, law_norms
from gogh_sim.profiles.calibration.speed import Ratios, fit_step
from gogh_sim.profiles.calibration.validation import held_out_jobs_error, held_out_pairs_error

SHIPPED = Path(str(resources.files("gogh_sim.profiles") / "calibrated"))
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


def test_regenerating_gives_the_shipped_bytes(shared_data: Path) -> None:
    found = check(shared_data)
    assert found.changed == ()
    assert len(found.errors) > 60


def _error(law: str, subject: str, metric: str) -> float:
    table = pd.read_csv(SHIPPED / "errors.csv")
    rows = table[(table["law"] == law) & (table["subject"] == subject) & table["metric"].str.contains(metric)]
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


@pytest.mark.parametrize(
    ("subject", "bound", "published"),
    [
        ("gavel v100", 0.13, ("gavel", "v100")),
        ("gavel p100", 0.05, ("gavel", "p100")),
        ("gavel k80", 0.05, ("gavel", "k80")),
        ("blox a100", 0.05, ("blox_1gpu_ddp", "a100")),
    ],
)
def test_unseen_pairs_are_foretold(shared_data: Path, subject: str, bound: float, published: tuple[str, str]) -> None:
    """Bounds as wanted of the profile, and at most 1.2 times the published fits of the same form."""
    quality = pd.read_csv(shared_data / "throughput" / "interference_fit_quality.csv")
    quality = quality[(quality["dataset"] == published[0]) & (quality["gpu_type"] == published[1])]
    rank1 = quality[quality["model"] == "rank1 1/(1+s_a*i_b)"].iloc[0]
    assert _error("interference", subject, "in sample") <= 1.05 * rank1["mae_insample"]
    unseen = _error("interference", subject, "held-out pairs")
    assert unseen <= min(bound, 1.2 * rank1["mae_cv5"])


@pytest.mark.parametrize("subject", ["gavel v100", "gavel p100", "gavel k80", "blox a100"])
def test_three_measured_pairs_make_a_new_job_known(subject: str) -> None:
    nothing = _error("interference", subject, "held-out jobs with 0")
    assert _error("interference", subject, "held-out jobs with 3") < 0.8 * nothing


@pytest.mark.parametrize(
    ("sweep", "bound"),
    [("V100-PCIE training", 0.12), ("A40 training", 0.08), ("A100-SXM4-40GB LLM serving", 0.08)],
)
def test_the_concave_law_fits_power_best(sweep: str, bound: float) -> None:
    concave = _error("power", sweep, "concave")
    assert concave <= bound
    assert all(concave < _error("power", sweep, form) for form in ("linear", "quadratic", "TDP"))


def test_held_out_error_sees_only_what_is_held_out() -> None:
    """On exact data of the law, unseen pairs are foretold; on noise, unseen pairs are no better than chance."""
    rng = np.random.default_rng(2)
    s, i = rng.uniform(0.3, 2.0, 9), rng.uniform(0.3, 2.0, 9)
    victim, partner = (x.ravel() for x in np.meshgrid(np.arange(9), np.arange(9)))
    exact = Pairs(tuple("abcdefghi"), victim, partner, 1.0 / (1.0 + s[victim] * i[partner]))
    assert held_out_pairs_error(exact) < 0.02
    assert held_out_jobs_error(exact, 3) < 0.02 < held_out_jobs_error(exact, 0)
    noise = Pairs(exact.jobs, victim, partner, rng.uniform(0.2, 1.0, len(victim)))
    in_sample = np.abs(law_norms(fit_contention(noise), noise) - noise.norm).mean()
    assert held_out_pairs_error(noise) > 1.1 * in_sample


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


def test_the_gavel_profile_is_the_published_data(shared_data: Path, tmp_path: Path) -> None:
    calibrate_gavel(shared_data, tmp_path / "gavel")
    profile = load(str(tmp_path / "gavel"))
    assert [t.name for t in profile.gpu_types] == ["V100", "P100", "K80"]
    assert len(profile.workloads) == 26
    assert np.isfinite(profile.solo_rate).all()
    solo = pd.read_csv(shared_data / "throughput" / "gavel_solo.csv")
    solo = solo[(solo["source"] == "gavel_sim") & (solo["scale_factor"] == 1)]
    for job, gpu, rate in zip(solo["job_type"], solo["gpu_type"], solo["steps_per_s"], strict=True):
        found = profile.solo_rate[profile.workload_index[workload_of(job)], profile.type_index[gpu.upper()]]
        assert found == pytest.approx(rate, rel=1e-4)
    pairs = pd.read_csv(shared_data / "throughput" / "gavel_pairs_v100_p100_k80.csv")
    seen = 0
    for row in pairs[pairs["feasible"] == 1].sample(300, random_state=0).itertuples():
        t = profile.type_index[str(row.gpu_type).upper()]
        a, b = (profile.workload_index[workload_of(str(job))] for job in (row.job_a, row.job_b))
        if profile.fits(t, (a, b)):
            norms = profile.combine(t, (Member(a, 1.0), Member(b, 1.0))).norms
            assert norms == pytest.approx((row.norm_a, row.norm_b), abs=1e-4)
            seen += 1
    assert seen > 270
