"""Quantities of the grid and the site by the hour: carbon intensity, prices, PUE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray

HOUR_S = 3600.0
J_PER_KWH = 3.6e6

_MOST_HOURS = 1_000_000
"""Longest product of series: a century, beyond which two lengths were not meant to go together."""


@dataclass(frozen=True, slots=True)
class HourlySeries:
    """A quantity that is constant within each hour from trace start and starts over when its values are used up.

    24 values are a day that repeats, one value is a constant.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("an hourly series needs at least one value, found none")
        for hour, value in enumerate(self.values):
            if not math.isfinite(value):
                raise InputError(f"an hourly series must be finite, found {value} in hour {hour}")

    @classmethod
    def of(cls, value: float | Sequence[float]) -> HourlySeries:
        """Series of a constant or of one value an hour."""
        if isinstance(value, int | float):
            return cls((float(value),))
        return cls(tuple(float(v) for v in value))

    @property
    def is_constant(self) -> bool:
        """Whether it has the same value at all times."""
        return len(set(self.values)) == 1

    def at(self, time_s: FloatArray) -> FloatArray:
        """Value at each time, in seconds from trace start; at a full hour that of the hour which begins."""
        hour = np.floor_divide(time_s, HOUR_S).astype(np.int64)
        return np.asarray(self.values, dtype=np.float64)[hour % len(self.values)]

    def times(self, other: HourlySeries) -> HourlySeries:
        """Product, hour by hour; it repeats after as many hours as both do.

        Raises
        ------
        InputError
            If that is more than a century.
        """
        hours = math.lcm(len(self.values), len(other.values))
        if hours > _MOST_HOURS:
            raise InputError(
                f"hourly series of {len(self.values)} and {len(other.values)} values repeat together only after "
                f"{hours} hours; give both one length"
            )
        pairs = ((self.values[h % len(self.values)], other.values[h % len(other.values)]) for h in range(hours))
        return HourlySeries(tuple(a * b for a, b in pairs))
