"""Shanghai AI Laboratory's Acme: trace_seren.csv and trace_kalos.csv, one row a job, times with their zone.

Format and data: github.com/InternLM/AcmeTrace (CC-BY-4.0); Hu et al., "Characterization of Large Language Model
Development in the Datacenter", NSDI 2024. The log of Helios with the kind of job, `type`, in place of the virtual
cluster; it becomes our queue. Seren's times bear +08:00, those of Kalos +00:00; second 0 is midnight there.
"""

from __future__ import annotations

from collections.abc import Mapping

from gogh_sim.traces.faults import Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.formats.helios import log_rows, read_log
from gogh_sim.traces.losses import losses, rounded
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources

COLUMNS = ("job_id", "user", "gpu_num", "type", "state", "submit_time", "start_time", "end_time")
DEFAULT_ORIGIN = "2023-03-01"
"""Calendar day of second 0 for jobs written from a trace without a calendar: the month the published one begins."""


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the log; run time is end - start, second 0 is midnight of the first submission's day.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    return read_log(sources, report, COLUMNS, queue="type")


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the layout of Seren; returns what the format cannot hold -> rows that lost it."""
    rows = log_rows(trace, DEFAULT_ORIGIN)
    rows.insert(5, "type", trace.jobs["queue"])
    for name in ("submit_time", "start_time", "end_time"):
        rows[name] += "+08:00"
    rows["gpu_time"] = (rows["duration"] * rows["gpu_num"]).astype(float)
    write_text(target.jobs_only(), rows.to_csv(index=False, lineterminator="\n"))
    return {**losses(trace, ("job_id", "user", "queue", "status", "calendar")), **rounded(trace)}
