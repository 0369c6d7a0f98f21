"""Confidence intervals, paired differences, time-weighted means and Little's law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from gogh_sim.types import FloatArray

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `n` independent values and its confidence limits; the limits are nan below two values."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Distance from the mean to a limit."""
        return (self.high - self.low) / 2


def mean_interval(values: npt.ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean with its Student t confidence interval; values that do not exist (nan) are left out and not in `n`."""
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x)]
    if x.size == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(x.mean())
    if x.size == 1:
        return Interval(mean, math.nan, math.nan, 1)
    quantile = float(stats.t.ppf((1 + confidence) / 2, x.size - 1))
    half = quantile * float(x.std(ddof=1)) / math.sqrt(x.size)
    return Interval(mean, mean - half, mean + half, x.size)


def paired_difference(a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean of a - b with its interval, for runs paired by common random numbers (same seed, same position).

    The pairing takes out what arrivals, hidden factors and failures do to both, so the interval is narrower than
    that of two independent means.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"pairs needed, found {x.size} and {y.size} values")
    return mean_interval(x - y, confidence)


def ratio_interval(numerator: npt.ArrayLike, denominator: npt.ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Ratio of two means over paired values, with its interval by Fieller's theorem.

    A ratio r lies in it where the mean of ``numerator - r * denominator`` does not differ from 0 by Student's t test on
    the pairs; the limits are the roots of that condition (Fieller, "Some problems in interval estimation", Journal of
    the Royal Statistical Society B 16(2), 1954). Where the denominator's own interval reaches 0, nothing is known of
    the ratio and the limits are infinite.
    """
    y, x = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"pairs needed, found {y.size} and {x.size} values")
    if x.size == 0 or x.mean() == 0:
        return Interval(math.nan, math.nan, math.nan, x.size)
    ratio = float(y.mean() / x.mean())
    if x.size == 1:
        return Interval(ratio, math.nan, math.nan, 1)
    quantile = float(stats.t.ppf((1 + confidence) / 2, x.size - 1))
    spread = quantile**2 / x.size * np.cov(y, x)
    square = float(x.mean() ** 2 - spread[1, 1])
    if square <= 0:
        return Interval(ratio, -math.inf, math.inf, x.size)
    middle = float(y.mean() * x.mean() - spread[0, 1]) / square
    rest = float(y.mean() ** 2 - spread[0, 0]) / square
    half = math.sqrt(max(middle**2 - rest, 0.0))
    return Interval(ratio, middle - half, middle + half, x.size)


def time_weighted_mean(time_s: FloatArray, value: FloatArray) -> float:
    """Mean over time of a value that holds from each time until the next; the last row closes the span."""
    span_s = float(time_s[-1] - time_s[0])
    return float(value[:-1] @ np.diff(time_s)) / span_s if span_s > 0 else float(value[-1])


def bin_edges(start_s: float, end_s: float, bins: int) -> FloatArray:
    """Edges of equal bins over a span; a span of no length gets bins of a second in all, so that none is empty."""
    return np.linspace(start_s, end_s if end_s > start_s else start_s + 1.0, bins + 1)


def bin_means(time_s: FloatArray, value: FloatArray, edges_s: FloatArray) -> FloatArray:
    """Exact time-weighted mean of a piecewise-constant value in each bin; 0 outside the span.

    Keeps the integral, unlike sampling: energy under a binned power curve is the energy of the run.
    """
    area = np.concatenate([[0.0], np.cumsum(value[:-1] * np.diff(time_s))])
    return np.asarray(np.diff(np.interp(edges_s, time_s, area)) / np.diff(edges_s), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LittlesLaw:
    """Both sides of L = lambda W over the span of a run's timeline."""

    mean_in_system: float
    arrival_rate_per_s: float
    mean_time_s: float

    @property
    def residual(self) -> float:
        """L - lambda W, relative to L; 0 up to rounding where the records agree."""
        expected = self.arrival_rate_per_s * self.mean_time_s
        if self.mean_in_system == 0:
            return expected
        return (self.mean_in_system - expected) / self.mean_in_system


def littles_law(jobs: pd.DataFrame, timeline: pd.DataFrame) -> LittlesLaw:
    """L from the timeline's pending + running beside lambda and W from the jobs.

    A job still in the system when the run closes counts with its time until then, so that the law is exact on any
    span that begins empty.
    """
    time_s = timeline["time_s"].to_numpy(dtype=np.float64)
    in_system = (timeline["pending"] + timeline["running"]).to_numpy(dtype=np.float64)
    run_end_s = float(time_s[-1])
    span_s = run_end_s - float(time_s[0])
    came = jobs[jobs["submit_s"] <= run_end_s]
    stay_s = came["end_s"].fillna(run_end_s).to_numpy(dtype=np.float64) - came["submit_s"].to_numpy(dtype=np.float64)
    return LittlesLaw(
        mean_in_system=time_weighted_mean(time_s, in_system),
        arrival_rate_per_s=len(came) / span_s if span_s > 0 else 0.0,
        mean_time_s=float(stay_s.mean()) if len(came) else 0.0,
    )
