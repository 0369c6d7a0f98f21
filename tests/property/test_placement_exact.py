"""The program's answers against brute force and the un-collapsed model; constraints recomputed from the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placement_instances import binary_model, brute_force, check, random_problem

from gogh_sim.placement import Duals, Objective, Problem, SolveSettings, solve, solve_greedily
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.costs import alone_cost, column_cost
from gogh_sim.placement.relaxation import feasible_duals
from gogh_sim.placement.standing import raised_duals

EXACT = SolveSettings(gap=0.0)
PRICED = SolveSettings(gap=0.0, all_columns_below=0)
"""The same answer must come out when columns are priced in, however few there are."""


def small(seed: int) -> Problem:
    """A problem that brute force can solve; one in three has columns of three, one in two power caps or blocks."""
    rng = np.random.default_rng(seed)
    theta = (2, 3, 2, 1, 3, 2)[seed % 6]
    return random_problem(
        rng,
        groups=int(rng.integers(1, 4 if theta == 3 else 5)),
        most_jobs=3 if theta == 3 else 2,
        most_gpus=4 if theta == 3 else 5,
        objective=list(Objective)[seed % 4],
        theta=theta,
        caps=((), (0.6,), (), (0.8, 0.5))[seed // 6 % 4],
        blocks=(0, 0, 1, 2)[seed // 24 % 4],
    )


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_small_instances_equal_brute_force(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        problem = small(seed)
        least = brute_force(problem)
        # Each instance by one of the two ways, a tenth of them by both.
        for stop in (EXACT, PRICED) if seed % 10 == 0 else ((EXACT, PRICED)[seed // 2 % 2],):
            solution = solve(problem, stop)
            check(problem, solution)
            assert solution.report.objective == pytest.approx(least, rel=1e-6), seed
            assert solution.report.bound <= least * (1 + 1e-6), seed
            assert not solution.report.fallback, seed


@pytest.mark.parametrize("seed", range(12))
def test_larger_instances_equal_the_uncollapsed_model(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    theta = 3 if seed % 3 == 0 else 2
    problem = random_problem(
        rng,
        groups=5 if theta == 3 else 8,
        types=3,
        most_jobs=4,
        most_gpus=8,
        widths=(1, 1, 2, 4),
        objective=list(Objective)[seed % 4],
        theta=theta,
        caps=(0.7,) if seed % 2 else (),
    )
    least = binary_model(problem)
    for stop in (EXACT, PRICED):
        solution = solve(problem, stop)
        check(problem, solution)
        assert solution.report.objective == pytest.approx(least, rel=1e-6)
        assert solution.report.status == "optimal"


@pytest.mark.parametrize("seed", range(4))
def test_highs_agrees_with_cbc(seed: int) -> None:
    pytest.importorskip("highspy")
    rng = np.random.default_rng(2000 + seed)
    problem = random_problem(rng, groups=10, types=3, most_jobs=3, most_gpus=8)
    by_cbc, by_highs = solve(problem, EXACT), solve(problem, replace(EXACT, solver="highs"))
    check(problem, by_highs)
    assert by_highs.report.objective == pytest.approx(by_cbc.report.objective, rel=1e-6)
    assert not by_highs.report.fallback


@pytest.mark.parametrize("seed", range(3))
def test_the_gap_is_proven_where_columns_are_many(seed: int) -> None:
    rng = np.random.default_rng(3000 + seed)
    problem = random_problem(rng, groups=60, types=4, most_jobs=6, most_gpus=40, widths=(1, 1, 1, 2, 4))
    rough = solve(problem, SolveSettings())
    check(problem, rough)
    tight = solve(problem, SolveSettings(gap=0.0005, integer_columns=20_000))
    check(problem, tight)
    assert rough.report.status == tight.report.status == "optimal"
    assert rough.report.gap <= 0.005 + 1e-6
    assert tight.report.gap <= 0.0005 + 1e-6
    assert rough.report.bound <= tight.report.objective * (1 + 1e-7)
    assert tight.report.bound <= rough.report.objective * (1 + 1e-7)


def test_the_same_problem_has_the_same_answer() -> None:
    problem = random_problem(np.random.default_rng(5), groups=40, types=3, most_jobs=4, most_gpus=20)
    one, other = solve(problem, SolveSettings()), solve(problem, SolveSettings())
    assert np.array_equal(one.columns.keys, other.columns.keys)
    assert np.array_equal(one.uses, other.uses)
    assert one.report.objective == other.report.objective
    assert one.report.bound == other.report.bound


def test_prices_to_start_from_do_not_change_what_is_proven() -> None:
    problem = random_problem(np.random.default_rng(6), groups=24, types=3, most_jobs=4, most_gpus=12, theta=3)
    without = solve(problem, PRICED)
    rng = np.random.default_rng(7)
    unknown = np.full(24, np.nan)
    wild = Duals(rng.uniform(-1, 3, 24) * problem.groups.queue_cost, rng.uniform(-1e6, 1e5, problem.rows.room.size))
    half_known = Duals(np.where(rng.random(24) < 0.5, without.prices.job, unknown), without.prices.row)
    for prices in (without.prices, half_known, Duals(unknown, without.prices.row), wild):
        started = solve(problem, PRICED, prices)
        check(problem, started)
        assert started.report.objective == pytest.approx(without.report.objective, rel=1e-7)
        assert started.report.bound <= without.report.objective * (1 + 1e-7)


@given(seed=st.integers(0, 2**32 - 1), groups=st.integers(1, 12), types=st.integers(1, 4))
@settings(max_examples=60)
def test_greedy_answers_keep_every_constraint_and_their_bound_holds(seed: int, groups: int, types: int) -> None:
    problem = random_problem(np.random.default_rng(seed), groups=groups, types=types, most_jobs=5, most_gpus=10)
    solution = solve_greedily(problem)
    check(problem, solution)
    nobody = float(problem.groups.queue_cost @ problem.groups.count)
    assert solution.report.objective <= nobody * (1 + 1e-12)


def test_greedy_is_never_better_than_the_program() -> None:
    worse = 0
    for seed in range(40):
        problem = random_problem(np.random.default_rng(seed), groups=6, most_jobs=3, most_gpus=4)
        greedy, exact = solve_greedily(problem).report, solve(problem, EXACT).report
        assert greedy.objective >= exact.objective * (1 - 1e-6)
        assert greedy.bound <= exact.objective * (1 + 1e-6)
        worse += greedy.objective > exact.objective * (1 + 1e-6)
    assert worse, "if the greedy answer is always optimal, these instances test nothing"


@pytest.mark.parametrize("block", range(4))
def test_an_answer_that_will_do_is_within_the_gap_of_brute_force(block: int) -> None:
    without_solver = 0
    for seed in range(60 * block, 60 * (block + 1)):
        problem, rng = small(seed), np.random.default_rng(seed)
        least, prices = brute_force(problem), solve(problem, EXACT).prices
        noisy = Duals(prices.job * rng.uniform(0.8, 1.2, prices.job.size), prices.row)
        for start in (prices, noisy):
            answer = solve(problem, SolveSettings(gap=0.05, satisfied_above=0), start)
            check(problem, answer)
            assert answer.report.bound <= least * (1 + 1e-6), seed
            assert answer.report.objective <= least * (1 + 0.05 / 0.95 + 1e-6), seed
            without_solver += answer.report.columns > 0 and answer.report.seconds["solver"] == 0
    assert without_solver > 10


@pytest.mark.parametrize("seed", range(3))
def test_where_any_answer_will_do_many_groups_are_solved_to_the_gap(seed: int) -> None:
    rng = np.random.default_rng(3000 + seed)
    problem = random_problem(rng, groups=60, types=4, most_jobs=6, most_gpus=40, widths=(1, 1, 1, 2, 4))
    tight = solve(problem, SolveSettings(gap=0.0005, integer_columns=20_000))
    answer = solve(problem, SolveSettings(satisfied_above=0), tight.prices)
    check(problem, answer)
    assert answer.report.status == "optimal"
    assert answer.report.gap <= 0.005 + 1e-6
    assert answer.report.bound <= tight.report.objective * (1 + 1e-7)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_raised_prices_prove_more_and_stay_feasible(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(
        rng, groups=int(rng.integers(1, 25)), types=3, most_jobs=3, most_gpus=8, theta=2 + seed % 2
    )
    candidates = Candidates.of(problem)
    wild = Duals(
        rng.uniform(-1, 2, len(problem.groups)) * problem.groups.queue_cost,
        -rng.uniform(0, 1e5, problem.rows.room.size),
    )
    duals = feasible_duals(candidates, wild)
    for _ in range(4):
        raised = raised_duals(candidates, duals)
        assert (raised.job >= duals.job).all()
        assert (raised.job <= problem.groups.queue_cost).all()
        assert (candidates.reduced(raised) >= -1e-7 * problem.groups.queue_cost.max()).all()
        duals = raised


@pytest.mark.parametrize("theta", [1, 2])
def test_pairs_priced_by_tiles_are_those_priced_at_once(theta: int) -> None:
    # More groups than two tiles have rows.
    rng = np.random.default_rng(12)
    problem = random_problem(rng, groups=330, types=3, most_gpus=9, widths=(1, 1, 1, 2, 4), theta=theta)
    columns = Candidates.of(problem).columns
    queue_cost, alone = problem.groups.queue_cost, alone_cost(problem)
    everyone = np.arange(len(problem.groups))
    expected: list[tuple[int, int, int]] = []
    for t in np.flatnonzero(problem.supply.gpus).tolist() if theta > 1 else []:
        cost = column_cost(problem, t, [everyone[:, np.newaxis], everyone])
        least = np.minimum(alone[:, t], queue_cost)
        fewer = np.minimum(least[:, np.newaxis] + queue_cost, least + queue_cost[:, np.newaxis])
        expected += [(t, a, b) for a, b in np.argwhere(np.triu(cost < fewer)).tolist()]
    pairs = columns.take(columns.shared)
    assert [(t, a, b) for t, a, b, _ in pairs.keys.tolist()] == expected
    for t in range(len(problem.supply)):
        here = pairs.take(np.flatnonzero(pairs.gpu_type == t))
        crews = [here.members[:, place] for place in range(2)]
        assert np.array_equal(here.cost, column_cost(problem, t, crews))


def test_a_type_without_a_gpu_has_no_columns() -> None:
    problem = random_problem(np.random.default_rng(3), groups=12, types=3, theta=3)
    gone = replace(problem, supply=replace(problem.supply, gpus=np.array([5, 0, 3])))
    assert set(Candidates.of(gone).columns.gpu_type.tolist()) == {0, 2}
    nothing = solve(replace(problem, supply=replace(problem.supply, gpus=np.zeros(3, dtype=int))), SolveSettings())
    assert (nothing.uses.size, nothing.report.status) == (0, "optimal")
