"""Readers of trace files: what becomes a job, what is left out, and what each fault says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from gogh_sim.errors import InputError
from gogh_sim.traces import formats
from gogh_sim.traces.faults import Severity
from gogh_sim.traces.sources import Sources

PODS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
late,1,1,1,460,V100M32|T4|T4,LS,Running,50,90,60
gang,1,1,8,1000,,BE,Failed,10,110,10
cpu,1,1,0,0,,LS,Running,5,20,5
never,1,1,1,1000,,LS,Pending,5,20,
alive,1,1,1,1000,,LS,Running,5,,6
blink,1,1,1,1000,,LS,Succeeded,7,8,8
"""
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn0,1,1,8,G2\nn1,1,1,0,\nn2,1,1,2,P100\n"
LIST = """timestamp,duration,num_gpus,gpu_time,cluster
2017-10-02 01:00:10,30.0,2,60.0,b
2017-10-02 00:00:05,0.0,1,0.0,a

"""
RECORD = {
    "status": "Killed",
    "vc": "a",
    "jobid": "j1",
    "user": None,
    "submitted_time": "2017-10-07 01:00:00",
    "attempts": [
        {
            "start_time": "2017-10-07 01:00:30",
            "end_time": "2017-10-07 01:01:30",
            "detail": [{"ip": "m", "gpus": ["g", "h"]}],
        },
        {
            "start_time": "2017-10-07 02:00:00",
            "end_time": "2017-10-07 02:00:10",
            "detail": [{"ip": "m", "gpus": ["g"]}],
        },
    ],
}


def put(folder: Path, text: str | bytes, name: str = "trace") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_openb_rows_become_jobs_or_are_counted(tmp_path: Path) -> None:
    trace = formats.read("openb", put(tmp_path, PODS), put(tmp_path, NODES, "nodes"))
    jobs = trace.jobs.set_index("job_id")
    assert list(jobs.index) == ["blink", "gang", "late"]
    assert jobs["submit_s"].tolist() == [7, 10, 50]
    assert jobs["duration_s"].tolist() == [1, 100, 30]
    assert jobs["num_gpus"].tolist() == [1, 8, 1]
    assert jobs["gpu_fraction"].tolist() == [1, 1, 0.46]
    assert jobs.loc["late", "gpu_models"] == "T4|V100M32"
    assert jobs["status"].tolist() == ["pass", "failed", "pass"]
    assert trace.left_out == {"CPU only": 1, "never scheduled": 1, "not ended within the trace": 1}
    assert trace.adjusted == {"run time of 0 s raised to 1 s": 1}
    assert trace.rows == 6
    assert trace.nodes is not None
    assert [(n.node_id, n.gpu_type, n.num_gpus) for n in trace.nodes] == [("n0", "G2", 8), ("n2", "P100", 2)]


def test_philly_run_time_is_the_sum_over_attempts_and_gpus_are_those_of_the_first(tmp_path: Path) -> None:
    unknown = RECORD | {"jobid": "j2", "attempts": [RECORD["attempts"][0] | {"end_time": "None"}]}
    idle = RECORD | {"jobid": "j3", "attempts": []}
    trace = formats.read("philly", put(tmp_path, json.dumps([RECORD, unknown, idle])))
    (job,) = trace.jobs.to_dict("records")
    assert (job["job_id"], job["duration_s"], job["num_gpus"], job["status"]) == ("j1", 70, 2, "killed")
    assert job["submit_s"] == 3600
    assert trace.origin == "2017-10-07 00:00:00"
    assert trace.left_out == {"run time unknown": 1, "never started": 1}


def test_philly_list_sorts_and_keeps_the_time_of_day(tmp_path: Path) -> None:
    trace = formats.read("philly_list", put(tmp_path, LIST))
    assert trace.jobs["submit_s"].tolist() == [5, 3610]
    assert trace.jobs["duration_s"].tolist() == [1, 30]
    assert trace.jobs["job_id"].tolist() == ["philly-2", "philly-1"]
    assert trace.jobs["queue"].tolist() == ["a", "b"]
    assert trace.clock("2017-10-02 01:00:10") == 3610
    assert trace.adjusted == {"run time of 0 s raised to 1 s": 1}


