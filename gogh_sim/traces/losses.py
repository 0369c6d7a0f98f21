"""What a format cannot hold of a trace, told when it is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from gogh_sim.traces.schema import Trace

_DEFAULTS: Mapping[str, object] = MappingProxyType(
    {"gpu_fraction": 1.0, "gpu_models": "", "user": "", "queue": "", "status": "pass", "workload": ""}
)


def losses(trace: Trace, held: Collection[str]) -> Mapping[str, int]:
    """Columns and nodes that a format does not hold -> rows in which they say something.

    Parameters
    ----------
    held
        Columns of the schema that the format has a place for, "nodes" and "calendar" (the time of second 0).
    """
    jobs = trace.jobs
    lost = {name: int((jobs[name] != v).sum()) for name, v in _DEFAULTS.items() if name in jobs and name not in held}
    if "job_id" not in held:
        lost["job_id"] = len(jobs)
    if "deadline_s" in jobs and "deadline_s" not in held:
        lost["deadline_s"] = int(jobs["deadline_s"].notna().sum())
    if "calendar" not in held:
        lost["calendar"] = len(jobs) if trace.origin else 0
    if "nodes" not in held:
        lost["nodes"] = len(trace.nodes or ())
    return MappingProxyType({name: count for name, count in lost.items() if count})


def tidy(values: pd.Series[float]) -> pd.Series[int] | pd.Series[float]:
    """Numbers to write: whole ones without a decimal point where all are whole."""
    return values.astype(np.int64) if (values % 1 == 0).all() else values


def only_model(jobs: pd.DataFrame) -> tuple[pd.Series[str], Mapping[str, int]]:
    """For formats of one GPU model a job: it, none where there are several to choose from; how many rows lose those."""
    several = jobs["gpu_models"].str.contains("|", regex=False)
    count = int(several.sum())
    lost = {"gpu_models, several to choose from": count} if count else {}
    return jobs["gpu_models"].mask(several, ""), MappingProxyType(lost)


def rounded(trace: Trace) -> Mapping[str, int]:
    """For formats of whole seconds: how many rows lose fractions of one."""
    jobs = trace.jobs
    count = int(((jobs["submit_s"] % 1 != 0) | (jobs["duration_s"] % 1 != 0)).sum())
    return MappingProxyType({"fractions of a second": count} if count else {})
