"""Site energy, carbon and cost: node power times PUE, against constants or hourly series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.series import HOUR_S, J_PER_KWH, HourlySeries
from gogh_sim.types import FloatArray


@dataclass(frozen=True, slots=True)
class SiteAccount:
    """What a run took from the grid: energy at the meter, its carbon and its cost."""

    energy_kwh: float
    carbon_kg: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Site:
    """A data centre: power usage effectiveness, grid carbon intensity and electricity price.

    ``site power = PUE * sum(node power)``; carbon and cost follow site energy. Prices may be negative.
    """

    pue: HourlySeries
    carbon_g_per_kwh: HourlySeries
    price_usd_per_kwh: HourlySeries

    def __post_init__(self) -> None:
        if min(self.pue.values) < 1:
            raise InputError(f"PUE must be at least 1, found {min(self.pue.values)}")
        if min(self.carbon_g_per_kwh.values) < 0:
            raise InputError(f"carbon intensity must not be negative, found {min(self.carbon_g_per_kwh.values)}")

    @classmethod
    def of(
        cls,
        pue: float | Sequence[float],
        carbon_g_per_kwh: float | Sequence[float],
        price_usd_per_kwh: float | Sequence[float],
    ) -> Site:
        """Site from constants or lists of hourly values, as a config has them."""
        return cls(HourlySeries.of(pue), HourlySeries.of(carbon_g_per_kwh), HourlySeries.of(price_usd_per_kwh))

    def account(self, timeline: pd.DataFrame) -> SiteAccount:
        """Energy, carbon and cost of a run by its timeline (columns ``time_s``, ``node_w``)."""
        time_s = timeline["time_s"].to_numpy(dtype=np.float64)
        node_w = timeline["node_w"].to_numpy(dtype=np.float64)
        kwh = integral(time_s, node_w, self.pue) / J_PER_KWH
        grams = integral(time_s, node_w, self.pue, self.carbon_g_per_kwh) / J_PER_KWH
        usd = integral(time_s, node_w, self.pue, self.price_usd_per_kwh) / J_PER_KWH
        return SiteAccount(energy_kwh=kwh, carbon_kg=grams / 1000, cost_usd=usd)


def integral(time_s: FloatArray, value: FloatArray, *factors: HourlySeries) -> float:
    """Exact integral over time of a piecewise-constant value times hourly series.

    Parameters
    ----------
    time_s, value
        (n,) ascending times in seconds and the value that holds from each until the next; the last closes the span.
    factors
        Series to multiply with; none gives the plain integral.
    """
    if len(time_s) < 2:
        return 0.0
    cuts = time_s
    if not all(f.is_constant for f in factors):
        hours = np.arange(math.floor(time_s[0] / HOUR_S) + 1, math.ceil(time_s[-1] / HOUR_S)) * HOUR_S
        cuts = np.union1d(time_s, hours)
    # side="right": of rows at one time the last one holds, as those before it have no length.
    held = value[np.searchsorted(time_s, cuts[:-1], side="right") - 1]
    for factor in factors:
        held = held * factor.at(cuts[:-1])
    return float(held @ np.diff(cuts))
