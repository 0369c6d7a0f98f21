"""The one form that request traces are read into: rates of several series in steps of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.inference import RequestSeries
from gogh_sim.types import FloatArray, IntArray

_NONE: Mapping[str, int] = MappingProxyType({})

_MOST_CELLS = 50_000_000
"""A bound on steps x series, 400 MB, so that a stray time stamp cannot ask for more memory than there is."""


class Unit(StrEnum):
    """What a rate counts."""

    REQUESTS = "requests per second"
    INSTANCES = "instances"
    RELATIVE = "share of the peak"


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """Rates of S series over n steps.

    Attributes
    ----------
    names
        Of the series, in order.
    rates
        (S, n) mean rate in each step, in `unit`.
    step_s
        Length of a step in seconds; the first begins at the trace's first moment.
    source
        File or pattern that it came from.
    left_out, adjusted
        What became of rows that are not counted, or counted with a change -> how many.
    """

    names: tuple[str, ...]
    rates: FloatArray
    step_s: float
    unit: Unit
    source: str
    left_out: Mapping[str, int] = field(default_factory=lambda: _NONE)
    adjusted: Mapping[str, int] = field(default_factory=lambda: _NONE)

    def __post_init__(self) -> None:
        if self.rates.ndim != 2 or self.rates.shape[0] != len(self.names) or not self.rates.size:
            raise InputError("expected requests over at least one step of time, found none", file=self.source)
        if not (np.isfinite(self.rates).all() and (self.rates >= 0).all()):
            raise InputError("request rates must be finite and not negative", file=self.source)

    @property
    def length_s(self) -> float:
        """Seconds that it covers."""
        return float(self.rates.shape[1] * self.step_s)

    def window(self, start_s: float, length_s: float) -> RequestTrace:
        """`length_s` seconds of it from `start_s` on, in whole steps; beyond its end it begins again.

        Raises
        ------
        InputError
            If the start lies outside of it.
        """
        if not 0 <= start_s < self.length_s:
            raise InputError(
                f"expected a start from 0 to before {self.length_s:g} s, found {start_s:g}", file=self.source
            )
        first, steps = int(start_s // self.step_s), step_count(length_s, self.step_s)
        columns = np.arange(first, first + steps) % self.rates.shape[1]
        return RequestTrace(
            self.names, self.rates[:, columns], self.step_s, self.unit, self.source, self.left_out, self.adjusted
        )

    def series(self, number: int, scale: float = 1.0) -> RequestSeries:
        """One series, its rates multiplied by `scale`; steps of equal rate become one."""
        rates = self.rates[number] * scale
        new = np.concatenate([[True], rates[1:] != rates[:-1]])
        starts_s = np.arange(rates.size) * self.step_s
        return RequestSeries(tuple(starts_s[new].tolist()), tuple(rates[new].tolist()))


def step_count(length_s: float, step_s: float, series: int = 1) -> int:
    """Steps that cover a length, at least 1; an `InputError` where rates of so many series would be too many."""
    if not (step_s > 0 and np.isfinite(step_s)):
        raise InputError(f"request rates need steps of a positive length, found {step_s}")
    steps = int(max(1, np.ceil(length_s / step_s - 1e-9)))
    if steps * series > _MOST_CELLS:
        raise InputError(f"{series} series of {length_s:g} s are too long for steps of {step_s:g} s; take longer steps")
    return steps


def numbered(kept: pd.Series[str]) -> tuple[tuple[str, ...], IntArray]:
    """Names of the series that rows belong to, in order, and the number of each row's."""
    names = tuple(sorted(set(kept)))
    return names, kept.map({name: i for i, name in enumerate(names)}).to_numpy().astype(np.int64)


def nothing() -> FloatArray:
    """Rates of no series, which a `RequestTrace` refuses."""
    return np.zeros((0, 0))


def counted(
    at_s: FloatArray, series: IntArray, count: int, step_s: float, weights: FloatArray | None = None
) -> FloatArray:
    """(count, n) sums per second of what happens at moments, from 0 on, in each series.

    Parameters
    ----------
    at_s, series
        Moment in seconds, at least 0, and number of the series of each event.
    weights
        What an event counts for; 1 if None.
    """
    steps = step_count(float(at_s.max(initial=0.0)) + 1e-6, step_s, count)
    place = series * steps + np.minimum((at_s // step_s).astype(np.int64), steps - 1)
    sums = np.bincount(place, weights=weights, minlength=count * steps)
    return np.asarray(sums.reshape(count, steps) / step_s, dtype=np.float64)


def held(
    from_s: FloatArray, to_s: FloatArray, level: FloatArray, series: IntArray, count: int, step_s: float
) -> FloatArray:
    """(count, n) means over steps of the sum of levels that each hold from one moment to another."""
    steps = step_count(float(to_s.max(initial=0.0)), step_s, count)
    total = np.zeros((count, steps + 1))
    for sign, moment in ((1.0, from_s), (-1.0, to_s)):
        step = np.minimum((moment // step_s).astype(np.int64), steps)
        # The step of the moment gets the level for the rest of the step, all later ones for good.
        rest = np.clip((step + 1) - moment / step_s, 0.0, 1.0)
        np.add.at(total, (series, step), sign * level * rest)
        later = np.minimum(step + 1, steps)
        np.add.at(total, (series, later), sign * level * np.where(step < steps, 1 - rest, 0.0))
    return np.clip(np.cumsum(total, axis=1)[:, :steps], 0.0, None)


def statistics(trace: RequestTrace) -> dict[str, float]:
    """Length, rates and burstiness of the sum of all series, by name.

    `peak_over_mean` is of steps; `step_fano` is variance over mean of requests per step; `quiet_share` the share of
    steps at less than a tenth of the mean.
    """
    total = trace.rates.sum(axis=0)
    mean = float(total.mean())
    return {
        "series": float(len(trace.names)),
        "length_days": trace.length_s / 86400,
        "step_s": trace.step_s,
        "rate_mean": mean,
        "rate_p50": float(np.median(total)),
        "rate_p99": float(np.quantile(total, 0.99)),
        "rate_peak": float(total.max()),
        "peak_over_mean": float(total.max()) / mean if mean > 0 else np.nan,
        "step_cv": float(total.std()) / mean if mean > 0 else np.nan,
        "step_fano": float(total.var()) * trace.step_s / mean if mean > 0 else np.nan,
        "quiet_share": float((total < 0.1 * mean).mean()),
    }
