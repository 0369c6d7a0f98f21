"""Carbon intensity and electricity price of a region over a mean day."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.load import shipped_folder

TABLE = "grid.csv"


@dataclass(frozen=True)
class GridDay:
    """24 values each, by local hour from midnight: g CO2e per kWh and US dollars per kWh (wholesale)."""

    carbon_g_per_kwh: tuple[float, ...]
    price_usd_per_kwh: tuple[float, ...]


def regions() -> tuple[str, ...]:
    """Regions that ship, sorted."""
    return tuple(sorted(set(_table()["region"])))


def grid_day(region: str) -> GridDay:
    """The mean day of a region; `InputError` where it is unknown."""
    if region not in regions():
        raise InputError(f"expected a region among {list(regions())}, found {region!r}")
    table = _table()
    rows = table[table["region"] == region].sort_values("local_hour")
    return GridDay(tuple(rows["carbon_g_per_kwh"].astype(float)), tuple(rows["price_usd_per_kwh"].astype(float)))


def _table() -> pd.DataFrame:
    with (shipped_folder("calibrated") / TABLE).open(encoding="utf-8") as file:
        return pd.read_csv(file)
