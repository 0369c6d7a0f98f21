"""Your own data: CSV with a header, or Parquet, with the columns of the simulator's schema.

Needed are ``submit_s`` (seconds from any second 0) or ``submit_time`` (``YYYY-MM-DD HH:MM:SS``, a zone such as +08:00
may follow), ``duration_s`` (seconds alone on the reference GPU type) and ``num_gpus``. Optional are ``job_id``,
``gpu_fraction``, ``gpu_models`` (joined by "|"), ``user``, ``queue``, ``status`` (pass, failed, killed), ``workload``
and ``deadline_s`` (on the clock of submit_s; inf for best effort, empty where unknown), as `schema` describes them.
A cell may be empty where it says nothing. Other columns are not read, and named in a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces import parquet
from gogh_sim.traces.build import Column, build_trace, calendar
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.losses import losses, tidy
from gogh_sim.traces.schema import COLUMNS, OPTIONAL_COLUMNS, STATUSES, Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import LARGEST, MISSING, Table, read_table
from gogh_sim.types import FloatArray, IntArray

LAYOUTS = (("submit_s", "duration_s", "num_gpus"), ("submit_time", "duration_s", "num_gpus"))


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read jobs.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    path = sources.jobs_only()
    table = _table(path, Ledger(path, report))
    if "submit_s" in table.columns:
        submit, origin = Column("submit_s", table.numbers("submit_s")), ""
    else:
        times = table.datetimes("submit_time")
        clock = calendar(table, times)
        submit, origin = Column("submit_time", clock.seconds), clock.origin
    num_gpus = table.integers("num_gpus", most=10**6)
    others = _others(table, num_gpus)
    if "deadline_s" in table.columns:
        others["deadline_s"] = _deadlines(table, submit.cells)
    return build_trace(
        table,
        sources,
        submit=submit,
        duration=Column("duration_s", table.numbers("duration_s")),
        gpus=Column("num_gpus", num_gpus),
        others=others,
        origin=origin,
    )


def _table(path: Path, ledger: Ledger) -> Table:
    table = parquet.read_table(path, LAYOUTS, ledger) if parquet.is_parquet(path) else read_table(path, LAYOUTS, ledger)
    for name in table.columns:
        if name not in COLUMNS and name not in OPTIONAL_COLUMNS and name != "submit_time":
            ledger.note("column that is not read", line=1, column=name, count=len(table))
    return table


def _others(table: Table, num_gpus: IntArray) -> dict[str, Any]:
    others: dict[str, Any] = {name: table.optional(name) for name in ("user", "queue")}
    others["job_id"] = table.names("job_id") if "job_id" in table.columns else table.numbered("job")
    status = table.optional("status").replace("", "pass")
    table.reject(~status.isin(STATUSES), "status" if "status" in table.columns else "num_gpus", " or ".join(STATUSES))
    others["status"] = status
    if "gpu_fraction" in table.columns:
        fraction = np.nan_to_num(table.numbers("gpu_fraction", most=1, empty=True), nan=1.0)
        table.reject(fraction <= 0, "gpu_fraction", "a share of a GPU above 0")
        table.reject((fraction < 1) & (num_gpus > 1), "gpu_fraction", "1, as the job asks for more than one GPU")
        others["gpu_fraction"] = fraction
    spec = table.optional("gpu_models")
    tidied = {text: "|".join(sorted({model.strip() for model in text.split("|")} - {""})) for text in spec.unique()}
    others["gpu_models"] = spec.map(tidied)
    if "workload" in table.columns:
        others["workload"] = table.optional("workload")
    return others


def _deadlines(table: Table, submit: FloatArray) -> FloatArray:
    """Seconds, infinite for best effort, nan where unknown."""
    text = table.columns["deadline_s"]
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    sound = text.isin(MISSING).to_numpy() | (values == np.inf) | ((values > submit) & (values <= LARGEST))
    table.reject(~sound, "deadline_s", "a time after the submission, inf, or nothing")
    return values


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write CSV, or Parquet where the name ends in .parquet; returns what is lost -> rows that lost it."""
    path = target.jobs_only()
    jobs = trace.jobs.copy()
    if path.suffix == ".parquet":
        try:
            jobs.to_parquet(path, index=False)
        except OSError as error:
            raise InputError(f"cannot write the file: {error.strerror or error}", file=path) from error
    else:
        for name in ("submit_s", "duration_s"):
            jobs[name] = tidy(jobs[name])
        write_text(path, jobs.to_csv(index=False, lineterminator="\n"))
    return losses(trace, [*COLUMNS, *OPTIONAL_COLUMNS])
