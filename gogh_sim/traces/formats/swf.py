"""Standard Workload Format: eighteen numbers a job, separated by blanks, after comment lines that begin with ";".

Format: Chapin et al., "Benchmarks and Standards for the Evaluation of Parallel Job Schedulers", JSSPP 1999, version 2.2
at the Parallel Workloads Archive. Processors are taken as GPUs: those allocated, or those asked for where that is not
known (-1). The header's UnixStartTime, in seconds since 1970 UTC, is second 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from gogh_sim.traces.build import Column, build_trace
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import open_text, write_text
from gogh_sim.traces.losses import losses, tidy
from gogh_sim.traces.rows import WORDS
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import TIME_FORMAT, read_bare_table

FIELDS = (
    "job",
    "submit_s",
    "wait_s",
    "run_s",
    "processors",
    "cpu_s",
    "memory_kib",
    "asked_processors",
    "asked_s",
    "asked_memory_kib",
    "status",
    "user",
    "group",
    "executable",
    "queue",
    "partition",
    "preceding",
    "think_s",
)

_STATUS = {"0": "failed", "1": "pass", "5": "killed", "-1": "pass"}
_CODE = {"failed": 0, "pass": 1, "killed": 5}
_PARTIAL = ("2", "3", "4")  # bursts of a job between checkpoints, summed up in its own line
_START = re.compile(r";\s*UnixStartTime:\s*(\d{1,11})\s*$")


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the jobs; left out are those without run time or processors, and lines about parts of a job.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    path = sources.jobs_only()
    table = read_bare_table(path, [FIELDS], Ledger(path, report), WORDS)
    status = table.columns["status"]
    table.leave_out(status.isin(_PARTIAL), "status", "part of a job")
    table.reject(~status.isin([*_STATUS, *_PARTIAL]), "status", "a code from -1 to 5")
    run = table.numbers("run_s", least=-1)
    table.leave_out(run < 0, "run_s", "run time unknown")
    given, asked = (table.numbers(name, least=-1, most=10**6) for name in ("processors", "asked_processors"))
    processors = np.where(given > 0, given, np.maximum(asked, 0))
    table.reject(processors % 1 != 0, "processors", "a whole number")
    gpus = np.where(table.kept, processors, 0).astype(np.int64)
    return build_trace(
        table,
        sources,
        submit=Column("submit_s", table.numbers("submit_s")),
        duration=Column("run_s", run),
        gpus=Column("processors", gpus),
        others={
            "job_id": table.names("job"),
            "user": _named(table.columns["user"]),
            "queue": _named(table.columns["queue"]),
            "status": status.map(_STATUS),
        },
        origin=_origin(sources),
    )


def _named(codes: pd.Series[str]) -> pd.Series[str]:
    return codes.mask(codes == "-1", "")


def _origin(sources: Sources) -> str:
    with open_text(sources.jobs) as stream:
        for line in stream:
            if line.strip() and not line.startswith(";"):
                break
            if found := _START.match(line):
                return pd.Timestamp(int(found[1]), unit="s").strftime(TIME_FORMAT)
    return ""


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the jobs, numbered in order, users and queues by number as listed in the header.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    jobs = trace.jobs
    rows = pd.DataFrame(-1, index=jobs.index, columns=list(FIELDS))
    rows["job"] = np.arange(1, len(jobs) + 1)
    rows["submit_s"], rows["run_s"] = tidy(jobs["submit_s"]), tidy(jobs["duration_s"])
    rows["wait_s"] = 0
    rows["processors"] = rows["asked_processors"] = jobs["num_gpus"]
    rows["status"] = jobs["status"].map(_CODE)
    head = ["; Version: 2.2", f"; MaxJobs: {len(jobs)}", f"; MaxRecords: {len(jobs)}"]
    if trace.origin and (start := int(pd.Timestamp(trace.origin).timestamp())) >= 0:
        head += [f"; UnixStartTime: {start}"]
    for name in ("user", "queue"):
        codes, names = pd.factorize(jobs[name].mask(jobs[name] == ""), sort=True)
        rows[name] = np.where(codes < 0, -1, codes + 1)
        head += [f"; {name.title()}: {i} {' '.join(known.split())}" for i, known in enumerate(names, start=1)]
    body = rows.to_csv(sep=" ", header=False, index=False, lineterminator="\n")
    write_text(target.jobs_only(), "\n".join(head) + "\n" + body)
    lost = {f"{name}, written as a number": int((jobs[name] != "").sum()) for name in ("user", "queue")}
    held = ("user", "queue", "status", "calendar")
    return {**losses(trace, held), **{what: count for what, count in lost.items() if count}}
