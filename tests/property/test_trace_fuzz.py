"""Whatever a file holds, a reader answers with a trace whose rows add up, or with an `InputError`."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trace_samples import SAMPLES

from gogh_sim.errors import InputError
from gogh_sim.traces import formats, read_skipping

SEEDS = {name: sample.text.encode() for name, sample in SAMPLES.items()}
SEPARATORS = {"gavel": b"\t", "swf": b" "}
CUTTINGS = [
    *(b"", b",", b"\n", b'"', b"\r", b"\x00", b"\xff", b"nan", b"inf", b"-1", b"1e308", b"None", b"null", b"True"),
    *(b"[", b"]", b"{}", b"9" * 400, b"9" * 5000, b"0x1f", b"1_0", "\u0663".encode(), b'"\\ud800"', b"\x1f\x8b"),
]
relaxed = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def check_survives(seed: str, content: bytes, folder: Path, name: str = "trace") -> None:
    """Put the content in place of the seed's jobs: a trace that adds up, or an error about a file of it."""
    sample = SAMPLES[seed]
    sources = replace(sample.put(folder), jobs=folder / name, nodes=None)
    sources.jobs.write_bytes(content)
    reader = formats.FORMATS[sample.format].read
    if formats.errors(formats.check(sample.format, sources)):
        with pytest.raises(InputError) as caught:
            reader(sources)
        assert str(caught.value.file) in (str(sources.jobs), str(sources.throughputs))
        return
    trace = reader(sources)
    assert trace.rows == len(trace.jobs) + sum(trace.left_out.values())


def check_skips(seed: str, content: bytes, folder: Path) -> None:
    """What is faulty goes to quarantine, row by row, or the file is refused as a whole."""
    sample = SAMPLES[seed]
    sources = replace(sample.put(folder), nodes=None)
    sources.jobs.write_bytes(content)
    try:
        trace, count = read_skipping(sample.format, sources.jobs, folder / "held.csv", throughputs=sources.throughputs)
    except InputError:
        return
    assert count == trace.left_out.get("faulty", 0)
    if count:
        with (folder / "held.csv").open(newline="") as held:
            assert len(list(csv.reader(held))) == count + 1


@pytest.mark.parametrize("seed", sorted(SEEDS))
@relaxed
@given(content=st.binary(max_size=300))
@example(content=b"")
def test_noise(seed: str, tmp_path: Path, content: bytes) -> None:
    check_survives(seed, content, tmp_path)
    check_survives(seed, content, tmp_path, "trace.gz")


@pytest.mark.parametrize("seed", sorted(SEEDS))
@relaxed
@given(data=st.data())
def test_mutations(seed: str, tmp_path: Path, data: st.DataObject) -> None:
    content = SEEDS[seed]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 2, 5, 20, 10_000]))
        content = content[:start] + data.draw(st.sampled_from(CUTTINGS)) + content[start + length :]
    check_survives(seed, content, tmp_path)


@pytest.mark.parametrize("seed", sorted(SEEDS.keys() - {"philly"}))
@relaxed
@given(data=st.data())
def test_mutated_cells(seed: str, tmp_path: Path, data: st.DataObject) -> None:
    separator = SEPARATORS.get(SAMPLES[seed].format, b",")
    rows = [line.split(separator) for line in SEEDS[seed].split(b"\n")[:-1]]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(0, len(rows) - 1))
        column = data.draw(st.integers(0, len(rows[row]) - 1))
        rows[row][column] = data.draw(st.sampled_from([*CUTTINGS, b"1", b"0", b"8", b"1000", b"2017-10-02 00:00:00"]))
    content = b"\n".join(separator.join(row) for row in rows)
    check_survives(seed, content, tmp_path)
    check_skips(seed, content, tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2017-10-02 00:00:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start_time", "gpus", "x"]), inner),
    max_leaves=6,
)


@relaxed
@given(field=st.sampled_from(["jobid", "status", "vc", "user", "submitted_time", "attempts"]), value=JSON)
def test_records_of_the_wrong_shape(tmp_path: Path, field: str, value: object) -> None:
    records = json.loads(SEEDS["philly"])
    records[0][field] = value
    check_survives("philly", json.dumps(records).encode(), tmp_path)


@relaxed
@given(part=st.sampled_from(["start_time", "end_time", "detail"]), value=JSON)
def test_attempts_of_the_wrong_shape(tmp_path: Path, part: str, value: object) -> None:
    records = json.loads(SEEDS["philly"])
    records[0]["attempts"][0][part] = value
    check_survives("philly", json.dumps(records).encode(), tmp_path)


@pytest.mark.parametrize("seed", sorted(SEEDS))
@relaxed
@given(data=st.data())
def test_damaged_gzip(seed: str, tmp_path: Path, data: st.DataObject) -> None:
    packed = bytearray(gzip.compress(SEEDS[seed], mtime=0))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    check_survives(seed, bytes(packed[: data.draw(st.integers(1, len(packed)))]), tmp_path, "trace.gz")


def unless_refused(do: Callable[[], Any], path: Path) -> Any:
    """What comes of it, or None where it is refused in the name of that file."""
    try:
        return do()
    except InputError as error:
        refused = error
    assert str(refused.file) == str(path)
    return None


@pytest.mark.parametrize("seed", sorted(SEEDS))
@relaxed
@given(data=st.data())
def test_guesses(seed: str, tmp_path: Path, data: st.DataObject) -> None:
    content = SEEDS[seed]
    start = data.draw(st.integers(0, min(len(content), 80)))
    path = tmp_path / "trace"
    path.write_bytes(content[:start] + data.draw(st.sampled_from(CUTTINGS)) + content[start + 1 :])
    format = unless_refused(lambda: formats.guess(path), path)
    assert format is None or format in formats.FORMATS


@relaxed
@given(
    table=st.dictionaries(st.sampled_from(["('LM (batch size 10)', 1)", "x"]), st.dictionaries(st.just("null"), JSON))
)
def test_throughputs_of_the_wrong_shape(tmp_path: Path, table: dict) -> None:
    sources = SAMPLES["gavel"].put(tmp_path)
    assert sources.throughputs is not None
    sources.throughputs.write_text(json.dumps({"v100": table}))
    trace = unless_refused(lambda: formats.FORMATS["gavel"].read(sources), sources.throughputs)
    assert trace is None or trace.rows == 4


@relaxed
@given(data=st.data())
def test_damaged_parquet(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "whole.parquet"
    if not whole.exists():
        frame = pd.DataFrame({"submit_s": [0.0, 1.0], "duration_s": [5.0, 7.0], "num_gpus": [1, 8], "user": ["a", "b"]})
        frame.to_parquet(whole)
    packed = bytearray(whole.read_bytes())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "trace.parquet"
    path.write_bytes(bytes(packed[: data.draw(st.integers(len(packed) // 2, len(packed)))]))
    trace = unless_refused(lambda: formats.read("plain", path), path)
    assert trace is None or trace.rows == 2
