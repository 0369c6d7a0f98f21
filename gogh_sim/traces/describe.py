"""Statistics of a list of jobs, by which a generated trace can be laid beside a real one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gogh_sim.traces.schema import STATUSES
from gogh_sim.types import FloatArray

HOUR_S = 3600.0
QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

SIZE_CLASSES: Mapping[str, tuple[float, float]] = {
    "<1": (0.0, 0.9999),
    "1": (0.9999, 1.0),
    "2-3": (1.0, 3.0),
    "4-7": (3.0, 7.0),
    "8": (7.0, 8.0),
    ">8": (8.0, np.inf),
}
"""Classes of GPU demand (GPUs x fraction), as intervals open below and closed above."""


def statistics(jobs: pd.DataFrame) -> dict[str, float]:
    """Arrivals, durations, GPU mix, constraints and endings of jobs in the schema, by name.

    Times are in seconds unless the name says otherwise; shares are of jobs, or of GPU time where named so. What is
    not defined for so few jobs is nan.
    """
    return {**arrivals(jobs), **durations(jobs), **demands(jobs), **endings(jobs)}


def hourly_counts(submit_s: FloatArray) -> FloatArray:
    """Jobs submitted in each hour from the first submission to the last."""
    hours = ((submit_s - submit_s.min()) // HOUR_S).astype(np.int64)
    return np.bincount(hours).astype(np.float64)


def arrivals(jobs: pd.DataFrame) -> dict[str, float]:
    """Rate, burstiness and correlation of submissions.

    `gap_cv` is the coefficient of variation of inter-arrival times, `gap_cv_local` the same of gaps divided by their
    moving mean over 101 gaps, `hourly_fano` variance over mean of hourly counts, `hourly_lag1` their correlation
    from one hour to the next.
    """
    submit = jobs["submit_s"].to_numpy(np.float64)
    span = float(np.ptp(submit)) if len(submit) else 0.0
    gaps = np.diff(submit)
    counts = hourly_counts(submit) if len(submit) else np.zeros(0)
    pairs_vary = len(counts) > 2 and counts[:-1].std() > 0 and counts[1:].std() > 0
    return {
        "jobs": float(len(jobs)),
        "span_days": span / 86400,
        "jobs_per_hour": len(jobs) / span * HOUR_S if span > 0 else np.nan,
        "gap_cv": _cv(gaps),
        "gap_cv_local": _cv(_by_moving_mean(gaps, 101)),
        "same_second_share": float((gaps == 0).mean()) if len(gaps) else np.nan,
        "hourly_fano": float(counts.var() / counts.mean()) if len(counts) > 1 else np.nan,
        "hourly_lag1": float(np.corrcoef(counts[:-1], counts[1:])[0, 1]) if pairs_vary else np.nan,
    }


def _cv(values: FloatArray) -> float:
    return float(values.std() / values.mean()) if len(values) > 1 and values.mean() > 0 else np.nan


def _by_moving_mean(gaps: FloatArray, width: int) -> FloatArray:
    if len(gaps) < width:
        return gaps[:0]
    mean = np.convolve(gaps, np.full(width, 1 / width), mode="valid")
    middle = gaps[width // 2 : width // 2 + len(mean)]
    return middle[mean > 0] / mean[mean > 0]


def durations(jobs: pd.DataFrame) -> dict[str, float]:
    """Mean and quantiles of run time."""
    values = jobs["duration_s"].to_numpy(np.float64)
    if not len(values):
        return {"duration_mean_s": np.nan} | {f"duration_p{100 * q:g}_s": np.nan for q in QUANTILES}
    found = np.quantile(values, QUANTILES)
    named = {f"duration_p{100 * q:g}_s": float(v) for q, v in zip(QUANTILES, found, strict=True)}
    return {"duration_mean_s": float(values.mean()), **named}


def demands(jobs: pd.DataFrame) -> dict[str, float]:
    """Shares of GPU demand classes, of jobs and of GPU time; mean busy GPUs; share of jobs with a model constraint."""
    demand = (jobs["num_gpus"] * jobs["gpu_fraction"]).to_numpy(np.float64)
    gpu_time = demand * jobs["duration_s"].to_numpy(np.float64)
    total, rows = float(gpu_time.sum()), max(len(jobs), 1)
    found: dict[str, float] = {}
    for name, (above, to) in SIZE_CLASSES.items():
        inside = (demand > above) & (demand <= to)
        found[f"gpu_share_{name}"] = float(inside.sum()) / rows
        found[f"gpu_time_share_{name}"] = float(gpu_time[inside].sum()) / total if total > 0 else np.nan
    span = float(np.ptp(jobs["submit_s"])) if len(jobs) else 0.0
    found["busy_gpus"] = total / span if span > 0 else np.nan
    found["constrained_share"] = float((jobs["gpu_models"] != "").sum()) / rows
    return found


def endings(jobs: pd.DataFrame) -> dict[str, float]:
    """Shares of how jobs ended, of jobs and of GPU time."""
    gpu_time = jobs["num_gpus"] * jobs["gpu_fraction"] * jobs["duration_s"]
    total, rows = float(gpu_time.sum()), max(len(jobs), 1)
    found: dict[str, float] = {}
    for status in STATUSES:
        ended = jobs["status"] == status
        found[f"{status}_share"] = float(ended.sum()) / rows
        found[f"{status}_gpu_time_share"] = float(gpu_time[ended].sum()) / total if total > 0 else np.nan
    return found
