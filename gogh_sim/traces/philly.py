"""Microsoft Philly, raw: the JSON array `cluster_job_log`.

Format and data: github.com/msr-fiddle/philly-traces; Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU
Clusters for DNN Training Workloads", USENIX ATC 2019. Each record holds status, vc, jobid, user, submitted_time and
attempts, each with start_time, end_time and detail (one entry a machine, with its gpus). There is no GPU count: it
is the number of GPUs of the first attempt. A missing time is null, "" or the string "None". Times bear no zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import read_text, write_text
from gogh_sim.traces.schema import Trace, jobs_frame

STATUS = {"Pass": "pass", "Failed": "failed", "Killed": "killed"}
FIELDS = ("jobid", "status", "vc", "user", "submitted_time", "attempts")
DEFAULT_ORIGIN = "2017-08-07"
"""Calendar day of second 0 for jobs written from a trace without a calendar: the day the published trace begins."""

_MISSING = (None, "", "None")
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


class _Job(NamedTuple):
    job_id: str
    submitted: datetime
    duration_s: float
    num_gpus: int
    user: str
    queue: str
    status: str


class _Faulty(Exception):  # noqa: N818 - carries a fault of one record to the ledger, never leaves this module
    def __init__(self, field: str, expected: str, found: object) -> None:
        super().__init__(f"expected {expected}, found {found!r:.60}")
        self.field = field


class _LeftOut(Exception):  # noqa: N818 - as above
    pass


def read(path: Path, nodes: Path | None = None, report: Report = stop_at_error) -> Trace:
    """Read the job log. Duration is the sum over attempts; second 0 is midnight of the first submission's day.

    Left out are jobs without an attempt, without GPUs, and with an attempt whose start or end is missing.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty record.
    """
    refuse_nodes(nodes)
    ledger = Ledger(path, report)
    jobs: dict[str, _Job] = {}
    for line, record in _records(path):
        try:
            job = _job(record)
            if job.job_id in jobs:
                raise _Faulty("jobid", "a name that no earlier record has", job.job_id)
        except _Faulty as fault:
            ledger.reject(str(fault), line=line, column=fault.field)
        except _LeftOut as reason:
            ledger.leave_out(str(reason), line=line)
        else:
            if job.duration_s == 0:
                ledger.adjust("run time of 0 s raised to 1 s", line=line)
            jobs[job.job_id] = job
    return _trace(list(jobs.values()), ledger)


def refuse_nodes(nodes: Path | None) -> None:
    """Neither Philly format knows of nodes: an `InputError` if a file of them is named."""
    if nodes is not None:
        raise InputError("this format has no node file; describe the nodes with cluster=...", file=nodes)


def _trace(jobs: list[_Job], ledger: Ledger) -> Trace:
    frame = pd.DataFrame(jobs, columns=list(_Job._fields))
    first = min((job.submitted for job in jobs), default=datetime.fromisoformat(DEFAULT_ORIGIN))
    origin = datetime(first.year, first.month, first.day)
    return Trace(
        jobs=jobs_frame(
            job_id=frame["job_id"],
            submit_s=np.array([(job.submitted - origin).total_seconds() for job in jobs]),
            duration_s=np.maximum(frame["duration_s"].to_numpy(np.float64), 1.0),
            num_gpus=frame["num_gpus"],
            user=frame["user"],
            queue=frame["queue"],
            status=frame["status"],
        ),
        nodes=None,
        left_out=dict(ledger.left_out),
        source=str(ledger.path),
        adjusted=dict(ledger.adjusted),
        origin=origin.strftime(TIME_FORMAT),
    )


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    """Elements of the array, one by one, with the line each begins at."""
    text = read_text(path)
    decoder = json.JSONDecoder()
    at = _expect(path, text, _skip_blank(text, 0), "[")
    line, counted = 1, 0
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            record, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise InputError(f"expected JSON: {error.msg}", file=path, line=error.lineno) from error
        except (ValueError, RecursionError) as error:  # integers of thousands of digits, endless nesting
            raise InputError(f"expected JSON: {error}", file=path, line=line) from error
        yield line, record
        at = _skip_blank(text, at)
        if text[at : at + 1] != "]":
            at = _expect(path, text, at, ",")
    rest = _skip_blank(text, at + 1)
    if rest < len(text):
        raise InputError("expected nothing after the array of jobs", file=path, line=text.count("\n", 0, rest) + 1)


def _expect(path: Path, text: str, at: int, token: str) -> int:
    """Where the text goes on after `token`, which must stand at `at`."""
    if text[at : at + 1] != token:
        found = text[at : at + 20] or "the end of the file"
        what = f"expected {token!r} of a JSON array of jobs, found {found!r}"
        raise InputError(what, file=path, line=text.count("\n", 0, at) + 1)
    return _skip_blank(text, at + 1)


def _skip_blank(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _job(record: Any) -> _Job:
    if not isinstance(record, dict):
        raise _Faulty("", "an object", record)
    for name in FIELDS:
        if name not in record:
            raise _Faulty(name, "this field", sorted(map(str, record)))
    status = STATUS.get(_text(record, "status"))
    if status is None:
        raise _Faulty("status", "one of " + ", ".join(STATUS), record["status"])
    job_id = _text(record, "jobid")
    if not job_id:
        raise _Faulty("jobid", "a name", job_id)
    submitted = _time(record["submitted_time"], "submitted_time")
    if submitted is None:
        raise _Faulty("submitted_time", "a time", record["submitted_time"])
    duration_s, num_gpus = _run(record["attempts"])
    return _Job(job_id, submitted, duration_s, num_gpus, _text(record, "user"), _text(record, "vc"), status)


def _text(record: dict[str, Any], name: str) -> str:
    value = record[name]
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable():
        raise _Faulty(name, "printable text", value)
    return value


def _time(value: Any, name: str) -> datetime | None:
    if value in _MISSING:
        return None
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _Faulty(name, "a time as YYYY-MM-DD HH:MM:SS", value) from error
    if time.tzinfo is not None:
        raise _Faulty(name, "a time without zone", value)
    return time


def _run(attempts: Any) -> tuple[float, int]:
    """Run time over all attempts in seconds, and GPUs of the first."""
    if not isinstance(attempts, list) or not all(isinstance(a, dict) for a in attempts):
        raise _Faulty("attempts", "a list of objects", attempts)
    if not attempts:
        raise _LeftOut("never started")
    times = [(_time(a.get("start_time"), "start_time"), _time(a.get("end_time"), "end_time")) for a in attempts]
    num_gpus = _num_gpus(attempts[0].get("detail"))
    total = timedelta(0)
    for start, end in times:
        if start is None or end is None:
            raise _LeftOut("run time unknown")
        if end < start:
            raise _Faulty("end_time", f"a time not before {start}", str(end))
        total += end - start
    if num_gpus == 0:
        raise _LeftOut("no GPUs")
    return total.total_seconds(), num_gpus


def _num_gpus(detail: Any) -> int:
    if not isinstance(detail, list):
        raise _Faulty("detail", "a list of machines", detail)
    count = 0
    for machine in detail:
        gpus = machine.get("gpus") if isinstance(machine, dict) else None
        if not isinstance(gpus, list):
            raise _Faulty("detail", "machines with a list of gpus", machine)
        count += len(gpus)
    return count


def write(trace: Trace, path: Path, nodes: Path | None = None) -> Mapping[str, int]:
    """Write the job log: one attempt a job, begun at submission, on made-up machines of 8 GPUs.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    refuse_nodes(nodes)
    jobs = trace.jobs
    origin = datetime.fromisoformat(trace.origin or DEFAULT_ORIGIN)
    names = {ours: theirs for theirs, ours in STATUS.items()}
    start, duration = jobs["submit_s"].round(), jobs["duration_s"].round().clip(lower=1)
    records = []
    columns = zip(
        *(jobs[name].tolist() for name in ("job_id", "num_gpus", "user", "queue", "status")),
        start.tolist(),
        duration.tolist(),
        strict=True,
    )
    for job_id, num_gpus, user, queue, status, begin, length in columns:
        submitted = origin + timedelta(seconds=begin)
        attempt = {
            "start_time": submitted.strftime(TIME_FORMAT),
            "end_time": (submitted + timedelta(seconds=length)).strftime(TIME_FORMAT),
            "detail": _machines(num_gpus),
        }
        record = {"status": names[status], "vc": queue, "jobid": job_id, "attempts": [attempt]}
        records.append(json.dumps(record | {"submitted_time": attempt["start_time"], "user": user or None}))
    write_text(path, "[\n" + ",\n".join(records) + "\n]\n")
    return lost_columns(trace)


def _machines(num_gpus: int, per_machine: int = 8) -> list[dict[str, Any]]:
    counts = [per_machine] * (num_gpus // per_machine) + [num_gpus % per_machine] * (num_gpus % per_machine > 0)
    return [{"ip": f"m{i}", "gpus": [f"gpu{g}" for g in range(count)]} for i, count in enumerate(counts)]


def lost_columns(trace: Trace) -> Mapping[str, int]:
    """What neither Philly format can hold -> rows that lose it."""
    jobs = trace.jobs
    whole = (jobs["submit_s"] % 1 == 0) & (jobs["duration_s"] % 1 == 0)
    lost = {
        "gpu_fraction, written as whole GPUs": int((jobs["gpu_fraction"] < 1).sum()),
        "gpu_models": int((jobs["gpu_models"] != "").sum()),
        "fractions of a second": int((~whole).sum()),
        "nodes": len(trace.nodes or ()),
    }
    return MappingProxyType({what: count for what, count in lost.items() if count})