def test_philly_list_tells_passed_from_not_passed_in_its_second_layout(tmp_path: Path) -> None:
    text = (
        "vc,submitted_time,num_gpus,duration_s,in_pass_list\na,2017-10-02 00:00:00,1,5,1\na,2017-10-02 00:00:01,1,5,0\n"
    )
    trace = formats.read("philly_list", put(tmp_path, text))
    assert trace.jobs["status"].tolist() == ["pass", "failed"]
    assert sum(trace.adjusted.values()) == 1


@pytest.mark.parametrize("format", ["openb", "philly_list"])
def test_gzip_is_unpacked_whatever_the_name(tmp_path: Path, format: str) -> None:
    text = PODS if format == "openb" else LIST
    plain = formats.read(format, put(tmp_path, text))
    packed = formats.read(format, put(tmp_path, gzip.compress(text.encode()), "packed"))
    assert plain.jobs.equals(packed.jobs)


def row(old: str, new: str, text: str = PODS) -> str:
    assert old in text
    return text.replace(old, new)


FAULTS = {
    "missing column": ("openb", row("pod_phase", "phase"), 1, "pod_phase", "expected a column"),
    "negative duration": ("openb", row("50,90,60", "50,59,60"), 2, "deletion_time", "not before scheduled_time"),
    "scheduled early": ("openb", row("10,110,10", "10,110,9"), 3, "scheduled_time", "not before creation_time"),
    "no number": ("openb", row("gang,1,1,8", "gang,1,1,eight"), 3, "num_gpu", "'eight'"),
    "not finite": ("openb", row("50,90,60", "inf,90,60"), 2, "creation_time", "'inf'"),
    "half a GPU more": ("openb", row("gang,1,1,8", "gang,1,1,1.5"), 3, "num_gpu", "whole number"),
    "fraction of a gang": ("openb", row("8,1000", "8,500"), 3, "gpu_milli", "more than one GPU"),
    "no fraction": ("openb", row("1,460", "1,0"), 2, "gpu_milli", "1 to 1000"),
    "unknown phase": ("openb", row("Succeeded", "Lost"), 7, "pod_phase", "'Lost'"),
    "duplicate": ("openb", row("blink", "late"), 7, "name", "no earlier row"),
    "no name": ("openb", row("blink", ""), 7, "name", "a name"),
    "uneven row": ("openb", row("gang,1", "gang"), 3, None, "11 cells"),
    "column twice": ("openb", row("cpu_milli", "name"), 1, None, "every column once"),
    "open quote": ("openb", row("gang", '"gang'), 7, None, "comma-separated"),
    "header only": ("openb", "", 1, None, "empty"),
    "no date": ("philly_list", row("2017-10-02 01", "2017-13-02 01", LIST), 2, "timestamp", "YYYY-MM-DD"),
    "negative time": ("philly_list", row("30.0", "-30.0", LIST), 2, "duration", "from 0"),
    "other table": ("philly_list", PODS, 1, "timestamp", "header 'name,"),
    "truncated": ("philly", json.dumps([RECORD], indent=1)[:-40], 29, None, "expected JSON"),
    "unclosed": ("philly", json.dumps([RECORD])[:-1], 1, None, "expected ','"),
    "no array": ("philly", json.dumps(RECORD), 1, None, "expected '['"),
    "trailing": ("philly", "[]\n\n[]", 3, None, "nothing after"),
    "no object": ("philly", "[\n1]", 2, "", "an object"),
    "no status": ("philly", json.dumps([RECORD | {"status": "Gone"}]), 1, "status", "'Gone'"),
    "no field": ("philly", '[{"status": "Pass"}]', 1, "jobid", "this field"),
    "end before start": (
        "philly",
        json.dumps([RECORD]).replace("02:00:10", "01:00:10"),
        1,
        "end_time",
        "not before 2017-10-07 02:00:00",
    ),
    "zone": ("philly", json.dumps([RECORD | {"submitted_time": "2017-10-07T01:00:00Z"}]), 1, "submitted_time", "zone"),
    "job twice": ("philly", json.dumps([RECORD, RECORD]).replace("}, {", "},\n{"), 3, "jobid", "no earlier record"),
    "surrogate": ("philly", json.dumps([RECORD | {"vc": "\ud800"}]), 1, "vc", "printable"),
    "deep": ("philly", "[" * 100_000, 1, None, "expected JSON"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_names_file_line_column_and_what_was_expected(tmp_path: Path, name: str) -> None:
    format, text, line, column, says = FAULTS[name]
    path = put(tmp_path, text)
    with pytest.raises(InputError) as caught:
        formats.read(format, path)
    error = caught.value
    assert (error.file is not None and str(error.file), error.line, error.column) == (str(path), line, column)
    assert says in error.message
    assert "found" in error.message or "expected" in error.message


@pytest.mark.parametrize("format", sorted(formats.FORMATS))
@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "trace", "empty"),
        (b"\x00\x9f\x92\x96" * 99, "trace", "UTF-8"),
        (b"\xff\xfe" * 99, "trace", "UTF-8"),
        (gzip.compress(PODS.encode(), mtime=0)[:50], "trace.gz", "gzip"),
        (PODS.encode(), "trace.gz", "gzip"),
        (gzip.compress(b"", mtime=0), "trace", "empty"),
    ],
)
def test_files_that_are_no_traces(tmp_path: Path, format: str, content: bytes, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        formats.read(format, put(tmp_path, content, name))
    assert str(caught.value.file) == str(tmp_path / name)


@pytest.mark.parametrize("format", sorted(formats.FORMATS))
def test_paths_that_lead_nowhere(tmp_path: Path, format: str) -> None:
    with pytest.raises(InputError, match="found nothing"):
        formats.read(format, tmp_path / "none")
    with pytest.raises(InputError, match=r"directory|in this folder"):
        formats.read(format, tmp_path)


def test_unknown_format_and_needless_nodes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="openb, pai, pai_tables, philly, philly_list"):
        formats.read("nope", tmp_path)
    with pytest.raises(InputError, match="no node file"):
        formats.read("philly", tmp_path / "a", tmp_path / "b")


