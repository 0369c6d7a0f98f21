"""Rates, meters, campaigns and files of `gogh_sim.measure`, on numbers made by hand."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gogh_sim import profiles
from gogh_sim.errors import InputError
from gogh_sim.measure import PROBES, Campaign, Size, measure, probe_of, write_measurements
from gogh_sim.measure.campaign import all_pairs
from gogh_sim.measure.files import FACT_COLUMNS, ROW_COLUMNS
from gogh_sim.measure.meter import Draw, NoMeter, Reading
from gogh_sim.measure.nvml import NvmlMeter
from gogh_sim.measure.rates import Rate, rate_within
from gogh_sim.measure.trial import Trial, run_together
from gogh_sim.measure.worker import Facts, Task
from gogh_sim.profiles import new_workloads, own

A, B = "probe-attention-b8", "probe-decode-b1"


def campaign(**changes: object) -> Campaign:
    given: dict[str, object] = {
        "gpu_type": "X",
        "device": "cpu",
        "workloads": (A, B),
        "pairs": ((A, B),),
        "size": Size.TINY,
        "seconds": 0.05,
        "warmup_s": 0.0,
        "settle_s": 0.0,
    }
    return Campaign(**(given | changes))  # type: ignore[arg-type]


# --- Rates -------------------------------------------------------------------------------------------------------


def test_a_rate_counts_whole_blocks_within_the_window() -> None:
    found = rate_within(np.array([0.5, 1.0, 1.5, 2.5, 3.5, 9.0]), 10, begin_s=0.9, end_s=4.0)
    # Blocks of 0.5, 1 and 1 s: mean 5/6 s, sd 0.288675, t(0.975, 2) = 4.30265.
    assert found.blocks == 3
    assert found.per_s == pytest.approx(12.0)
    half = 4.30265 * 0.288675 / np.sqrt(3)
    assert found.low == pytest.approx(10 / (5 / 6 + half), rel=1e-4)
    assert found.high == pytest.approx(10 / (5 / 6 - half), rel=1e-4)


def test_few_blocks_give_no_interval_and_none_no_rate() -> None:
    two = rate_within(np.array([1.0, 2.0, 3.0]), 4, 0.0, 5.0)
    assert (two.per_s, two.blocks) == (4.0, 2)
    assert np.isnan([two.low, two.high]).all()
    assert rate_within(np.array([1.0]), 4, 0.0, 5.0).blocks == 0
    assert rate_within(np.array([1.0, 2.0, 3.0, 4.0]), 4, 1.5, 2.5).blocks == 0


# --- Meters ------------------------------------------------------------------------------------------------------


def test_a_draw_is_the_mean_and_the_most_memory() -> None:
    found = Draw.of([Reading(100.0, 1000.0, 2000.0, 3.0), Reading(300.0, 1200.0, 2000.0, 5.0)])
    assert found == Draw(200.0, 1100.0, 2000.0, 5.0, 2)
    assert Draw.of([]).samples == 0
    assert np.isnan(Draw.of([]).power_w)


class NvmlError(Exception):
    pass


def fake_nvml(processes: Sequence[int] = (), broken: bool = False) -> SimpleNamespace:
    """The part of NVIDIA's binding that is used, with the units that it has."""

    def init() -> None:
        if broken:
            raise NvmlError("Driver Not Loaded")

    return SimpleNamespace(
        NVMLError=NvmlError,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        nvmlInit=init,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetComputeRunningProcesses=lambda gpu: [SimpleNamespace(pid=p) for p in processes],
        nvmlDeviceGetPowerUsage=lambda gpu: 123_456,  # milliwatts
        nvmlDeviceGetClockInfo=lambda gpu, which: {1: 1410, 2: 1593}[which],
        nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=3 * 2**30),
        nvmlDeviceGetName=lambda gpu: "NVIDIA X",
        nvmlSystemGetDriverVersion=lambda: "1.2",
        nvmlDeviceGetPowerManagementLimit=lambda gpu: 400_000,
    )


def test_nvml_is_read_in_watts_and_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    meter = NvmlMeter(0)
    assert meter.read() == Reading(123.456, 1410.0, 1593.0, 3.0)
    assert meter.describe() == {"meter": "NVML", "gpu": "NVIDIA X", "driver": "1.2", "power_limit_w": "400"}


