"""The one form that every trace is read into: `Trace`, and the columns of its jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.types import BoolArray, Node

STATUSES = ("pass", "failed", "killed")
"""How a job can have ended in its trace."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "job_id": "unique name",
        "submit_s": "submission, seconds of the trace's clock, at least 0",
        "duration_s": "seconds of run time, positive; taken as seconds alone on the reference GPU type",
        "num_gpus": "GPUs of the gang, at least 1",
        "gpu_fraction": "share of each GPU asked for, in (0, 1]; below 1 only with one GPU",
        "gpu_models": "acceptable GPU models, sorted and joined by '|'; empty for any",
        "user": "who submitted it, empty where unknown",
        "queue": "queue, virtual cluster or service class, empty where unknown",
        "status": "how it ended in the trace: pass, failed or killed",
    }
)
"""Columns of `Trace.jobs` and what they mean."""

OPTIONAL_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "workload": "name of the workload, empty where unknown",
        "deadline_s": "time by which the job must end, seconds of the trace's clock; infinite for none, nan unknown",
    }
)
"""Columns of `Trace.jobs` that are there only when the trace has them."""

_TEXT = frozenset({"job_id", "gpu_models", "user", "queue", "status", "workload"})
_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {"gpu_fraction": 1.0, "gpu_models": "", "user": "", "queue": "", "status": "pass"}
)
_NONE: Mapping[str, int] = MappingProxyType({})


def jobs_frame(**columns: Any) -> pd.DataFrame:
    """Jobs in the schema: columns in order and of the right type, rows sorted by submission, then job id.

    Parameters
    ----------
    **columns
        Arrays or scalars by name of column (`COLUMNS`, `OPTIONAL_COLUMNS`). What is left out of gpu_fraction,
        gpu_models, user, queue and status is 1.0, "", "", "" and "pass".
    """
    given = {**_DEFAULTS, **columns}
    names = [*COLUMNS, *(name for name in OPTIONAL_COLUMNS if name in given)]
    rows = len(given["job_id"])
    frame = pd.DataFrame({name: _typed(name, given[name], rows) for name in names})
    return frame.sort_values(["submit_s", "job_id"], kind="stable", ignore_index=True)


def _typed(name: str, values: Any, rows: int) -> pd.Series[Any]:
    kind: Any = str if name in _TEXT else np.int64 if name == "num_gpus" else np.float64
    data = np.full(rows, values) if np.isscalar(values) else values
    series: pd.Series[Any] = pd.Series(data, dtype=kind)
    return series.reset_index(drop=True)


def _validate(jobs: pd.DataFrame, source: str) -> None:
    missing = [name for name in COLUMNS if name not in jobs]
    if missing:
        raise InputError(f"jobs lack the columns {missing}", file=source)
    submit, fraction = jobs["submit_s"], jobs["gpu_fraction"]
    sound = {
        "submit_s": np.isfinite(submit) & (submit >= 0),
        "duration_s": np.isfinite(jobs["duration_s"]) & (jobs["duration_s"] > 0),
        "num_gpus": jobs["num_gpus"] >= 1,
        "gpu_fraction": (fraction > 0) & (fraction <= 1) & ((fraction == 1) | (jobs["num_gpus"] == 1)),
        "status": jobs["status"].isin(STATUSES),
        "job_id": ~jobs["job_id"].duplicated(),
    }
    for name, good in sound.items():
        if not good.all():
            row = jobs.loc[~good].iloc[0]
            raise InputError(
                f"job {row['job_id']}: expected {COLUMNS[name]}, found {row[name]!r}", file=source, column=name
            )
    if not submit.is_monotonic_increasing:
        raise InputError("jobs are not sorted by submission", file=source, column="submit_s")


@dataclass(frozen=True)
class Trace:
    """Jobs submitted over time, and what became of every row that was read.

    Attributes
    ----------
    jobs
        One row a job, columns as in `COLUMNS` and `OPTIONAL_COLUMNS`, sorted by submit_s, then job_id.
    nodes
        Nodes with the trace's GPU models as types; None where the trace has none.
    left_out
        Reason -> rows that did not become jobs; with the jobs they add up to the rows read.
    source
        The file or generator it came from.
    adjusted
        What was changed in rows that were kept -> how many rows.
    origin
        Calendar time of second 0, as ISO 8601 without zone; empty where the trace has no calendar.

    Raises
    ------
    InputError
        If a row breaks the schema.
    """

    jobs: pd.DataFrame
    nodes: tuple[Node, ...] | None
    left_out: Mapping[str, int]
    source: str
    adjusted: Mapping[str, int] = field(default_factory=lambda: _NONE)
    origin: str = ""

    def __post_init__(self) -> None:
        _validate(self.jobs, self.source)

    @property
    def rows(self) -> int:
        """How many rows were read: jobs kept and left out."""
        return len(self.jobs) + sum(self.left_out.values())

    def drop(self, mask: BoolArray | pd.Series[bool], reason: str) -> Trace:
        """Trace without the jobs where `mask` (one entry a job, in order) is true, counted under `reason`."""
        out = np.asarray(mask, dtype=bool)
        if not out.any():
            return self
        kept = self.jobs.loc[~out].reset_index(drop=True)
        return replace(self, jobs=kept, left_out=plus(self.left_out, {reason: int(out.sum())}))

    def assign(self, **columns: npt.NDArray[Any] | pd.Series[Any]) -> Trace:
        """Trace with columns of its jobs replaced or added, sorted anew."""
        return replace(self, jobs=jobs_frame(**({str(name): self.jobs[name] for name in self.jobs} | columns)))

    def clock(self, moment: str) -> float:
        """Seconds of the trace's clock at a calendar time such as "2017-10-02" or "2017-10-02 08:00:00"."""
        if not self.origin:
            raise InputError(f"the trace has no calendar, so {moment!r} means nothing in it", file=self.source)
        try:
            if pd.isna(time := pd.Timestamp(moment)):
                raise ValueError("no time")
            return float((time - pd.Timestamp(self.origin)).total_seconds())
        except (ValueError, TypeError) as error:
            raise InputError(f"expected a date and time like 2017-10-02 08:00:00, found {moment!r}") from error


def plus(counts: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    """Counts added by name; names whose count is 0 are left away."""
    total = Counter(counts)
    total.update(more)
    return MappingProxyType({name: count for name, count in total.items() if count})
