"""What columns cost where a round may be spent to learn: by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from column_costs import costs
from hand_made import problem

from gogh_sim.errors import InputError
from gogh_sim.placement import Objective, Problem, Trial
from gogh_sim.placement.candidates import Candidates

ROUND_S, RESTART_S, THRESHOLD = 300.0, 60.0, 0.15
WATTS = 50 + 1.2 * 100
"""Of a node's GPU that runs any of the hand-made jobs."""


def trial(of: Problem, speed: dict[int, float], norm: float = 0.0, **changes: object) -> Trial:
    """Doubt in the speeds on some types, alike for all groups and apart from each other, and in all norms."""
    size, types = len(of.groups), len(of.supply)
    covariance = np.zeros((size, types, types))
    for gpu_type, variance in speed.items():
        covariance[:, gpu_type, gpu_type] = variance
    facts = {"noise": 0.0, "may": np.ones(size, dtype=bool)}
    times = {"round_s": ROUND_S, "restart_s": RESTART_S, "threshold": THRESHOLD}
    return Trial(covariance, np.full((types, size, size), norm), **{**facts, **times, **changes})


def test_the_program_counts_what_trials_are_worth():
    instance = problem([[1.0, 1.0]] * 2, gpus=[1, 1], remaining_s=[3000.0, 2000.0])
    given = trial(instance, {1: 0.25}, norm=0.25, restart_s=0.0, threshold=0.0)
    found, columns = costs(instance, given), Candidates.of(replace(instance, trial=given)).columns
    assert len(columns) == 6
    for (gpu_type, a, b, _), cost in zip(columns.keys.tolist(), columns.cost.tolist(), strict=True):
        assert cost == (found.alone[a, gpu_type] if b < 0 else found.pair[gpu_type, a, b])
    assert found.alone[0, 1] < costs(instance, None).alone[0, 1]


