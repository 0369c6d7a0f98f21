"""Costs and choices of the placement program on instances small enough for a pencil."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from column_costs import pair_cost
from hand_made import problem

from gogh_sim.errors import InputError
from gogh_sim.placement import Objective, Problem, Solution, SolveSettings, solve
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.costs import alone_cost

EXACT = SolveSettings(gap=0.0)


def used(solution: Solution) -> set[tuple[int, ...]]:
    """(type, members, uses) of the answer."""
    return {
        (key[0], *(g for g in key[1:] if g >= 0), int(n))
        for key, n in zip(solution.columns.keys.tolist(), solution.uses, strict=True)
    }


def useful(instance: Problem) -> list[tuple[int, ...]]:
    """(type, members) of the columns that could be of use."""
    keys = Candidates.of(instance).columns.keys.tolist()
    return [(gpu_type, *(g for g in members if g >= 0)) for gpu_type, *members in keys]


def test_energy_alone_is_node_watts_times_duration() -> None:
    # 50 W of host and 1.2 x 100 W of GPU are 170 W; 1000 s of work take 1000 s at speed 1 and 2000 s at speed 0.5.
    cost = alone_cost(problem([[1.0, 0.5]], gpus=[1, 1], width=[2]))
    assert cost == pytest.approx(np.array([[2 * 170e3, 2 * 340e3]]))


def test_energy_of_a_pair_counts_the_survivor_alone() -> None:
    # At speed 1 and norm 0.8 both run at 0.8. The short one needs 400 / 0.8 = 500 s, in which the pair draws
    # 50 + 1.2 x 120 = 194 W; the long one then has 1000 - 400 = 600 s of work left, alone, at 170 W.
    cost = pair_cost(problem([[1.0], [1.0]], gpus=[1], remaining_s=[400.0, 1000.0]))
    assert cost[0, 0, 1] == cost[0, 1, 0] == pytest.approx(194 * 500 + 170 * 600)


def test_power_counts_watts_only() -> None:
    instance = problem([[1.0, 0.1], [1.0, 0.1]], gpus=[2, 2], objective=Objective.POWER)
    assert alone_cost(instance) == pytest.approx(170.0)
    assert pair_cost(instance)[:, 0, 1] == pytest.approx(194.0)


def test_moving_costs_extra() -> None:
    still = problem([[1.0, 1.0], [1.0, 1.0]], gpus=[2, 2], current_type=[0, 0], move_cost=[7.0, 5.0])
    assert alone_cost(still)[0] == pytest.approx([170e3, 170e3 + 7])
    energy = 194 * 1250
    # On their own type one of two jobs that are apart moves, the cheaper; on another type both do.
    assert pair_cost(still)[:, 0, 1] == pytest.approx([energy + 5, energy + 12])
    together = replace(still, groups=replace(still.groups, partners=np.array([[1, -1], [0, -1]])))
    assert pair_cost(together)[:, 0, 1] == pytest.approx([energy, energy + 12])
    # Alone on their own type they part, for which each pays half of 5.
    assert alone_cost(together)[0] == pytest.approx([170e3 + 2.5, 170e3 + 7])


def test_columns_keep_floors_memory_width_theta_and_types() -> None:
    instance = problem([[1.0, 0.7], [1.0, 1.0]], gpus=[1, 1], floor=[0.75, 0.0], memory_gib=[9.0, 8.0])
    assert np.isfinite(alone_cost(instance)).tolist() == [[True, False], [True, True]]
    assert not np.isfinite(pair_cost(instance)).any(), "17 GiB do not fit 16"
    light = problem([[1.0], [1.0]], gpus=[1], floor=[0.75, 0.0], count=[1, 2])
    assert np.isfinite(pair_cost(light)[0]).tolist() == [[False, True], [True, True]], "one job makes no pair"
    floored = problem([[1.0], [1.0]], gpus=[1], floor=[0.81, 0.0])
    assert not np.isfinite(pair_cost(floored)[0, 0, 1]), "0.8 is under the floor"
    assert not np.isfinite(pair_cost(problem([[1.0], [1.0]], gpus=[4], width=[1, 2]))[0, 0, 1])
    assert useful(problem([[1.0], [1.0]], gpus=[4])) == [(0, 0), (0, 1), (0, 0, 1)]
    assert useful(problem([[1.0], [1.0]], gpus=[4], theta=1)) == [(0, 0), (0, 1)]
    unknown = problem([[np.nan], [1.0]], gpus=[1])
    assert np.isfinite(alone_cost(unknown)).tolist() == [[False], [True]]
    forbidden = replace(light, groups=replace(light.groups, allowed=np.array([[False], [True]])))
    assert np.isfinite(alone_cost(forbidden)).tolist() == [[False], [True]]
    assert not np.isfinite(pair_cost(forbidden)[0, 0, 1])


def test_columns_that_fewer_jobs_and_the_queue_make_useless_are_left_out() -> None:
    # A pair costs 242.5 kJ, one of the two alone 170 kJ: with the other in the queue for less than 72.5 kJ that is
    # cheaper; for less than 170 kJ both wait rather than run alone.
    pair_and_singles = [(0, 0), (0, 1), (0, 0, 1)]
    assert useful(problem([[1.0], [1.0]], gpus=[1], queue_cost=171e3)) == pair_and_singles
    assert useful(problem([[1.0], [1.0]], gpus=[1], queue_cost=169e3)) == [(0, 0, 1)]
    assert useful(problem([[1.0], [1.0]], gpus=[1], queue_cost=72e3)) == []


def test_jobs_share_when_that_saves_energy_and_not_when_it_does_not() -> None:
    # Alone 2 x 170 kJ. Together at norm 0.8: 194 W x 1250 s = 242.5 kJ; at norm 0.5: 194 W x 2000 s = 388 kJ.
    apart = {(0, 0, 1), (0, 1, 1)}
    assert used(solve(problem([[1.0], [1.0]], gpus=[2]), EXACT)) == {(0, 0, 1, 1)}
    assert used(solve(problem([[1.0], [1.0]], gpus=[2], norm=0.5), EXACT)) == apart


def test_the_frugal_type_goes_to_whoever_gains_most() -> None:
    # One fast GPU. Group 0 saves half of 340 kJ on it, group 1 a fifth.
    solution = solve(problem([[0.5, 1.0], [0.8, 1.0]], gpus=[1, 1], theta=1), EXACT)
    assert used(solution) == {(1, 0, 1), (0, 1, 1)}


def test_a_job_waits_when_the_queue_is_cheaper_than_every_column() -> None:
    instance = problem([[0.5, 1.0], [0.5, 1.0]], gpus=[2, 1], theta=1, queue_cost=200e3)
    solution = solve(instance, EXACT)
    assert solution.uses.sum() == 1
    assert solution.queued(instance).sum() == 1
    assert solution.report.objective == pytest.approx(170e3 + 200e3)


def test_gangs_are_whole() -> None:
    solution = solve(problem([[1.0], [1.0]], gpus=[7], width=[4, 4], theta=1), EXACT)
    assert solution.columns.width @ solution.uses == 4


def test_nothing_that_can_run_is_an_optimal_answer_too() -> None:
    instance = problem([[np.nan]], gpus=[3])
    solution = solve(instance, SolveSettings())
    assert (solution.uses.size, solution.report.status, solution.report.gap) == (0, "optimal", 0.0)
    assert solution.queued(instance).tolist() == [1]


def test_a_report_tells_sizes_and_times() -> None:
    report = solve(problem([[1.0], [1.0]], gpus=[2]), EXACT).report
    assert (report.groups, report.rows, report.status, report.fallback) == (2, 3, "optimal", False)
    assert report.columns >= 3
    assert report.build_s > 0
    assert report.solve_s > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"solver": "gurobi"}, "cbc, highs"),
        ({"gap": 1.0}, "gap"),
        ({"node_limit": 0}, "node_limit"),
        ({"rounds": -1}, "rounds"),
    ],
)
def test_unfit_settings_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(SolveSettings(), **changes)  # type: ignore[arg-type]


def test_unfit_arrays_are_refused() -> None:
    good = problem([[1.0]], gpus=[1])
    with pytest.raises(InputError, match="count"):
        replace(good.groups, count=np.array([0]))
    with pytest.raises(InputError, match="queue_cost"):
        replace(good.groups, queue_cost=np.array([np.inf]))
    with pytest.raises(InputError, match="shape"):
        replace(good.knowledge and good, supply=replace(good.supply, gpus=np.array([1, 2])))
    with pytest.raises(InputError, match="current_type"):
        replace(good, groups=replace(good.groups, current_type=np.array([3])))
