"""What a joule costs when: the weight of watts over time in an objective to completion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.series import HOUR_S, J_PER_KWH, HourlySeries
from gogh_sim.types import FloatArray

_LEAST_SHARE = 0.01
"""Share of the mean below which no hour counts: where energy costs nothing, or less, waste would cost nothing."""

_HOURS_AHEAD = 24
"""How far a job that waits looks for a cheaper hour: series have the length of a day, and slack is rarely longer."""


@dataclass(frozen=True)
class Tariff:
    """Weight per joule by the hour, seen from a moment.

    Attributes
    ----------
    weight
        What a joule costs in each hour from trace start; positive.
    now_s
        The moment, in seconds from trace start, from which times are counted.
    """

    weight: HourlySeries
    now_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.weight.values) <= 0:
            raise InputError(f"tariff: weights must be positive, found {min(self.weight.values)}")

    @classmethod
    def flat(cls) -> Tariff:
        """Every joule costs 1."""
        return cls(HourlySeries((1.0,)))

    @classmethod
    def of(cls, pue: HourlySeries, per_kwh: HourlySeries) -> Tariff:
        """Tariff of a site: PUE times what a kWh of the grid costs, in whatever unit, per joule of a node.

        Hours that cost less than a hundredth of the mean, or nothing, count as that.

        Raises
        ------
        InputError
            If a kWh costs nothing on average.
        """
        series = pue.times(per_kwh)
        mean = float(np.mean(series.values))
        if not mean > 0:
            raise InputError(f"tariff: expected a positive mean of what a kWh costs, found {mean / pue.values[0]:g}")
        return cls(HourlySeries(tuple(max(value, _LEAST_SHARE * mean) / J_PER_KWH for value in series.values)))

    @cached_property
    def is_flat(self) -> bool:
        """Whether time does not matter."""
        return self.weight.is_constant

    def between(self, start_s: FloatArray | float, length_s: FloatArray) -> FloatArray:
        """Integral of the weight over `length_s` seconds that begin `start_s` after now: the cost of one watt."""
        if self.is_flat:
            return np.asarray(self.weight.values[0] * length_s)
        begin = self.now_s + np.asarray(start_s)
        return self._integral(begin + length_s) - self._integral(begin)

    def mean(self, start_s: float, length_s: FloatArray) -> FloatArray | float:
        """Mean weight over `length_s` seconds that begin `start_s` after now."""
        return self.weight.values[0] if self.is_flat else self.between(start_s, length_s) / length_s

    def later_hours(self) -> tuple[float, ...]:
        """Beginnings of the next hours, up to a day ahead, in seconds from now; none where time does not matter."""
        if self.is_flat:
            return ()
        first_s = HOUR_S - self.now_s % HOUR_S
        return tuple(first_s + HOUR_S * hour for hour in range(_HOURS_AHEAD))

    @cached_property
    def _until_hour(self) -> FloatArray:
        """Integral from trace start to the beginning of each hour of a period, and to its end."""
        return np.concatenate([[0.0], np.cumsum(self.weight.values)]) * HOUR_S

    def _integral(self, time_s: FloatArray) -> FloatArray:
        until = self._until_hour
        period_s = HOUR_S * len(self.weight.values)
        whole, rest = np.divmod(time_s, period_s)
        return np.asarray(whole * until[-1] + np.interp(rest, np.arange(until.size) * HOUR_S, until))
