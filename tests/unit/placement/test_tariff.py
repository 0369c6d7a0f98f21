"""What a joule costs when, and what that makes of the objectives carbon and cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from column_costs import pair_cost
from hand_made import problem

from gogh_sim.errors import InputError
from gogh_sim.placement import Objective, SolveSettings, Tariff, solve
from gogh_sim.placement.costs import alone_cost
from gogh_sim.series import HourlySeries

CLEAN_FIRST = Tariff(HourlySeries((1.0, 3.0)))


def test_the_weight_of_a_stretch_is_its_integral() -> None:
    lengths = np.array([0.0, 1800.0, 3600.0, 5400.0, 7200.0, 14_400.0])
    assert CLEAN_FIRST.between(0.0, lengths) == pytest.approx([0, 1800, 3600, 9000, 14_400, 28_800])
    late = replace(CLEAN_FIRST, now_s=3600.0 * 101 + 1800)
    assert late.between(0.0, np.array([1800.0, 3600.0])) == pytest.approx([5400, 7200])
    assert late.between(1800.0, np.array([1800.0])) == pytest.approx([1800])


def test_a_flat_tariff_counts_seconds() -> None:
    assert Tariff.flat().between(123.0, np.array([7.5])).tolist() == [7.5]
    assert Tariff.flat().later_hours() == ()


def test_a_site_pays_pue_times_the_grid_per_joule() -> None:
    tariff = Tariff.of(HourlySeries.of(1.5), HourlySeries.of([360.0, 720.0]))
    assert tariff.weight.values == pytest.approx((1.5e-4, 3e-4))
    assert tariff.later_hours()[:2] == (3600.0, 7200.0)
    assert replace(tariff, now_s=3000.0).later_hours()[0] == 600.0


def test_hours_that_cost_nothing_count_a_little_and_a_mean_of_nothing_is_refused() -> None:
    tariff = Tariff.of(HourlySeries.of(1.0), HourlySeries.of([-0.5, 2.5]))
    assert tariff.weight.values == pytest.approx((0.01 / 3.6e6, 2.5 / 3.6e6))
    with pytest.raises(InputError, match="positive mean"):
        Tariff.of(HourlySeries.of(1.0), HourlySeries.of([-1.0, 1.0]))


def test_series_of_unlike_lengths_repeat_together() -> None:
    product = HourlySeries((1.0, 2.0)).times(HourlySeries((1.0, 10.0, 100.0)))
    assert product.values == (1, 20, 100, 2, 10, 200)
    with pytest.raises(InputError, match="repeat together"):
        HourlySeries((1.0,) * 1009).times(HourlySeries((1.0,) * 1013))


def test_carbon_of_one_job_and_of_a_pair() -> None:
    # Alone 170 W: an hour at 1 and 400 s at 3. A pair at norm 0.8: the short one ends after 4000 s, 194 W until then;
    # the long one has 800 s left, alone at 170 W, all of it in the dear hour.
    instance = problem([[1.0], [1.0]], gpus=[1], remaining_s=[3200.0, 4000.0], objective=Objective.CARBON)
    instance = replace(instance, tariff=CLEAN_FIRST)
    assert float(alone_cost(instance)[1, 0]) == pytest.approx(170 * (3600 + 3 * 400))
    assert pair_cost(instance)[0, 0, 1] == pytest.approx(194 * (3600 + 3 * 400) + 170 * 3 * 800)


@pytest.mark.parametrize("objective", [Objective.CARBON, Objective.COST])
def test_a_constant_series_chooses_like_energy(objective: Objective) -> None:
    speeds = [[1.0, 0.5], [0.9, 0.6], [1.2, 0.3], [1.0, 1.0], [0.8, 0.7]]
    energy = problem(speeds, gpus=[1, 1], queue_cost=4e5, remaining_s=[500.0, 900.0, 1500.0, 700.0, 1100.0])
    tariff = Tariff.of(HourlySeries.of(1.2), HourlySeries.of([300.0] * 24))
    groups = replace(energy.groups, queue_cost=energy.groups.queue_cost * tariff.weight.values[0])
    grid = replace(energy, groups=groups, objective=objective, tariff=tariff)
    by_energy, by_grid = (solve(one, SolveSettings(gap=0.0)) for one in (energy, grid))
    assert by_grid.columns.keys.tolist() == by_energy.columns.keys.tolist()
    assert by_grid.uses.tolist() == by_energy.uses.tolist()
