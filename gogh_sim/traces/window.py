"""Windows of a trace and control of its load; durations never change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.table import LARGEST


def cut(trace: Trace, start_s: float | str | None = None, duration_s: float = math.inf) -> Trace:
    """Jobs submitted in ``[start_s, start_s + duration_s)``, with second 0 moved to `start_s`.

    Parameters
    ----------
    start_s
        On the trace's clock, or a calendar time (see `Trace.clock`); None for the first submission.

    Raises
    ------
    InputError
        If no job is left.
    """
    submit = trace.jobs["submit_s"]
    if start_s is None:
        begin = float(submit.min()) if len(submit) else 0.0
    else:
        begin = trace.clock(start_s) if isinstance(start_s, str) else float(start_s)
    if not abs(begin) <= LARGEST:
        raise InputError(f"a window begins within {LARGEST:g} s of second 0, found {begin}")
    if not duration_s > 0:
        raise InputError(f"a window needs a positive duration_s, found {duration_s}")
    after = trace.drop(submit < begin, "before the window")
    inside = after.drop(after.jobs["submit_s"] >= begin + duration_s, "after the window")
    if inside.jobs.empty:
        raise InputError(
            f"no job is submitted in the window from {begin:g} s over {duration_s:g} s; the trace holds "
            f"{len(submit)} jobs from {submit.min():g} to {submit.max():g} s",
            file=trace.source,
        )
    origin = str(pd.Timestamp(trace.origin) + pd.Timedelta(seconds=begin)) if trace.origin else ""
    return replace(_move(inside, inside.jobs["submit_s"] - begin), origin=origin)


def first(trace: Trace, max_jobs: int) -> Trace:
    """The first `max_jobs` jobs."""
    if max_jobs < 1:
        raise InputError(f"max_jobs must be at least 1, found {max_jobs}")
    return trace.drop(np.arange(len(trace.jobs)) >= max_jobs, "beyond max_jobs")


def scale_gaps(trace: Trace, factor: float) -> Trace:
    """Every gap between submissions multiplied by `factor`; the first submission stays."""
    if not (math.isfinite(factor) and factor > 0):
        raise InputError(f"gaps are scaled by a positive factor, found {factor}")
    submit = trace.jobs["submit_s"]
    if submit.empty:
        return trace
    return _move(trace, submit.iloc[0] + (submit - submit.iloc[0]) * factor)


def demand_s(trace: Trace) -> float:
    """Work of all jobs in seconds of one reference GPU: duration x GPUs x fraction."""
    jobs = trace.jobs
    return float((jobs["duration_s"] * jobs["num_gpus"] * jobs["gpu_fraction"]).sum())


def scale_to_load(trace: Trace, load: float, capacity: float) -> tuple[Trace, float]:
    """Scale the gaps so that offered load, demand over span over capacity, equals `load`.

    Parameters
    ----------
    load
        Share of the capacity, positive; above 1 the queue grows for as long as jobs arrive.
    capacity
        What the cluster can do, in seconds of the reference GPU per second.

    Returns
    -------
    tuple[Trace, float]
        The trace and the factor its gaps were multiplied by.
    """
    if not (load > 0 and capacity > 0):
        raise InputError(f"load and capacity must be positive, found {load} and {capacity}")
    submit = trace.jobs["submit_s"]
    span = float(submit.max() - submit.min()) if len(submit) else 0.0
    if span <= 0:
        raise InputError("load needs jobs submitted at two times at least", file=trace.source)
    factor = demand_s(trace) / (load * capacity) / span
    return scale_gaps(trace, factor), factor


def _move(trace: Trace, submit: pd.Series[float]) -> Trace:
    """Trace with other submission times; deadlines keep their distance."""
    moved = {"submit_s": submit}
    if "deadline_s" in trace.jobs:
        moved["deadline_s"] = submit + (trace.jobs["deadline_s"] - trace.jobs["submit_s"])
    return trace.assign(**moved)
