"""Microsoft Philly, raw: the JSON array `cluster_job_log`.

Format and data: github.com/msr-fiddle/philly-traces; Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU
Clusters for DNN Training Workloads", USENIX ATC 2019. Each record holds status, vc, jobid, user, submitted_time and
attempts, each with start_time, end_time and detail (one entry a machine, with its gpus). There is no GPU count: it
is the number of GPUs of the first attempt. A missing time is null, "" or the string "None". Times bear no zone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gogh_sim.traces import json_array
from gogh_sim.traces.build import Column, build_trace, calendar
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.losses import losses, rounded
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import MISSING, TIME_FORMAT, Table

STATUS = {"Pass": "pass", "Failed": "failed", "Killed": "killed"}
FIELDS = ("jobid", "status", "vc", "user", "submitted_time", "attempts")
DEFAULT_ORIGIN = "2017-08-07"
"""Calendar day of second 0 for jobs written from a trace without a calendar: the day the published trace begins."""


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


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the job log. Duration is the sum over attempts; second 0 is midnight of the first submission's day.

    Left out are jobs without an attempt, without GPUs, and with an attempt whose start or end is missing.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty record.
    """
    path = sources.jobs_only()
    ledger = Ledger(path, report)
    names: set[str] = set()
    found: list[tuple[int, int, _Job]] = []
    for number, element in enumerate(json_array.elements(path)):
        try:
            job = _job(element.value)
            if job.job_id in names:
                raise _Faulty("jobid", "a name that no earlier record has", job.job_id)
        except _Faulty as fault:
            ledger.reject(str(fault), line=element.line, column=fault.field, records=[number])
        except _LeftOut as reason:
            ledger.leave_out(str(reason), line=element.line)
        else:
            names.add(job.job_id)
            found.append((number, element.line, job))
    return _trace(found, sources, ledger)


def _trace(found: list[tuple[int, int, _Job]], sources: Sources, ledger: Ledger) -> Trace:
    frame = pd.DataFrame([job for _, _, job in found], columns=list(_Job._fields))
    numbers, lines = (np.array([each[i] for each in found], dtype=np.int64) for i in (0, 1))
    submitted = pd.to_datetime(frame["submitted"].astype("datetime64[us]"))
    told = {"submitted_time": submitted, "end_time": frame["duration_s"], "detail": frame["num_gpus"]}
    table = Table({name: values.astype(str) for name, values in told.items()}, lines, ledger, numbers)
    clock = calendar(table, submitted, DEFAULT_ORIGIN)
    return build_trace(
        table,
        sources,
        submit=Column("submitted_time", clock.seconds),
        duration=Column("end_time", frame["duration_s"].to_numpy(np.float64)),
        gpus=Column("detail", frame["num_gpus"].to_numpy(np.int64)),
        others={name: frame[name].astype(str) for name in ("job_id", "user", "queue", "status")},
        origin=clock.origin,
    )


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
    if value is None or value in MISSING:
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


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the job log: one attempt a job, begun at submission, on made-up machines of 8 GPUs.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    path = target.jobs_only()
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
    held = ("job_id", "user", "queue", "status", "calendar")
    return {**losses(trace, held), **rounded(trace)}


def _machines(num_gpus: int, per_machine: int = 8) -> list[dict[str, Any]]:
    counts = [per_machine] * (num_gpus // per_machine) + [num_gpus % per_machine] * (num_gpus % per_machine > 0)
    return [{"ip": f"m{i}", "gpus": [f"gpu{g}" for g in range(count)]} for i, count in enumerate(counts)]
