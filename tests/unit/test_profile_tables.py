"""The shipped tables are complete, lie in measured ranges, and hold facts that anyone can look up."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import Member, Profile, Source, load
from gogh_sim.profiles.grid import grid_day, regions
from gogh_sim.types import JobKind

FOLDER = Path(str(resources.files("gogh_sim.profiles") / "calibrated"))
TABLES = ("gpu_types", "workloads", "solo", "interference", "slices", "grid", "errors")
PROFILE = load()
V100, A100, H100, T4 = (PROFILE.type_index[name] for name in ("V100", "A100", "H100", "T4"))


def _table(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _busy(gpu_type: str) -> np.ndarray:
    rows = {r["workload"]: r for r in _table("solo") if r["gpu_type"] == gpu_type}
    ordered = [rows[w.name] for w in PROFILE.workloads]
    return np.array([float(r["gpu_ms"]) / (float(r["gpu_ms"]) + float(r["host_ms"])) for r in ordered])


def _ratio(over: int, under: int) -> np.ndarray:
    rate = PROFILE.relative_speed.copy()
    rate[:, V100] = 1.0  # what its memory cannot hold has a speed there all the same
    return rate[:, over] / rate[:, under]


TRAINING = np.array([w.kind is JobKind.TRAINING for w in PROFILE.workloads])


def test_breadth() -> None:
    jobs = PROFILE.workloads
    assert len(jobs) >= 60
    assert {w.kind for w in jobs} == {JobKind.TRAINING, JobKind.INFERENCE}
    assert {"a3c", "cyclegan", "deepspeech2", "dlrm", "bert-base", "resnet50"} <= {w.model for w in jobs}
    assert {"prefill", "decode"} <= {w.model.rsplit("-", 1)[-1] for w in jobs}


def test_every_table_is_whole_and_every_cell_tagged() -> None:
    cells = {(w.name, t.name) for w in PROFILE.workloads for t in PROFILE.gpu_types}
    for name in ("solo", "interference"):
        rows = _table(name)
        assert {(r["workload"], r["gpu_type"]) for r in rows} == cells
        assert len(rows) == len(cells)
    tags = {s.value for s in Source}
    for name in TABLES:
        for row in _table(name):
            found = {v for k, v in row.items() if k == "tag" or k.endswith("_tag")}
            assert found <= tags
            assert all(v for k, v in row.items() if k.endswith("source")), row


def test_dictionary_names_exactly_the_columns() -> None:
    told = {(r["table"], r["column"]) for r in _table("dictionary")}
    found = {(name, column) for name in TABLES for column in _table(name)[0]}
    assert told == found
    assert all(r["meaning"] for r in _table("dictionary"))


def test_every_workload_has_a_footprint_with_a_source() -> None:
    for row in _table("workloads"):
        assert 0.5 < float(row["memory_gib"]) < 80.0
        assert row["memory_source"]


def test_every_workload_runs_somewhere_and_nowhere_without_memory() -> None:
    for w, job in enumerate(PROFILE.workloads):
        for t, gpu in enumerate(PROFILE.gpu_types):
            assert np.isnan(PROFILE.solo_rate[w, t]) == (job.memory_gib > gpu.memory_gib)
    assert np.isfinite(PROFILE.solo_rate).any(axis=1).all()


def test_no_workload_dominates_memory_of_small_cards() -> None:
    assert PROFILE.workload_index["qwen3-14b-decode-b8"] in np.flatnonzero(np.isnan(PROFILE.solo_rate[:, T4]))


# Ranges: shared ratio tables of NVIDIA DeepLearningExamples (A100/V100, p10 to p90 of mixed-precision training),
# Lambda (H100/A100 SXM, p10 and largest) and Sia (V100/T4, smallest and largest).
@pytest.mark.parametrize(
    ("over", "under", "low", "high"),
    [(A100, V100, 1.5, 2.4), (H100, A100, 1.44, 2.3), (V100, T4, 2.3, 3.25)],
)
def test_busy_training_speeds_up_as_measured(over: int, under: int, low: float, high: float) -> None:
    ratio = _ratio(over, under)
    busy = TRAINING & (_busy("A100") > 0.8)
    assert busy.sum() >= 15
    assert ratio[busy].min() >= low
    assert ratio[TRAINING].max() <= high
    assert ratio[TRAINING].min() >= 1.0


def test_small_batches_gain_little_and_large_ones_more() -> None:
    for over, under in ((A100, V100), (H100, A100), (V100, T4)):
        ratio = _ratio(over, under)
        by_model: dict[str, list[tuple[int, float]]] = {}
        for w, job in enumerate(PROFILE.workloads):
            by_model.setdefault(job.model, []).append((job.batch_size, ratio[w]))
        for model, found in by_model.items():
            gains = [gain for _, gain in sorted(found)]
            assert gains == sorted(gains), model
    assert _ratio(A100, V100)[PROFILE.workload_index["resnet18-b16"]] < 1.15


def test_larger_batches_take_longer_but_make_more_samples() -> None:
    by_model: dict[str, list[int]] = {}
    for w, job in enumerate(PROFILE.workloads):
        by_model.setdefault(job.model, []).append(w)
    batch = np.array([w.batch_size for w in PROFILE.workloads])
    for jobs in by_model.values():
        order = sorted(jobs, key=lambda w: batch[w])
        rate = PROFILE.reference_solo_rate[order]
        assert (np.diff(rate) < 0).all()
        assert (np.diff(rate * batch[order]) >= -1e-9).all()


def test_host_is_the_same_on_every_type() -> None:
    host: dict[str, set[str]] = {}
    for row in _table("solo"):
        host.setdefault(row["workload"], set()).add(row["host_ms"])
    assert all(len(values) == 1 for values in host.values())


def test_transferred_interference_declares_a_wider_spread() -> None:
    spread = PROFILE.interference_spread
    assert min(spread[H100], spread[T4]) > max(spread[V100], spread[A100]) > 0


# --- Ten facts, each with the public place that states it --------------------------------------------------------


def _rate(workload: str, gpu_type: int) -> float:
    return float(PROFILE.solo_rate[PROFILE.workload_index[workload], gpu_type])


@pytest.mark.parametrize(
    ("workload", "gpu_type", "samples_per_s", "tolerance"),
    [
        # Gavel, simulation_throughputs.json: 4.3948 steps/s of ResNet-50 at 64 on V100.
        ("resnet50-b64", V100, 4.3948 * 64, 0.05),
        # Gavel, same file: 64.742 steps/s of its LSTM language model at 20 on V100.
        ("lstm-lm-b20", V100, 64.742 * 20, 0.10),
        # Gavel, same file: 4.4261 steps/s of CycleGAN on V100.
        ("cyclegan-b1", V100, 4.4261, 0.01),
        # NVIDIA DeepLearningExamples, Detection/SSD: 296.8 images/s at 32 in mixed precision on V100-16GB.
        ("ssd300-b32", V100, 296.8, 0.02),
        # NVIDIA DeepLearningExamples, Translation/GNMT: 140,910 tokens/s at 128 on A100-40GB, 50 tokens a pair.
        ("gnmt-b128", A100, 140910 / 50, 0.02),
        # Sia, g4dn.12xlarge: 0.703 s a step of BERT at 8 on T4.
        ("bert-base-b8", T4, 8 / 0.703, 0.15),
        # ML.ENERGY v3: 11.5 ms between tokens of Llama-3.1-8B at 64, so 8.9 ms at 32, on H100-SXM.
        ("llama3.1-8b-decode-b32", H100, 32 / 8.907e-3, 0.05),
        # MIGProfiler: 78.88 ms a step of ViT at 32 on a whole A100.
        ("vit-base-b32", A100, 32 / 78.88e-3, 0.05),
    ],
)
def test_measured_speeds(workload: str, gpu_type: int, samples_per_s: float, tolerance: float) -> None:
    batch = PROFILE.workloads[PROFILE.workload_index[workload]].batch_size
    assert _rate(workload, gpu_type) * batch == pytest.approx(samples_per_s, rel=tolerance)


def test_measured_pair_vgg_hardly_notices_dcgan() -> None:
    # Blox norm_speed.csv, one A100: VGG-19 at 128 keeps at least 0.9 of its speed beside DCGAN at 32, which crawls.
    vgg, dcgan = PROFILE.workload_index["vgg19-b128"], PROFILE.workload_index["dcgan-b32"]
    large, small = PROFILE.combine(A100, (Member(vgg, 1.0), Member(dcgan, 1.0))).norms
    assert large > 0.9
    assert small < 0.35


def test_measured_node_power() -> None:
    # MLPerf inference logs of DGX A100: 834 W plus 1.175 W per GPU watt.
    host = PROFILE.gpu_types[A100].host
    assert (host.base_w, host.slope) == (834.0, 1.175)


def test_a_day_of_the_grid() -> None:
    assert regions() == ("us-california", "us-midatlantic", "us-newyork", "us-texas")
    california = grid_day("us-california")
    assert len(california.carbon_g_per_kwh) == len(california.price_usd_per_kwh) == 24
    # Sun lowers both at noon; evening peak.
    assert california.carbon_g_per_kwh[12] < california.carbon_g_per_kwh[20]
    assert california.price_usd_per_kwh[12] < california.price_usd_per_kwh[19]
    # PJM's mean over 2022 in the same data is 362.6 g/kWh, and over 2023 3.57 cents.
    pjm = grid_day("us-midatlantic")
    assert np.mean(pjm.carbon_g_per_kwh) == pytest.approx(362.6, rel=0.01)
    assert np.mean(pjm.price_usd_per_kwh) == pytest.approx(0.0357, rel=0.02)
    with pytest.raises(InputError, match="expected a region among"):
        grid_day("atlantis")


# --- Reading -----------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in TABLES:
        (tmp_path / f"{name}.csv").write_bytes((FOLDER / f"{name}.csv").read_bytes())
    return tmp_path


def _edit(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_folder_of_tables_is_a_profile(copy: Path) -> None:
    found: Profile = load(str(copy))
    assert np.array_equal(found.solo_rate, PROFILE.solo_rate, equal_nan=True)
    assert found.name == copy.name


def test_a_bad_number_names_file_line_and_column(copy: Path) -> None:
    _edit(copy / "solo.csv", 3, "25.605", "fast")
    with pytest.raises(InputError, match=r"solo\.csv, line 3, column host_ms: expected a number, found 'fast'"):
        load(str(copy))


def test_an_infinite_number_is_none(copy: Path) -> None:
    _edit(copy / "solo.csv", 3, "25.605", "inf")
    with pytest.raises(InputError, match=r"solo\.csv, line 3, column host_ms: expected a number, found .*inf"):
        load(str(copy))


def test_an_unknown_tag_is_refused(copy: Path) -> None:
    _edit(copy / "interference.csv", 2, "fitted", "guessed")
    with pytest.raises(InputError, match=r"line 2, column tag: expected one of .* found 'guessed'"):
        load(str(copy))


def test_a_missing_row_is_named(copy: Path) -> None:
    path = copy / "interference.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"expected a row for qwen3-14b-decode-b32 on T4, found none"):
        load(str(copy))


def test_a_repeated_row_is_named(copy: Path) -> None:
    path = copy / "solo.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"line {len(lines) + 1}: workload and GPU type occur a second time"):
        load(str(copy))


def test_a_missing_column_is_named(copy: Path) -> None:
    _edit(copy / "workloads.csv", 1, "memory_gib", "memory")
    with pytest.raises(InputError, match=r"workloads\.csv, column memory_gib"):
        load(str(copy))


def test_a_missing_table_is_named(copy: Path) -> None:
    (copy / "solo.csv").unlink()
    with pytest.raises(InputError, match=r"solo\.csv: expected a profile table"):
        load(str(copy))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a profile among \['calibrated'\]"):
        load("nonesuch")
