from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gogh_sim.errors import InputError
from gogh_sim.metrics.site import Site, integral
from gogh_sim.series import HourlySeries


def test_power_meets_the_price_of_its_hour() -> None:
    # 1 kW for 90 minutes, then 2 kW for 60: 1 kWh in hour 0; 0.5 + 1 kWh in hour 1; 1 kWh in hour 2, priced as hour 0.
    timeline = pd.DataFrame({"time_s": [0.0, 5400.0, 9000.0], "node_w": [1000.0, 2000.0, 0.0]})
    account = Site.of(pue=1.5, carbon_g_per_kwh=[100.0, 300.0], price_usd_per_kwh=[-0.1, 0.2]).account(timeline)
    assert account.energy_kwh == pytest.approx(1.5 * 3.5)
    assert account.carbon_kg == pytest.approx(1.5 * (1 * 0.1 + 1.5 * 0.3 + 1 * 0.1))
    assert account.cost_usd == pytest.approx(1.5 * (-0.1 + 1.5 * 0.2 - 0.1))


def test_a_segment_has_the_price_of_the_hour_it_lies_in() -> None:
    """1 kW in hour 0 alone, then nothing: the price of hour 1 does not matter, though it begins as the segment ends."""
    timeline = pd.DataFrame({"time_s": [0.0, 1800.0, 3600.0, 7200.0], "node_w": [1000.0, 1000.0, 0.0, 0.0]})
    account = Site.of(pue=1.0, carbon_g_per_kwh=[100.0, 7000.0], price_usd_per_kwh=[0.1, 9.0]).account(timeline)
    assert account.carbon_kg == pytest.approx(0.1)
    assert account.cost_usd == pytest.approx(0.1)


def test_pue_may_follow_the_hour_too() -> None:
    timeline = pd.DataFrame({"time_s": [0.0, 7200.0], "node_w": [1000.0, 0.0]})
    account = Site.of(pue=[1.0, 2.0], carbon_g_per_kwh=[10.0, 20.0], price_usd_per_kwh=1.0).account(timeline)
    assert account.energy_kwh == pytest.approx(3.0)
    assert account.carbon_kg == pytest.approx((1 * 10 + 2 * 20) / 1000)


def test_a_full_hour_belongs_to_the_hour_it_begins() -> None:
    assert HourlySeries((1.0, 2.0)).at(np.array([0.0, 3599.9, 3600.0, 7200.0])).tolist() == [1, 1, 2, 1]


def test_of_two_rows_at_one_time_the_last_holds() -> None:
    assert integral(np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 50.0, 2.0, 0.0]), HourlySeries((1.0,))) == 3.0


def test_a_run_of_no_length_takes_nothing() -> None:
    assert integral(np.array([5.0]), np.array([100.0])) == 0.0


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"pue": 0.9}, "PUE must be at least 1"),
        ({"carbon_g_per_kwh": [10.0, -1.0]}, "must not be negative"),
        ({"price_usd_per_kwh": []}, "at least one value"),
        ({"price_usd_per_kwh": [0.1, float("nan")]}, "found nan in hour 1"),
    ],
)
def test_impossible_sites_are_refused(numbers: dict[str, object], message: str) -> None:
    good = {"pue": 1.1, "carbon_g_per_kwh": 100.0, "price_usd_per_kwh": 0.1}
    with pytest.raises(InputError, match=message):
        Site.of(**{**good, **numbers})
