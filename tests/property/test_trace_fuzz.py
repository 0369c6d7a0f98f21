"""Whatever a file holds, a reader answers with a trace whose rows add up, or with an `InputError`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gogh_sim.errors import InputError
from gogh_sim.traces import formats
from gogh_sim.traces.faults import Severity
from gogh_sim.traces.sources import Sources

SAMPLES = Path(__file__).resolve().parents[2] / "traces"
SEEDS = {
    "openb": b"\n".join((SAMPLES / "alibaba_style_400.csv").read_bytes().split(b"\n")[:6]),
    "philly_list": b"\n".join((SAMPLES / "philly_style_400.csv").read_bytes().split(b"\n")[:6]),
    "philly": json.dumps(json.loads((SAMPLES / "philly_style_400.json").read_bytes())[:3]).encode(),
}
CUTTINGS = [
    *(b"", b",", b"\n", b'"', b"\r", b"\x00", b"\xff", b"nan", b"inf", b"-1", b"1e308", b"None", b"null", b"True"),
    *(b"[", b"]", b"{}", b"9" * 400, b"9" * 5000, b"0x1f", b"1_0", "\u0663".encode(), b'"\\ud800"', b"\x1f\x8b"),
]
relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def survives(format: str, content: bytes, folder: Path, name: str = "trace") -> None:
    path = folder / name
    path.write_bytes(content)
    faults = formats.check(format, Sources(path))
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    if errors:
        with pytest.raises(InputError) as caught:
            formats.read(format, path)
        assert str(caught.value.file) == str(path)
    else:
        trace = formats.read(format, path)
        assert trace.rows == len(trace.jobs) + sum(trace.left_out.values())


@pytest.mark.parametrize("format", sorted(SEEDS))
@relaxed
@given(content=st.binary(max_size=300))
@example(content=b"")
def test_noise(format: str, tmp_path: Path, content: bytes) -> None:
    survives(format, content, tmp_path)
    survives(format, content, tmp_path, "trace.gz")


@pytest.mark.parametrize("format", sorted(SEEDS))
@relaxed
@given(data=st.data())
def test_mutations(format: str, tmp_path: Path, data: st.DataObject) -> None:
    content = SEEDS[format]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 2, 5, 20, 10_000]))
        content = content[:start] + data.draw(st.sampled_from(CUTTINGS)) + content[start + length :]
    survives(format, content, tmp_path)


@pytest.mark.parametrize("format", ["openb", "philly_list"])
@relaxed
@given(data=st.data())
def test_mutated_cells(format: str, tmp_path: Path, data: st.DataObject) -> None:
    rows = [line.split(b",") for line in SEEDS[format].split(b"\n")]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(1, len(rows) - 1))
        column = data.draw(st.integers(0, len(rows[row]) - 1))
        rows[row][column] = data.draw(st.sampled_from([*CUTTINGS, b"1", b"0", b"8", b"1000", b"2017-10-02 00:00:00"]))
    survives(format, b"\n".join(b",".join(row) for row in rows), tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2017-10-02 00:00:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start_time", "gpus", "x"]), inner),
    max_leaves=6,
)


@relaxed
@given(field=st.sampled_from(["jobid", "status", "vc", "user", "submitted_time", "attempts"]), value=JSON)
def test_records_of_the_wrong_shape(tmp_path: Path, field: str, value: object) -> None:
    records = json.loads(SEEDS["philly"])
    records[1][field] = value
    survives("philly", json.dumps(records).encode(), tmp_path)


@relaxed
@given(part=st.sampled_from(["start_time", "end_time", "detail"]), value=JSON)
def test_attempts_of_the_wrong_shape(tmp_path: Path, part: str, value: object) -> None:
    records = json.loads(SEEDS["philly"])
    records[1]["attempts"][0][part] = value
    survives("philly", json.dumps(records).encode(), tmp_path)


@pytest.mark.parametrize("format", sorted(SEEDS))
@relaxed
@given(data=st.data())
def test_damaged_gzip(format: str, tmp_path: Path, data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(SEEDS[format], mtime=0))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    survives(format, bytes(packed[: data.draw(st.integers(1, len(packed)))]), tmp_path, "trace.gz")
