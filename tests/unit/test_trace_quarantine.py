"""Faulty rows are found, named, left away and kept apart with their reasons."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from trace_samples import SAMPLES, write

from gogh_sim.errors import InputError
from gogh_sim.traces import FORMATS, Capacity, Sources, fix, formats, quarantine_file, read_skipping

HEAD = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
FAULTY = (
    HEAD + "sound,1,1,1,1000,,LS,Running,10,110,10\n"
    "backwards,1,1,1,1000,,LS,Running,10,5,11\n"
    "\n"
    '"quoted, and\nbroken in two",1,1,1,2000,,LS,Running,10,110,10\n'
    "nameless,1,1,1,1000,,LS,Gone,10,110,10\n"
    "sound,1,1,1,1000,,LS,Running,12,112,12\n"
    "short,1\n"
    "last,1,1,8,1000,,LS,Running,9,110,10\n"
)
WHY = {
    "backwards": "deletion_time",
    "quoted, and\nbroken in two": "gpu_milli",
    "nameless": "pod_phase",
    "sound": "name",
    "short": "",
}


def quarantined(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_faulty_rows_are_skipped_counted_and_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "pods.csv", FAULTY)
    trace, count = read_skipping("openb", path, tmp_path / "held.csv")
    assert sorted(trace.jobs["job_id"]) == ["last", "sound"]
    assert count == trace.left_out["faulty"] == 5
    rows = quarantined(tmp_path / "held.csv")
    assert {next(csv.reader([row["text"]]))[0]: row["column"] for row in rows} == WHY
    assert [int(row["row"]) for row in rows] == [2, 3, 4, 5, 6]
    assert all(row["file"] == str(path) and row["reason"].startswith("expected ") for row in rows)


def test_rows_of_a_list_of_machines_are_kept_too(tmp_path: Path) -> None:
    sources = SAMPLES["pai"].put(tmp_path)
    assert sources.nodes is not None
    write(sources.nodes, "m0,T4,96,512,many\nm1,T4,96,512,2\n")
    trace, count = read_skipping("pai", sources.jobs, tmp_path / "held.csv", sources.nodes)
    assert trace.nodes is not None
    assert [node.node_id for node in trace.nodes] == ["m1"]
    rows = [(row["file"], row["row"], row["text"]) for row in quarantined(tmp_path / "held.csv")]
    assert rows == [(str(sources.nodes), "1", "m0,T4,96,512,many")]
    assert count == 1


def test_nothing_faulty_writes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "pods.csv", HEAD + "sound,1,1,1,1000,,LS,Running,10,110,10\n")
    assert read_skipping("openb", path, tmp_path / "held.csv")[1] == 0
    assert not (tmp_path / "held.csv").exists()


def test_lines_of_rows_that_span_lines_are_where_they_begin(tmp_path: Path) -> None:
    faults = formats.check("openb", Sources(write(tmp_path / "pods.csv", FAULTY)))
    lines = {fault.column: fault.line for fault in faults if fault.severity == "error"}
    assert lines == {"deletion_time": 3, "gpu_milli": 5, "pod_phase": 7, "name": 8, None: 9}


def test_fix_leaves_all_else_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "pods.csv", FAULTY)
    assert fix("openb", path, tmp_path / "fixed.csv", formats.check("openb", Sources(path))) == 5
    lines = FAULTY.splitlines(keepends=True)
    assert (tmp_path / "fixed.csv").read_text() == lines[0] + lines[1] + "\n" + lines[-1]
    assert len(quarantined(quarantine_file(tmp_path / "fixed.csv"))) == 5
    assert not [f for f in formats.check("openb", Sources(tmp_path / "fixed.csv")) if f.severity == "error"]


def damaged(name: str) -> str:
    """The sample with a faulty row in front of its last."""
    if name == "philly":
        records = json.loads(SAMPLES[name].text)
        return json.dumps([records[0] | {"status": "Gone", "jobid": "bad"}, *records])
    rows = SAMPLES[name].text.splitlines(keepends=True)
    return "".join([*rows[:-1], "bad\n", rows[-1]])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_can_be_fixed(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    sources = sample.put(tmp_path)
    sound = FORMATS[sample.format].read(sources)
    write(sources.jobs, damaged(name))
    faults = [f for f in formats.check(sample.format, sources) if f.severity == "error" and f.file == str(sources.jobs)]
    faults = [f for f in faults if "cluster" not in f.what]
    assert sum(f.count for f in faults) == 1
    assert fix(sample.format, sources.jobs, tmp_path / "fixed", faults) == 1
    fixed = FORMATS[sample.format].read(Sources(tmp_path / "fixed", sources.nodes, sources.throughputs))
    assert fixed.jobs.equals(sound.jobs)
    assert "bad" in quarantined(quarantine_file(tmp_path / "fixed"))[0]["text"]


def test_parquet_can_be_fixed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"submit_s": [0.0, 1.0, 2.0], "duration_s": [5.0, -1.0, 5.0], "num_gpus": [1, 1, 8]})
    frame.to_parquet(tmp_path / "t.parquet")
    faults = formats.check("plain", Sources(tmp_path / "t.parquet"))
    assert fix("plain", tmp_path / "t.parquet", tmp_path / "u.parquet", faults) == 1
    assert formats.read("plain", tmp_path / "u.parquet").jobs["submit_s"].tolist() == [0, 2]
    assert quarantined(tmp_path / "u.parquet.quarantine.csv")[0]["text"] == "1.0,-1.0,1"


def test_files_unusable_as_a_whole_are_not_skipped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a column"):
        read_skipping("itp", write(tmp_path / "t", "a,b\n1,2\n"), tmp_path / "held.csv")


ITP = "job_id,submission_time,duration,num_gpu\n"
CHECKS = {
    "None as a time": (ITP + "a,None,5,1\n", 2, "submission_time", 1),
    "missing time": (ITP + "a,,5,1\n", 2, "submission_time", 1),
    "negative duration": (ITP + "a,1,-5,1\nb,1,-5,1\n", 2, "duration", 2),
    "over capacity": (ITP + "a,1,5,1\nb,1,5,9\nc,1,5,10\n", 3, "num_gpu", 2),
    "duplicate": (ITP + "a,1,5,1\na,2,5,1\n", 3, "job_id", 1),
    "milliseconds among seconds": (ITP + "a,1,5,1\nb,1600000000,5,1\nc,9,5,1\n", 3, "submission_time", 1),
}
WARNINGS = {
    "zero GPUs": (ITP + "a,1,5,0\n", 2, "num_gpu", "no GPUs"),
    "unsorted": (ITP + "a,9,5,1\nb,5,5,1\nc,7,5,1\n", 3, "submission_time", "earlier than the row before"),
    "zero duration": (ITP + "a,9,0,1\n", 2, "duration", "raised to 1 s"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_check_finds_what_real_traces_have(tmp_path: Path, name: str) -> None:
    text, line, column, count = CHECKS[name]
    sources = Sources(write(tmp_path / "t", text), capacity=Capacity(8))
    errors = [fault for fault in formats.check("itp", sources) if fault.severity == "error"]
    assert [(f.line, f.column, f.count) for f in errors] == [(line, column, count)]


@pytest.mark.parametrize("name", WARNINGS)
def test_check_tells_what_is_bearable(tmp_path: Path, name: str) -> None:
    text, line, column, says = WARNINGS[name]
    (fault,) = formats.check("itp", Sources(write(tmp_path / "t", text)))
    assert (fault.severity, fault.line, fault.column) == ("warning", line, column)
    assert says in fault.what


def test_nodes_say_what_the_cluster_holds(tmp_path: Path) -> None:
    sample = SAMPLES["spot"]
    sources = sample.put(tmp_path)
    errors = [f for f in formats.check("spot", sources) if f.severity == "error"]
    assert [(f.line, f.column) for f in errors] == [(3, "gpu_request")]
    assert "cluster's 9 GPUs" in errors[0].what
    write(sources.jobs, sample.text.replace("H800,8,8,4", "H900,8,1,1"))
    errors = [f for f in formats.check("spot", sources) if f.severity == "error"]
    assert [(f.line, f.column) for f in errors] == [(3, "gpu_model")]


def test_clocks_with_and_without_zone_are_not_mixed(tmp_path: Path) -> None:
    text = SAMPLES["helios"].text.replace("2020-04-01 00:00:05,2020", "2020-04-01 00:00:05+08:00,2020", 1)
    faults = [f for f in formats.check("helios", Sources(write(tmp_path / "t", text))) if f.severity == "error"]
    assert [(f.line, f.column) for f in faults] == [(3, "submit_time")]
    assert "one clock" in faults[0].what


def test_rows_without_names_that_repeat_are_told(tmp_path: Path) -> None:
    row = "2017-10-02 01:00:10,30.0,2,60.0,b\n"
    text = "timestamp,duration,num_gpus,gpu_time,cluster\n" + row * 3
    (fault,) = formats.check("philly_list", Sources(write(tmp_path / "t", text)))
    assert (fault.line, fault.count, fault.severity) == (3, 2, "warning")
