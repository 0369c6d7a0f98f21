"""SenseTime Helios: cluster_log.csv, one row a job, times of day as text.

Format and data: github.com/S-Lab-System-Group/HeliosData (CC-BY-4.0); Hu et al., "Characterization and Prediction of
Deep Learning Workloads in Large-Scale GPU Datacenters", SC 2021. `duration` is end - start and `queue` start -
submission, both in seconds; the virtual cluster `vc` becomes our queue. Jobs that never started have no start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from gogh_sim.traces.build import Column, build_trace, calendar
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.losses import losses, rounded
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import TIME_FORMAT, read_table

COLUMNS = ("job_id", "user", "vc", "gpu_num", "state", "submit_time", "start_time", "end_time")
DEFAULT_ORIGIN = "2020-04-01"
"""Calendar day of second 0 for jobs written from a trace without a calendar: the month the published one begins."""

STATUS_OF_STATE = MappingProxyType(
    {"COMPLETED": "pass", "CANCELLED": "killed", "FAILED": "failed", "TIMEOUT": "failed", "NODE_FAIL": "failed"}
)
"""Endings; TIMEOUT and NODE_FAIL count as failures, as the publishers of Acme count them."""

_STATE_OF_STATUS = {"pass": "COMPLETED", "killed": "CANCELLED", "failed": "FAILED"}


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the log; run time is end - start, second 0 is midnight of the first submission's day.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    return read_log(sources, report, COLUMNS, queue="vc")


def read_log(sources: Sources, report: Report, columns: Sequence[str], queue: str) -> Trace:
    """Read a log of this family, the virtual cluster or kind of job in the column `queue`."""
    path = sources.jobs_only()
    table = read_table(path, [columns], Ledger(path, report))
    names = table.names("job_id")
    state = table.columns["state"]
    table.reject(~state.isin(list(STATUS_OF_STATE)), "state", "one of " + ", ".join(STATUS_OF_STATE))
    gpus = table.integers("gpu_num", most=10**6)
    submitted = table.datetimes("submit_time")
    started, ended = table.datetimes("start_time", empty=True), table.datetimes("end_time", empty=True)
    table.reject((started < submitted).to_numpy(), "start_time", "a time not before submit_time")
    table.reject((ended < started).to_numpy(), "end_time", "a time not before start_time")
    table.leave_out(started.isna(), "start_time", "never started")
    table.leave_out(ended.isna(), "end_time", "run time unknown")
    clock = calendar(table, submitted, DEFAULT_ORIGIN)
    return build_trace(
        table,
        sources,
        submit=Column("submit_time", clock.seconds),
        duration=Column("end_time", (ended - started).dt.total_seconds().to_numpy(np.float64)),
        gpus=Column("gpu_num", gpus),
        others={
            "job_id": names,
            "user": table.optional("user"),
            "queue": table.optional(queue),
            "status": state.map(STATUS_OF_STATE),
        },
        origin=clock.origin,
    )


def log_rows(trace: Trace, default_origin: str) -> pd.DataFrame:
    """Columns that the logs of this family share; jobs start when submitted, on as few nodes of 8 GPUs as hold them."""
    jobs = trace.jobs
    origin = pd.Timestamp(trace.origin or default_origin)
    submit, duration = jobs["submit_s"].round(), jobs["duration_s"].round().clip(lower=1)
    begin = (origin + pd.to_timedelta(submit, unit="s")).dt.strftime(TIME_FORMAT)
    end = (origin + pd.to_timedelta(submit + duration, unit="s")).dt.strftime(TIME_FORMAT)
    return pd.DataFrame(
        {
            "job_id": jobs["job_id"],
            "user": jobs["user"],
            "node_num": -(-jobs["num_gpus"] // 8),
            "gpu_num": jobs["num_gpus"],
            "cpu_num": 0,
            "state": jobs["status"].map(_STATE_OF_STATUS),
            "submit_time": begin,
            "start_time": begin,
            "end_time": end,
            "duration": duration.astype(np.int64),
            "queue": 0,
        }
    )


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the log; returns what the format cannot hold -> rows that lost it."""
    rows = log_rows(trace, DEFAULT_ORIGIN)
    rows.insert(2, "vc", trace.jobs["queue"])
    write_text(target.jobs_only(), rows.to_csv(index=False, lineterminator="\n"))
    return {**losses(trace, ("job_id", "user", "queue", "status", "calendar")), **rounded(trace)}