def test_check_goes_on_and_counts(tmp_path: Path) -> None:
    text = row("50,90,60", "50,59,60").replace("7,8,8", "7,8,9") + "short,row\n"
    path = put(tmp_path, text)
    faults = formats.check("openb", Sources(path))
    errors = [f for f in faults if f.severity is Severity.ERROR]
    assert [(f.line, f.column, f.count) for f in errors] == [(8, None, 1), (2, "deletion_time", 2)]
    trace = formats.read("openb", path, report=lambda fault: None)
    assert trace.left_out["faulty"] == 3
    assert trace.rows == 7
    assert formats.check("openb", Sources(tmp_path / "none"))[0].what.endswith("nothing at this path")
    assert formats.check("philly_list", Sources(put(tmp_path, LIST)))[0].what.startswith("earlier than the row before")


def test_openb_real_files_add_up(shared_data: Path) -> None:
    folder = shared_data / "traces" / "alibaba_openb_v2023"
    for variant in ("default", "gpuspec33"):
        trace = formats.read(
            "openb", folder / f"openb_pod_list_{variant}.csv.gz", folder / "openb_node_list_gpu_node.csv"
        )
        assert trace.rows == 8152
        assert trace.left_out == {"never scheduled": 897, "CPU only": 1052}
        assert trace.nodes is not None
        assert (len(trace.nodes), sum(n.num_gpus for n in trace.nodes)) == (1213, 6212)


def test_philly_real_files_add_up(shared_data: Path) -> None:
    folder = shared_data / "traces" / "philly"
    whole = formats.read("philly_list", folder / "philly_jobs_pass.csv.gz")
    assert (len(whole.jobs), whole.rows, dict(whole.left_out)) == (82247, 82247, {})
    recovered = formats.read("philly_list", folder / "philly_jobs_ge20min_recovered.csv.gz")
    assert len(recovered.jobs) == 15227
    raw = formats.read("philly", folder / "cluster_job_log_examples.json")
    assert dict(zip(raw.jobs["job_id"], raw.jobs["duration_s"], strict=True)) == {
        "application_1506638472019_12703": 225554.0,
        "application_1506638472019_14199": 193256.0,  # summed over attempts, as in the flat list
    }
    assert raw.rows == 4


def test_pods_without_times_are_no_replay_trace(shared_data: Path) -> None:
    with pytest.raises(InputError, match="expected a column"):
        formats.read("openb", shared_data / "traces" / "alibaba_openb_v2023" / "openb_pod_list_multigpu50.csv")