def least_mean(mean: float, bound: float, deviation: float) -> float:
    """Mean of the lesser of a log-normal cost and a fixed one, by summing up its density."""
    grid = np.linspace(-9, 9, 200_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    drawn = mean * np.exp(deviation * grid - deviation**2 / 2)
    return float((np.minimum(drawn, bound) * density).sum() * (grid[1] - grid[0]))


def test_of_two_equal_types_the_doubtful_one_is_worth_trying():
    even = problem([[1.0, 1.0]], gpus=[1, 1], remaining_s=[3000.0])
    found = costs(even, trial(even, {1: 0.25}, restart_s=0.0, threshold=0.0)).alone
    # A tenth of the work is done in the round; of two equal costs the lesser is 2 ndtr(-s / 2) of each on average.
    expected = WATTS * 3000 * (0.1 + 0.9 * 2 * NormalDist().cdf(-0.25))
    assert found[0, 1] == pytest.approx(expected, rel=1e-3)
    assert found[0, 0] == pytest.approx(WATTS * 3000)


def test_changing_over_has_its_price():
    even = problem([[1.0, 1.0]], gpus=[1, 1], remaining_s=[3000.0])
    found = costs(even, trial(even, {1: 0.25})).alone
    left = 0.9 * 3000 * WATTS
    bound = left * (1 + THRESHOLD) + RESTART_S * WATTS
    assert found[0, 1] == pytest.approx(ROUND_S * WATTS + least_mean(left, bound, 0.5), rel=1e-3)


@pytest.mark.parametrize(("variance", "pays"), [(0.0, False), (0.05, False), (1.0, True)])
def test_a_slower_type_is_tried_only_where_it_is_in_much_doubt(variance: float, pays: bool):
    uneven = problem([[1.0, 0.8]], gpus=[1, 1], remaining_s=[3000.0])
    plain, found = costs(uneven, None).alone, costs(uneven, trial(uneven, {1: variance})).alone
    assert found[0, 0] == plain[0, 0]
    assert (found[0, 1] < plain[0, 0]) == pays
    assert pays or found[0, 1] == plain[0, 1]


def test_what_is_measured_on_one_type_tells_of_another():
    # Nothing can be learned by comparing types whose speeds rise and fall together.
    even = problem([[1.0, 1.0]], gpus=[1, 1], remaining_s=[3000.0])
    apart = trial(even, {0: 0.25, 1: 0.25}, restart_s=0.0, threshold=0.0)
    together = replace(apart, speed=np.full((1, 2, 2), 0.25))
    opposed = replace(apart, speed=np.array([[[0.25, -0.2], [-0.2, 0.25]]]))
    plain = costs(even, None).alone
    assert costs(even, together).alone == pytest.approx(plain, rel=1e-6)
    assert (costs(even, opposed).alone < costs(even, apart).alone).all()


def test_noise_takes_from_the_worth_of_looking():
    even = problem([[1.0, 1.0]], gpus=[1, 1], remaining_s=[3000.0])
    noisy = costs(even, trial(even, {1: 0.25}, noise=0.75, restart_s=0.0, threshold=0.0)).alone
    # Of a variance of .25 a measurement with that noise tells a quarter: s = .25 / sqrt(.25 + .75).
    expected = WATTS * 3000 * (0.1 + 0.9 * 2 * NormalDist().cdf(-0.125))
    assert noisy[0, 1] == pytest.approx(expected, rel=1e-3)


def test_a_doubtful_partner_is_tried():
    two = problem([[1.0], [1.0]], gpus=[2], norm=0.6, pair_power_w=100.0, remaining_s=[3000.0, 3000.0])
    found = costs(two, trial(two, {}, norm=0.25)).pair
    # Both end after 5000 s. A small gain of the one that counts as first saves W d less what the other one did
    # meanwhile, 850 - 510 kJ, a gain of the other the 510 kJ.
    rest = WATTS * (5000 - ROUND_S)
    deviation = 0.5 * math.hypot(340e3, 510e3) / rest
    own = WATTS * 3000 * (1 - ROUND_S / 5000)
    bound = 2 * own + RESTART_S * WATTS + THRESHOLD * own
    expected = ROUND_S * WATTS + least_mean(rest, bound, deviation)
    assert found[0, 0, 1] == pytest.approx(expected, rel=1e-6)
    assert found[0, 0, 1] == found[0, 1, 0]
    assert expected < costs(two, None).pair[0, 0, 1]


def test_a_bad_partner_is_not_tried():
    two = problem([[1.0], [1.0]], gpus=[2], norm=0.4, pair_power_w=150.0, remaining_s=[3000.0, 3000.0])
    assert np.array_equal(costs(two, trial(two, {}, norm=0.01)).pair, costs(two, None).pair)


@pytest.mark.parametrize("kept_from", ["urgency", "the clock"])
def test_who_would_be_late_or_ends_by_the_clock_is_not_tried(kept_from: str):
    two = problem([[1.0, 1.0], [1.0, 1.0]], gpus=[1, 1], norm=0.6, pair_power_w=100.0)
    given = trial(two, {1: 0.5}, norm=0.5)
    if kept_from == "urgency":
        given = replace(given, may=np.zeros(2, dtype=bool))
    else:
        two = replace(two, groups=replace(two.groups, timed=np.ones(2, dtype=bool)))
    assert np.array_equal(costs(two, given).alone, costs(two, None).alone)
    assert np.array_equal(costs(two, given).pair, costs(two, None).pair)


def test_a_job_that_ends_within_the_round_teaches_in_vain():
    short = problem([[1.0, 1.0]], gpus=[1, 1], remaining_s=[200.0])
    assert costs(short, trial(short, {1: 1.0})).alone == pytest.approx(costs(short, None).alone)


def test_the_power_of_now_has_no_future_to_learn_for():
    now = problem([[1.0]], gpus=[1], objective=Objective.POWER)
    with pytest.raises(InputError, match="to completion"):
        replace(now, trial=trial(now, {}))
