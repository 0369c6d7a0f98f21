"""Microsoft ITP 2021, as published with ElasticFlow: one CSV row a job, one file a cluster.

Format and data: github.com/microsoft/elasticflow-traces (MIT); Gu et al., "ElasticFlow", ASPLOS 2023. Seconds count
from the start of collection, 2021-03-04, on one clock for all clusters; time zone, endings and users are not told.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gogh_sim.traces.build import Column, build_trace
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.losses import losses, tidy
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import read_table

COLUMNS = ("job_id", "submission_time", "duration", "num_gpu")
ORIGIN = "2021-03-04 00:00:00"


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the jobs of a cluster.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    path = sources.jobs_only()
    table = read_table(path, [COLUMNS], Ledger(path, report))
    return build_trace(
        table,
        sources,
        others={"job_id": table.names("job_id")},
        submit=Column("submission_time", table.numbers("submission_time")),
        duration=Column("duration", table.numbers("duration")),
        gpus=Column("num_gpu", table.integers("num_gpu", most=10**6)),
        origin=ORIGIN,
    )


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the jobs; returns what the format cannot hold -> rows that lost it."""
    jobs = trace.jobs
    rows = pd.DataFrame(
        {
            "job_id": jobs["job_id"],
            "submission_time": tidy(jobs["submit_s"]),
            "duration": tidy(jobs["duration_s"]),
            "num_gpu": jobs["num_gpus"],
        }
    )
    write_text(target.jobs_only(), rows.to_csv(index=False, lineterminator="\n"))
    return losses(trace, ("job_id",))
