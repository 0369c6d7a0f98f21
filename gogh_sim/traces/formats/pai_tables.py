"""Alibaba PAI v2020, the full tables: a folder of CSV files without headers.

Format and data: github.com/alibaba/clusterdata, cluster-trace-gpu-v2020 (CC-BY-4.0); Weng et al., NSDI 2022. A job has
tasks, a task has instances; `plan_gpu` is per instance, in percent of a GPU. `pai_task_table.csv` is needed;
`pai_job_table.csv` adds submission and user, `pai_instance_table.csv` when instances really ran, and
`pai_machine_spec.csv` the nodes. Seconds count from a constant such that hour and weekday are true at UTC+8.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.build import Column, build_trace, gangs
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.formats.pai import read_machines
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import Table, read_bare_table
from gogh_sim.types import FloatArray

_TIMES = ("status", "start_time", "end_time")
TASK = ("job_name", "task_name", "inst_num", *_TIMES, "plan_cpu", "plan_mem", "plan_gpu", "gpu_type")
JOB = ("job_name", "inst_id", "user", *_TIMES)
INSTANCE = ("job_name", "task_name", "inst_name", "worker_name", "inst_id", *_TIMES, "machine")

ORIGIN = "1970-01-01 08:00:00"
"""Second 0 of the tables on a clock at UTC+8, on which their hours and weekdays are true; the date is not."""

_STATUS = ("Terminated", "Failed", "Running", "Waiting", "Interrupted")


class _Runs(NamedTuple):
    """Per job: first start, last end, by name."""

    start: pd.Series[float]
    end: pd.Series[float]


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the tables of a folder, or the task table alone.

    Left out are jobs without GPUs, that never started or had not ended, and those with a faulty row.

    Raises
    ------
    InputError
        If a file is unusable, or from `report` at a faulty row.
    """
    sources.refuse_throughputs()
    file = _needed(sources.jobs, "pai_task_table")
    tasks = read_bare_table(file, [TASK], Ledger(file, report))
    jobs, by_job = _jobs(tasks)
    runs = _runs(sources.jobs, report) or _Runs(by_job["start"], by_job["end"])
    start, end = (np.asarray(jobs.columns["job_name"].map(times), dtype=np.float64) for times in runs)
    jobs.leave_out(np.isnan(start), "start_time", "never started")
    jobs.leave_out(np.isnan(end) | by_job["unended"].to_numpy(), "end_time", "not ended within the trace")
    jobs.reject(end < start, "end_time", "a time not before start_time")
    submit, user = _submissions(sources.jobs, jobs, start, report)
    num_gpus, fraction = gangs(jobs, Column("plan_gpu", by_job["gpus"].to_numpy(np.float64)))
    nodes = sources.nodes or _optional(sources.jobs, "pai_machine_spec")
    return build_trace(
        jobs,
        sources,
        submit=Column("start_time", submit),
        duration=Column("end_time", end - start),
        gpus=Column("plan_gpu", num_gpus),
        others={
            "job_id": jobs.columns["job_name"],
            "gpu_fraction": fraction,
            "gpu_models": jobs.columns["gpu_type"],
            "user": user,
            "status": np.where(by_job["failed"], "failed", "pass"),
        },
        nodes=read_machines(nodes, report) if nodes is not None else None,
        origin=ORIGIN,
    )


def _needed(path: Path, name: str) -> Path:
    """File of a table: the path itself where it is a file, else in that folder."""
    if not path.is_dir():
        return path
    found = _optional(path, name)
    if found is None:
        raise InputError(f"expected {name}.csv or {name}.csv.gz in this folder", file=path)
    return found


def _optional(path: Path, name: str) -> Path | None:
    files = (path / f"{name}.csv", path / f"{name}.csv.gz")
    return next((file for file in files if file.is_file()), None)


