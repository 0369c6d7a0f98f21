"""Request traces: a small file of each format by hand, the public files, patterns, and whatever a file may hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_samples import SAMPLES

from gogh_sim.errors import InputError
from gogh_sim.traces import requests
from gogh_sim.traces.requests import REQUEST_FORMATS, RequestTrace, Unit

EXPECTED = {
    "azure_llm": (("all",), [[2 / 60, 1 / 60, 1 / 60]]),
    "dlrm": (("app_a", "app_b"), [[1.0, 1.0], [1.5, 1.5]]),
    "genai_lora": (("IMG_2_IMG", "TXT_2_IMG"), [[0.0, 1 / 60], [2 / 60, 0.0]]),
    "genai_qps": (("API Requests", "Generative Requests"), [[0.0, 2.0, 0.0], [0.75, 0.0, 1.0]]),
    # b's 4 lasts the 90 s that the row before it did, a's only row one step.
    "requests": (("a", "b"), [[0.0, 1.0, 0.0], [2.0, 3.0, 4.0]]),
}
PUBLIC = {
    # Rows and length by the description of the data; the mean rate is their ratio.
    "azure_llm": ("azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz", 1, 19366, 3501.0),
    "dlrm": ("alibaba_dlrm_v2025/disaggregated_DLRM_trace.csv.gz", 156, None, 2_677_541.0),
    "genai_lora": ("alibaba_genai_v2026/lora_request_trace.csv.gz", 3, 26823, 23.03 * 86400),
    "genai_qps": ("alibaba_genai_v2026/qps.csv.gz", 2, None, 0.93 * 86400),
}


def write(folder: Path, content: str) -> Path:
    path = folder / "requests.csv"
    path.write_bytes(content.encode())
    return path


def test_every_format_has_a_sample() -> None:
    assert SAMPLES.keys() == EXPECTED.keys() == REQUEST_FORMATS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_become_rates(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, SAMPLES[name])
    trace = requests.read(name, path)
    names, rates = EXPECTED[name]
    assert trace.names == names
    assert trace.rates[:, : len(rates[0])] == pytest.approx(np.array(rates))
    assert trace.unit == (Unit.INSTANCES if name == "dlrm" else Unit.REQUESTS)
    assert requests.guess(path) == name
    assert not [fault for fault in requests.check(name, path) if fault.severity == "error"]


def test_left_out_is_counted(tmp_path: Path) -> None:
    assert dict(requests.read("dlrm", write(tmp_path, SAMPLES["dlrm"])).left_out) == {"CPU only": 1}


def test_a_rate_is_a_mean_over_its_step(tmp_path: Path) -> None:
    """Steps of 45 s begin with b's change at 90 s and cut a's one step, from 60 to 105 s, in two."""
    coarse = requests.read("requests", write(tmp_path, SAMPLES["requests"]), step_s=45.0)
    assert coarse.rates[1] == pytest.approx([2.0, 2.0, 4.0, 4.0])
    assert coarse.rates[0] == pytest.approx([0.0, 30 / 45, 15 / 45, 0.0])


def test_a_slip_of_centuries_is_told(tmp_path: Path) -> None:
    """Years that nanoseconds since 1970 cannot hold."""
    path = write(tmp_path, SAMPLES["azure_llm"].replace("2023-11-16 18:15", "0223-11-16 18:15"))
    with pytest.raises(InputError, match="too long for steps of 60 s"):
        requests.read("azure_llm", path)


FAULTS = [
    ("azure_llm", "2023-11-16 18:16:17.1805900", "2023-11-16 18:16", "TIMESTAMP", 3),
    ("azure_llm", "374", "many", "ContextTokens", 2),
    ("dlrm", "i1,HN,app_b,1,20,30,", "i1,HN,app_b,1,20,10,", "scheduled_time", 3),
    ("dlrm", "i1,HN,app_b,1,20,30,", "i1,HN,app_b,1,20,30,25", "deletion_time", 3),
    ("dlrm", "i1,HN", "i1,XX", "role", 3),
    ("genai_lora", "16:58:20", "16:58", "gmt_create", 3),
    ("genai_qps", "0.25,b", "0.25,a", "container_ip", 3),
    ("genai_qps", "2.0,,", "-2.0,,", "value", 4),
    ("requests", "b,90,4", "b,0,4", "time_s", 3),
    ("requests", "a,60,1", ",60,1", "service", 4),
]


@pytest.mark.parametrize(("name", "old", "new", "column", "line"), FAULTS)
def test_faults_are_named(tmp_path: Path, name: str, old: str, new: str, column: str, line: int) -> None:
    assert old in SAMPLES[name]
    path = write(tmp_path, SAMPLES[name].replace(old, new))
    with pytest.raises(InputError, match="expected") as caught:
        requests.read(name, path)
    assert (caught.value.column, caught.value.line) == (column, line)
    (fault,) = [f for f in requests.check(name, path) if f.severity == "error"]
    assert (fault.column, fault.line, fault.count) == (column, line, 1)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_file_holds_is_read_or_refused(name: str, tmp_path: Path, data: st.DataObject) -> None:
    content = SAMPLES[name].encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 2, 5, 20, 10_000]))
        piece = data.draw(
            st.sampled_from([b"", b",", b"\n", b'"', b"\xff", b"nan", b"inf", b"-1", b"9" * 400, b"1e11"])
        )
        content = content[:start] + piece + content[start + length :]
    path = tmp_path / "requests.csv"
    path.write_bytes(content)
    requests.guess(path)
    try:
        trace = requests.read(name, path)
    except InputError:
        return
    assert np.isfinite(trace.rates).all()
    assert (trace.rates >= 0).all()


@pytest.mark.parametrize("name", PUBLIC)
def test_public_files(shared_data: Path, name: str) -> None:
    file, series, rows, length_s = PUBLIC[name]
    path = shared_data / "traces" / file
    assert requests.guess(path) == name
    trace = requests.read(name, path, step_s=600.0)
    assert len(trace.names) == series
    assert trace.length_s == pytest.approx(length_s, abs=600.0 + 0.01 * length_s)
    assert not [fault for fault in requests.check(name, path) if fault.severity == "error"]
    if rows is not None:
        assert trace.rates.sum() * trace.step_s == pytest.approx(rows)


def test_instances_of_the_public_dlrm_file_are_those_that_are_up(shared_data: Path) -> None:
    """7,386 GPU instances, of which 3,123 were there before the start and 3,322 outlived the trace."""
    trace = requests.read("dlrm", shared_data / "traces" / PUBLIC["dlrm"][0], step_s=600.0)
    total = trace.rates.sum(axis=0)
    assert total[0] == pytest.approx(3123, abs=10)
    assert total[-2] == pytest.approx(3322, abs=10)


def test_window_begins_again_at_the_end() -> None:
    trace = RequestTrace(("a",), np.array([[1.0, 2.0, 3.0]]), 10.0, Unit.REQUESTS, "test")
    assert trace.window(10.0, 40.0).rates.tolist() == [[2.0, 3.0, 1.0, 2.0]]
    assert trace.window(0.0, 15.0).rates.tolist() == [[1.0, 2.0]]
    with pytest.raises(InputError, match="start"):
        trace.window(30.0, 10.0)


def test_series_join_equal_steps() -> None:
    trace = RequestTrace(("a",), np.array([[1.0, 1.0, 3.0]]), 10.0, Unit.REQUESTS, "test")
    series = trace.series(0, scale=2.0)
    assert (series.starts_s, series.rates) == ((0.0, 20.0), (2.0, 6.0))


def test_statistics_by_hand() -> None:
    trace = RequestTrace(("a", "b"), np.array([[1.0, 0.0], [2.0, 1.0]]), 10.0, Unit.REQUESTS, "test")
    found = requests.statistics(trace)
    assert (found["rate_mean"], found["rate_peak"], found["peak_over_mean"]) == (2.0, 3.0, 1.5)
    assert found["step_fano"] == pytest.approx(100.0 / 20.0)


@pytest.mark.parametrize("pattern", requests.PATTERNS)
def test_patterns_are_seeded_and_peak_at_one(pattern: str) -> None:
    draws = [requests.draw(pattern, 3, 172_800.0, 300.0, np.random.default_rng(seed)).rates for seed in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert draws[0].max(axis=1) == pytest.approx(np.ones(3))


def test_diurnal_rates_have_a_night_and_a_day() -> None:
    """At midnight a quarter of noon, within the noise."""
    rates = requests.draw("diurnal", 200, 86_400.0, 300.0, np.random.default_rng(1)).rates.mean(axis=0)
    assert rates[:6].mean() / rates[141:147].mean() == pytest.approx(0.25, abs=0.03)


def test_on_off_rates_are_off_three_quarters_of_the_time() -> None:
    """Bursts of 600 s and silence of 1,800 s; a step of a second is nearly always in one or the other."""
    rates = requests.draw("on_off", 40, 86_400.0, 1.0, np.random.default_rng(1)).rates
    assert (rates == 0).mean() == pytest.approx(0.75, abs=0.02)
    bursts = ((rates[:, 1:] > 0) & (rates[:, :-1] == 0)).sum() / 40
    assert bursts == pytest.approx(86_400 / 2400, rel=0.05)


@pytest.mark.parametrize(
    ("pattern", "services", "length_s", "step_s"),
    [("nope", 1, 10.0, 1.0), ("diurnal", 0, 10.0, 1.0), ("diurnal", 1, 0.0, 1.0), ("diurnal", 1, 10.0, 0.0)],
)
def test_draw_refuses(pattern: str, services: int, length_s: float, step_s: float) -> None:
    with pytest.raises(InputError):
        requests.draw(pattern, services, length_s, step_s, np.random.default_rng(1))


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown format of requests"):
        requests.read("nope", write(tmp_path, "a"))
    assert requests.guess(write(tmp_path, "a,b\n")) is None
    assert requests.guess(tmp_path) is None