@pytest.mark.parametrize(
    ("binding", "complaint"),
    [
        (None, r"pip install 'gogh-sim\[measure\]'"),
        (fake_nvml(broken=True), "GPU 0 cannot be metered: Driver Not Loaded"),
        (fake_nvml(processes=[42]), r"in use by processes \[42\]"),
    ],
)
def test_a_gpu_that_cannot_be_metered_says_what_to_do(
    binding: object, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", binding)
    with pytest.raises(InputError, match=complaint):
        NvmlMeter(0)


# --- Campaigns ---------------------------------------------------------------------------------------------------


class Ramp:
    """A meter whose watts tell how many probes it was read beside."""

    def __init__(self) -> None:
        self.running = 0

    def read(self) -> Reading:
        return Reading(50.0 + 100.0 * self.running, 1000.0, 1500.0, 1.0 + 2.0 * self.running)

    def describe(self) -> dict[str, str]:
        return {"meter": "ramp"}


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> Ramp:
    """Trials without processes: alone A does 10 and B 20 iterations a second, together half of that."""
    meter = Ramp()

    def together(tasks: Sequence[Task], meter: Ramp, seconds: float, settle_s: float) -> Trial:
        meter.running = len(tasks)
        alone = [10.0 if task.model == "probe-attention" else 20.0 for task in tasks]
        rates = tuple(Rate(r / len(tasks), r / len(tasks) - 1, r / len(tasks) + 1, 9) for r in alone)
        return Trial(rates, (Facts(7.0, 3.0, 0.5),) * len(tasks), Draw.of([meter.read()]), seconds)

    monkeypatch.setattr("gogh_sim.measure.campaign.run_together", together)
    monkeypatch.setattr("gogh_sim.measure.campaign.idle_with_process", lambda *_: Draw(80.0, 300.0, 400.0, 1.5, 4))
    return meter


def test_a_campaign_gives_the_rows_that_calibrate_reads(staged: Ramp, tmp_path: Path) -> None:
    found = measure(campaign(), staged)
    files = write_measurements(campaign(), found, {"date": "2000-01-01"}, tmp_path / "out")
    with files[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [(r["kind"], r["workload"], r["partner"], r["rate_per_s"], r["power_w"], r["memory_gib"]) for r in rows]
    assert cells == [
        ("idle_bare", "", "", "", "50", ""),
        ("idle_context", "", "", "", "80", ""),
        ("solo", A, "", "10", "150", "2"),  # 3 GiB in use less 1 GiB before
        ("solo", B, "", "20", "150", "2"),
        ("pair", A, B, "5", "250", ""),
        ("pair", B, A, "10", "250", ""),
    ]
    assert {r["gpu_type"] for r in rows} == {"X"}
    assert [(r["rate_low_per_s"], r["rate_high_per_s"]) for r in rows[2:4]] == [("9", "11"), ("19", "21")]
    assert len(own.read_measurements(files[0]).of("pair")) == 2
    facts = new_workloads.read_workload_facts(files[1]).rows
    assert facts["workload"].tolist() == [A, B]
    assert facts["batch_size"].tolist() == [8, 1]
    kept = json.loads(files[2].read_text())
    assert (kept["date"], kept["gpu_type"], kept["failures"]) == ("2000-01-01", "X", [])


def test_columns_are_those_that_calibrate_asks_for() -> None:
    assert ROW_COLUMNS[: len(own.COLUMNS)] == own.COLUMNS
    assert FACT_COLUMNS == new_workloads.FACT_COLUMNS


def test_without_a_meter_there_are_rates_and_no_watts(staged: Ramp, monkeypatch: pytest.MonkeyPatch) -> None:
    def unmetered(tasks: Sequence[Task], *_: object) -> Trial:
        return Trial((Rate(1.0, 0.9, 1.1, 5),) * len(tasks), (Facts(1.0, 1.0, 0.25),) * len(tasks), Draw.of([]), 1.0)

    monkeypatch.setattr("gogh_sim.measure.campaign.run_together", unmetered)
    found = measure(campaign(pairs=()), NoMeter())
    assert [row["kind"] for row in found.rows] == ["solo", "solo"]
    assert all(np.isnan(float(row["power_w"])) for row in found.rows)
    assert found.memory_gib == {A: 0.25, B: 0.25}


def test_a_trial_that_fails_is_told_and_left_out(staged: Ramp, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(tasks: Sequence[Task], *_: object) -> Trial:
        if len(tasks) == 2:
            raise InputError("out of memory")
        return Trial((Rate(1.0, 0.9, 1.1, 5),), (Facts(1.0, 1.0, 0.25),), Draw.of([]), 1.0)

    monkeypatch.setattr("gogh_sim.measure.campaign.run_together", failing)
    told: list[str] = []
    found = measure(campaign(), NoMeter(), told.append)
    assert found.failures == (f"{A} beside {B}: out of memory",)
    assert told[-1] == found.failures[0]
    assert [row["kind"] for row in found.rows] == ["solo", "solo"]


def test_all_pairs_are_unordered_and_hold_each_beside_itself() -> None:
    assert all_pairs((A, B)) == ((A, A), (A, B), (B, B))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"gpu_type": ""}, "needs a name"),
        ({"workloads": ()}, "different workloads"),
        ({"workloads": (A, A)}, "different workloads"),
        ({"workloads": ("resnet50-b64",), "pairs": ()}, "expected <probe>-b<batch>"),
        ({"workloads": ("probe-decode-b0",), "pairs": ()}, "expected <probe>-b<batch>"),
        ({"workloads": (A,)}, "must be measured alone"),
        ({"seconds": 0.0}, "seconds must be a positive number"),
        ({"warmup_s": float("nan")}, "warmup_s must be"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        campaign(**changes)


# --- Probes ------------------------------------------------------------------------------------------------------


def test_every_probe_resembles_a_workload_of_its_kind() -> None:
    shipped = profiles.load()
    for probe in PROBES.values():
        relative = shipped.workloads[shipped.workload_index[probe.relative]]
        assert relative.kind == probe.kind
        assert probe_of(probe.workload(probe.batches[0])) == (probe, probe.batches[0])


@pytest.mark.parametrize("model", sorted(PROBES))
def test_every_probe_computes_and_is_counted(model: str) -> None:
    from gogh_sim.measure import probes

    running = {batch: probes.start(PROBES[model], batch, Size.TINY, "cpu") for batch in (2, 4)}
    running[2].step()
    running[2].finish()
    assert running[2].parameters_m == running[4].parameters_m > 0
    assert running[2].gflop_per_sample == pytest.approx(running[4].gflop_per_sample, rel=0.2)
    assert running[2].peak_memory_gib() > 0


def test_recurrent_work_is_counted_by_hand() -> None:
    from gogh_sim.measure import probes

    # Two layers of 4 gates x (8 + 8) x 8 weights and 8 x 50 to the vocabulary, 4 tokens, 6 operations each.
    found = probes.start(PROBES["probe-recurrent"], 2, Size.TINY, "cpu").gflop_per_sample
    assert found == pytest.approx((2 * 4 * 16 * 8 + 8 * 50) * 4 * 6 / 1e9)


def test_training_probes_change_their_weights_and_inference_does_not() -> None:
    from gogh_sim.measure import probes

    works = {m: probes._BUILDERS[m](Size.TINY, 2, probes.torch.device("cpu")) for m in PROBES}
    for model, work in works.items():
        before = [p.detach().clone() for p in work.module.parameters()]
        make = probes._training_step if PROBES[model].kind == "training" else probes._inference_step
        make(work, probes.torch.device("cpu"))()
        changed = any(not probes.torch.equal(a, b) for a, b in zip(before, work.module.parameters(), strict=True))
        assert changed == (PROBES[model].kind == "training"), model


def test_two_processes_run_at_once_and_are_both_timed() -> None:
    tasks = [Task("probe-decode", 1, Size.TINY, "cpu", 0.0), Task("probe-small-kernels", 4, Size.TINY, "cpu", 0.0)]
    found = run_together(tasks, NoMeter(), seconds=0.1, settle_s=0.0)
    assert all(0 < rate.low < rate.per_s < rate.high and rate.blocks >= 3 for rate in found.rates)
    assert found.facts[0].parameters_m != found.facts[1].parameters_m
    assert found.draw.samples == 0


def test_a_probe_that_cannot_be_built_says_so_and_leaves_no_process() -> None:
    huge = Task("probe-attention", 10**12, Size.TINY, "cpu", 0.0)
    with pytest.raises(InputError, match=r"probe-attention at batch 1000000000000 on cpu failed: "):
        run_together([huge], NoMeter(), seconds=0.1, settle_s=0.0)
