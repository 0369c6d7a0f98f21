"""Microsoft Philly, flat: one CSV row a job, in the two layouts in circulation.

`timestamp,duration,num_gpus,gpu_time,cluster` is the list of passed jobs of the Pollux simulator
(github.com/petuum/adaptdl, branch osdi21-artifact, simulator/traces/philly.csv); duration is summed over attempts and
cluster is the virtual cluster. `vc,submitted_time,num_gpus,duration_s,in_pass_list` lists jobs of 20 minutes and more
of every status; 0 in its last column means Killed or Failed, which it does not tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.traces.build import Column, build_trace, calendar
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.formats.philly import DEFAULT_ORIGIN
from gogh_sim.traces.losses import losses, rounded
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import TIME_FORMAT, Table, read_table


class _Layout(NamedTuple):
    submitted: str
    duration: str
    num_gpus: str
    queue: str


_PASSED = _Layout("timestamp", "duration", "num_gpus", "cluster")
_RECOVERED = _Layout("submitted_time", "duration_s", "num_gpus", "vc")
_IN_PASS_LIST = "in_pass_list"
LAYOUTS: tuple[tuple[str, ...], ...] = (_PASSED, (*_RECOVERED, _IN_PASS_LIST))


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the list; jobs are named after their row, second 0 is midnight of the first submission's day.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    path = sources.jobs_only()
    table = read_table(path, LAYOUTS, Ledger(path, report))
    layout = _RECOVERED if _IN_PASS_LIST in table.columns else _PASSED
    submitted = table.datetimes(layout.submitted)
    duration = table.numbers(layout.duration)
    num_gpus = table.integers(layout.num_gpus, most=10**6)
    status = _status(table) if layout is _RECOVERED else np.full(len(table), "pass")
    clock = calendar(table, submitted, DEFAULT_ORIGIN)
    return build_trace(
        table,
        sources,
        submit=Column(layout.submitted, clock.seconds),
        duration=Column(layout.duration, duration),
        gpus=Column(layout.num_gpus, num_gpus),
        others={"job_id": table.numbered("philly"), "queue": table.columns[layout.queue], "status": status},
        origin=clock.origin,
    )


def _status(table: Table) -> npt.NDArray[np.str_]:
    passed = table.columns[_IN_PASS_LIST]
    table.reject(~passed.isin(["0", "1"]), _IN_PASS_LIST, "0 or 1")
    table.adjust(passed == "0", _IN_PASS_LIST, "Killed or Failed, not told apart, read as failed")
    return np.where(passed == "1", "pass", "failed")


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the layout of passed jobs.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    path = target.jobs_only()
    jobs = trace.jobs
    start, duration = jobs["submit_s"].round(), jobs["duration_s"].round().clip(lower=1)
    times = pd.Timestamp(trace.origin or DEFAULT_ORIGIN) + pd.to_timedelta(start, unit="s")
    rows = pd.DataFrame(
        {
            "timestamp": times.dt.strftime(TIME_FORMAT),
            "duration": duration,
            "num_gpus": jobs["num_gpus"],
            "gpu_time": duration * jobs["num_gpus"],
            "cluster": jobs["queue"],
        }
    )
    write_text(path, rows.to_csv(index=False, lineterminator="\n"))
    return {**losses(trace, ("queue", "calendar")), **rounded(trace)}
