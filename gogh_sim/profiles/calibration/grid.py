"""A mean day of the electricity grid: carbon intensity and wholesale price by local hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.sources import read_table


@dataclass(frozen=True, slots=True)
class Region:
    """Column of the carbon table, name in the price table, and hours from UTC to local standard time."""

    carbon: str
    price: str
    utc_offset_h: int


REGIONS: Mapping[str, Region] = {
    "us-california": Region("CISO", "US-CAL-CISO", -8),
    "us-midatlantic": Region("PJM", "US-MIDA-PJM", -5),
    "us-newyork": Region("NYIS", "US-NY-NYIS", -5),
    "us-texas": Region("ERCO", "US-TEX-ERCO", -6),
}
"""Regions for which the data folder has both tables."""


def grid_table(data: Path) -> pd.DataFrame:
    """Columns region, local_hour, carbon_g_per_kwh (mean of 2022) and price_usd_per_kwh (mean of 2023).

    The price table calls its hours local, but they are UTC: California is cheapest at its 20th hour, noon there, when
    its grid is also cleanest.
    """
    carbon = read_table(data, "power/carbon_intensity_hourly_us2022.csv")
    prices = read_table(data, "power/electricity_price_2023_month_hour.csv")
    hour_utc = pd.to_datetime(carbon["utc"]).dt.hour
    rows: list[dict[str, object]] = []
    for name, region in sorted(REGIONS.items()):
        local = (hour_utc + region.utc_offset_h) % 24
        grams = carbon[region.carbon].groupby(local).mean()
        mine = prices[prices["region"] == region.price]
        priced_at = (mine["local_hour"] + region.utc_offset_h) % 24
        weighted = (mine["mean_usd_per_mwh"] * mine["n_hours"]).groupby(priced_at).sum()
        dollars = weighted / mine["n_hours"].groupby(priced_at).sum() / 1e3
        rows.extend(
            {
                "region": name,
                "local_hour": hour,
                "carbon_g_per_kwh": float(grams[hour]),
                "price_usd_per_kwh": float(dollars[hour]),
            }
            for hour in range(24)
        )
    return pd.DataFrame(rows)
