"""The placement in force as an answer: which columns it is made of, and when prices prove that it may stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import problem

from gogh_sim.placement import PENDING, Duals, Problem, SolveSettings, solve
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.session import Session, SolverError
from gogh_sim.placement.standing import standing

EXACT = SolveSettings(gap=0.0)
ANY = SolveSettings(satisfied_above=0)
NOBODY_ELSE = [PENDING, PENDING]


@pytest.fixture
def no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise SolverError("asked for a solver")

    monkeypatch.setattr(Session, "opened", unavailable)


def in_force(instance: Problem) -> dict[tuple[int, ...], int]:
    """Uses of the columns in force, by type and members."""
    candidates = Candidates.of(instance)
    found = standing(candidates, Duals.of_jobs(instance, instance.groups.queue_cost), gap=0.005)
    keys = candidates.columns.take(found.positions).keys.tolist()
    return {(key[0], *(g for g in key[1:] if g >= 0)): int(uses) for key, uses in zip(keys, found.uses, strict=True)}


def test_who_runs_is_in_the_columns_that_it_shares_now() -> None:
    # 0 and 3 share; of 1 two jobs share with each other, as do two more; 2 is alone; 4 waits.
    instance = problem(
        [[1.0, 1.0]] * 5,
        gpus=[4, 1],
        count=[1, 4, 1, 1, 1],
        current_type=[0, 0, 1, 0, PENDING],
        partners=[[3, PENDING], [1, PENDING], NOBODY_ELSE, [0, PENDING], NOBODY_ELSE],
    )
    assert in_force(instance) == {(0, 0, 3): 1, (0, 1, 1): 2, (1, 2): 1}


def test_three_that_share_are_one_column() -> None:
    instance = problem(
        [[1.0]] * 3, gpus=[1], theta=3, norm=0.9, current_type=[0] * 3, partners=[[1, 2], [0, 2], [0, 1]]
    )
    assert in_force(instance) == {(0, 0, 1, 2): 1}


def test_for_whom_the_room_is_gone_does_not_stay() -> None:
    instance = problem([[1.0]] * 3, gpus=[3], width=[2, 2, 1], current_type=[0] * 3)
    # Two of the three GPUs are the first one's; the second one needs two, and the third comes behind it.
    assert in_force(instance) == {(0, 0): 1}


def test_who_runs_where_it_must_not_run_does_not_stay() -> None:
    assert in_force(problem([[1.0], [0.5]], gpus=[2], floor=[0.6, 0.6], current_type=[0, 0])) == {(0, 0): 1}


@pytest.mark.usefixtures("no_solver")
def test_what_prices_prove_needs_no_solver() -> None:
    # Together 242.5 kJ, apart 340 kJ: at 121.25 kJ a job and nothing for the GPU, no column is too cheap.
    instance = problem([[1.0], [1.0]], gpus=[1], current_type=[0, 0], partners=[[1, PENDING], [0, PENDING]])
    kept = solve(instance, ANY, Duals(np.array([121.25e3, 121.25e3]), np.zeros(1)))
    assert (kept.report.status, kept.report.fallback) == ("optimal", False)
    assert kept.report.objective == pytest.approx(242.5e3)
    assert kept.report.bound == pytest.approx(242.5e3)


@pytest.mark.usefixtures("no_solver")
def test_prices_too_low_are_raised_as_far_as_columns_allow() -> None:
    instance = problem([[1.0], [1.0]], gpus=[1], current_type=[0, 0], partners=[[1, PENDING], [0, PENDING]])
    kept = solve(instance, ANY, Duals(np.array([100e3, 60e3]), np.zeros(1)))
    assert kept.report.status == "optimal"
    assert kept.report.bound == pytest.approx(242.5e3)


@pytest.mark.usefixtures("no_solver")
def test_who_waits_takes_the_room_that_is_free() -> None:
    instance = problem([[1.0], [1.0]], gpus=[2], norm=0.5, current_type=[0, PENDING])
    kept = solve(instance, ANY, Duals(np.array([170e3, 170e3]), np.zeros(1)))
    assert kept.report.objective == pytest.approx(340e3)
    assert kept.queued(instance).sum() == 0


def test_where_prices_prove_nothing_a_program_is_solved() -> None:
    # Apart on the two types they cost 340 kJ; together on one, after a restart that costs nothing, 242.5 kJ.
    instance = problem([[1.0, 1.0], [1.0, 1.0]], gpus=[1, 1], current_type=[0, 1])
    prices = solve(instance, EXACT).prices
    moved = solve(instance, ANY, prices)
    assert moved.report.objective == pytest.approx(242.5e3)
    assert moved.report.seconds["solver"] > 0


@pytest.mark.parametrize(("above", "asked"), [(1, False), (2, True)])
def test_few_groups_are_always_solved(above: int, asked: bool) -> None:
    instance = problem([[1.0], [1.0]], gpus=[1], current_type=[0, 0], partners=[[1, PENDING], [0, PENDING]])
    prices = Duals(np.array([121.25e3, 121.25e3]), np.zeros(1))
    report = solve(instance, replace(ANY, satisfied_above=above), prices).report
    assert (report.seconds["solver"] > 0) == asked


def test_without_prices_a_program_is_solved() -> None:
    instance = problem([[1.0], [1.0]], gpus=[1], current_type=[0, 0], partners=[[1, PENDING], [0, PENDING]])
    assert solve(instance, ANY).report.seconds["solver"] > 0