def _jobs(tasks: Table) -> tuple[Table, pd.DataFrame]:
    """Jobs in the order of their first task, as a table, and what their tasks add up to."""
    names = tasks.columns["job_name"]
    tasks.reject(names == "", "job_name", "a name")
    status = tasks.columns["status"]
    tasks.reject(~status.isin(_STATUS), "status", "one of " + ", ".join(_STATUS))
    count = tasks.numbers("inst_num", most=10**6, empty=True)
    percent = tasks.numbers("plan_gpu", most=10**6, empty=True)
    start, end = tasks.numbers("start_time", empty=True), tasks.numbers("end_time", empty=True)
    tasks.leave_out(names.isin(set(names[~tasks.kept])), "job_name", "another task of the job is faulty")
    gpus = np.nan_to_num(count * percent / 100)
    models = tasks.optional("gpu_type").mask(gpus == 0, "")
    frame = pd.DataFrame(
        {
            "job": names,
            "gpus": gpus,
            "start": start,
            "end": end,
            "failed": status.isin(["Failed", "Interrupted"]).to_numpy(),
            "unended": status.isin(["Running", "Waiting"]).to_numpy(),
            "row": np.arange(len(tasks)),
        }
    )[tasks.kept]
    whole = {"gpus": "sum", "start": "min", "end": "max", "failed": "any", "unended": "any", "row": "min"}
    by_job = frame.groupby("job", sort=False).agg(whole)
    specs = models[tasks.kept & (models != "").to_numpy() & (models != "CPU").to_numpy()]
    pairs = pd.DataFrame({"job": names[specs.index], "model": specs}).drop_duplicates().sort_values(["job", "model"])
    spec = pairs.groupby("job")["model"].agg("|".join).reindex(by_job.index).fillna("")
    rows = by_job["row"].to_numpy()
    columns = {
        "job_name": pd.Series(by_job.index, dtype=str),
        "gpu_type": pd.Series(spec.to_numpy(), dtype=str),
        "plan_gpu": by_job["gpus"].astype(str).reset_index(drop=True),
        "start_time": by_job["start"].astype(str).reset_index(drop=True),
        "end_time": by_job["end"].astype(str).reset_index(drop=True),
    }
    return Table(columns, tasks.lines[rows], tasks.ledger, tasks.records[rows]), by_job


def _runs(path: Path, report: Report) -> _Runs | None:
    """When instances ran, by job, where the folder has their table."""
    file = _optional(path, "pai_instance_table")
    if file is None:
        return None
    table = read_bare_table(file, [INSTANCE], Ledger(file, report), wanted=("job_name", *_TIMES))
    frame = pd.DataFrame(
        {
            "job": table.columns["job_name"],
            "start": table.numbers("start_time", empty=True),
            "end": table.numbers("end_time", empty=True),
        }
    )
    by_job = frame[table.kept].groupby("job", sort=False).agg({"start": "min", "end": "max"})
    return _Runs(by_job["start"], by_job["end"])


def _submissions(path: Path, jobs: Table, start: FloatArray, report: Report) -> tuple[FloatArray, pd.Series[str]]:
    """Submission and user of each job, from the job table where the folder has it."""
    names = jobs.columns["job_name"]
    file = _optional(path, "pai_job_table")
    if file is None:
        jobs.adjust(np.ones(len(jobs), dtype=bool), "start_time", "no job table, submission read as the first start")
        return start, pd.Series("", index=names.index, dtype=str)
    table = read_bare_table(file, [JOB], Ledger(file, report))
    known = table.names("job_name")
    submitted = table.numbers("start_time", empty=True)
    frame = pd.DataFrame({"job": known, "submit": submitted, "user": table.optional("user")})[table.kept]
    frame = frame.set_index("job").reindex(names)
    submit = frame["submit"].to_numpy(np.float64)
    jobs.leave_out(np.isnan(submit), "job_name", "submission unknown")
    jobs.reject(start < submit, "start_time", "a time not before the job's submission")
    return submit, pd.Series(frame["user"].fillna("").to_numpy(), dtype=str)
