"""From checked columns of a table to a trace: the rules that hold for every format of one row a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gogh_sim.traces.schema import Trace, jobs_frame
from gogh_sim.traces.sources import Capacity, Sources
from gogh_sim.traces.table import TIME_FORMAT, Table
from gogh_sim.types import BoolArray, FloatArray, IntArray, Node

YEAR_S = 366 * 86400.0
"""Submissions further apart than this are taken to be on different clocks; the longest public trace has 6 months."""

_MOST_GPUS = 1e12  # what a whole number of 64 bits holds; the readers' own bounds lie far below

EPOCH = "1970-01-01 00:00:00"


class Column(NamedTuple):
    """Values, one a row (`cells`), and the column of the file that tells them, for messages."""

    name: str
    cells: Any


class Calendar(NamedTuple):
    """Seconds since `origin`, the midnight before the first time."""

    seconds: FloatArray
    origin: str


def calendar(table: Table, times: pd.Series[pd.Timestamp], default: str = EPOCH) -> Calendar:
    """Times as seconds since midnight of the first day that a row still in use names."""
    known = times[table.kept & times.notna().to_numpy()]
    origin = known.min().normalize() if len(known) else pd.Timestamp(default)
    seconds: FloatArray = np.asarray((times - origin).dt.total_seconds(), dtype=np.float64)
    return Calendar(seconds, origin.strftime(TIME_FORMAT))


def gangs(table: Table, demand: Column) -> tuple[IntArray, FloatArray]:
    """GPUs and share of each for a demand in GPUs: below one a share of one GPU, above it whole GPUs."""
    total = np.nan_to_num(np.asarray(demand.cells, dtype=np.float64)).clip(0, _MOST_GPUS)
    whole = np.ceil(total - 1e-9)
    table.adjust((total > 1) & (whole != total), demand.name, "parts of several GPUs raised to whole GPUs")
    return whole.astype(np.int64), np.where((total > 0) & (total < 1), total, 1.0)


def build_trace(
    table: Table,
    sources: Sources,
    *,
    submit: Column,
    duration: Column,
    gpus: Column,
    others: Mapping[str, Any],
    nodes: tuple[Node, ...] | None = None,
    origin: str = "",
) -> Trace:
    """Trace of the rows still in use; columns hold one value a row of the table.

    Rows without GPUs are left out; those on another clock than most, and those that ask for more than
    `sources.capacity`, are at fault; a run time of 0 is raised to 1 s; unsorted rows are told and sorted.

    Parameters
    ----------
    others
        Further columns of `schema.COLUMNS` and `schema.OPTIONAL_COLUMNS`; "gpu_models" and "gpu_fraction" among them.
    """
    table.leave_out(gpus.cells == 0, gpus.name, "no GPUs")
    if sources.capacity is not None:
        _fit(table, sources.capacity, gpus, others.get("gpu_models"))
    _one_clock(table, submit)
    kept = np.flatnonzero(table.kept)
    back = np.zeros(len(table), dtype=bool)
    back[kept[1:]] = np.diff(np.asarray(submit.cells, dtype=np.float64)[kept]) < 0
    table.note(back, submit.name, "earlier than the row before; rows are sorted")
    table.adjust(np.asarray(duration.cells) == 0, duration.name, "run time of 0 s raised to 1 s")
    columns = {
        "submit_s": submit.cells,
        "duration_s": np.where(np.asarray(duration.cells) == 0, 1.0, duration.cells),
        "num_gpus": gpus.cells,
        **others,
    }
    mask = table.kept
    jobs = jobs_frame(**{name: v if np.isscalar(v) else v[mask] for name, v in columns.items()})
    ledger = table.ledger
    return Trace(jobs, nodes, dict(ledger.left_out), str(ledger.path), dict(ledger.adjusted), origin)


def _fit(table: Table, capacity: Capacity, gpus: Column, models: pd.Series[str] | None) -> None:
    table.reject(gpus.cells > capacity.gpus, gpus.name, f"at most the cluster's {capacity.gpus} GPUs")
    if capacity.models and models is not None:
        stray = {spec for spec in models.unique() if spec and not capacity.models & set(spec.split("|"))}
        if stray:
            wanted = f"a GPU model of the cluster ({', '.join(sorted(capacity.models))})"
            column = next(name for name in (*_MODEL_COLUMNS, gpus.name) if name in table.columns)
            table.reject(models.isin(stray), column, wanted)


_MODEL_COLUMNS = ("gpu_spec", "gpu_type", "gpu_model", "gpu_models")


def _one_clock(table: Table, submit: Column) -> None:
    """Reject submissions far off all others, of which seconds and milliseconds, or epochs, in one column speak."""
    values = np.asarray(submit.cells, dtype=np.float64)
    rows = np.flatnonzero(table.kept)
    if len(rows) < 2:
        return
    order = rows[np.argsort(values[rows], kind="stable")]
    cluster = np.concatenate([[0], np.cumsum(np.diff(values[order]) > YEAR_S)])
    if cluster[-1] == 0:
        return
    most = int(np.argmax(np.bincount(cluster)))
    stray: BoolArray = np.zeros(len(table), dtype=bool)
    stray[order[cluster != most]] = True
    table.reject(stray, submit.name, "one clock: a time within a year of the other rows")
