"""Shares of time by linear programs, turns by priority, on cases that can be solved by hand or by another solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from gogh_sim.errors import InputError
from gogh_sim.placement.allocation import (
    ALONE,
    Demands,
    equal_share,
    isolated_share,
    least_finish_ratio,
    max_least,
    max_sum,
    throughput,
    within,
)
from gogh_sim.placement.interior import minimise
from gogh_sim.placement.isolated import IsolatedClock
from gogh_sim.placement.turns import Turn, choose, priorities


def demands(solo: list[list[float]], gpus: list[int], width: list[int] | None = None) -> Demands:
    """Jobs alone only."""
    rate = np.array(solo)
    members = np.column_stack([np.arange(len(rate)), np.full(len(rate), ALONE)])
    widths = np.array(width or [1] * len(rate))
    return Demands(members, np.stack([rate, np.zeros_like(rate)], axis=1), widths, np.array(gpus))


TWO = demands([[1.0, 2.0], [1.0, 4.0]], [1, 1])
PAIR = Demands(
    members=np.array([[0, ALONE], [1, ALONE], [0, 1]]),
    rate=np.array([[[2.0], [0.0]], [[4.0], [0.0]], [[1.5], [3.0]]]),
    width=np.array([1, 1]),
    gpus=np.array([1]),
)


def test_max_sum_goes_by_what_is_gained_not_by_who_is_fast() -> None:
    shares, total = max_sum(TWO)
    assert shares == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]), abs=1e-6)
    assert total == pytest.approx(5.0)


def test_max_min_equalises_progress_over_an_equal_share() -> None:
    # Equal shares give 1.5 and 2.5. With a of type 2 to the first job: (1 + a) / 1.5 = (4 - 3a) / 2.5 at a = 5/14 x ...
    unit = equal_share(TWO)
    assert unit == pytest.approx([1.5, 2.5])
    shares, least = max_least(TWO, unit)
    assert throughput(TWO, shares) / unit == pytest.approx([least, least])
    a = (4 / 2.5 - 1 / 1.5) / (1 / 1.5 + 3 / 2.5)
    assert least == pytest.approx((1 + a) / 1.5)


def test_a_wide_job_takes_its_width_of_the_gpus() -> None:
    shares, _ = max_sum(demands([[1.0], [1.0]], [2], width=[2, 1]))
    assert 2 * shares[0, 0] + shares[1, 0] <= 2 + 1e-9
    assert shares[1, 0] == pytest.approx(1.0, abs=1e-6)
    assert shares[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_sharing_is_used_when_both_together_do_more() -> None:
    shares, total = max_sum(PAIR)
    assert shares[2, 0] == pytest.approx(1.0, abs=1e-6)
    assert total == pytest.approx(4.5)
    assert throughput(PAIR, shares) == pytest.approx([1.5, 3.0], rel=1e-6)


def test_equal_jobs_get_equal_shares_where_a_corner_would_prefer_one() -> None:
    shares, total = max_sum(demands([[1.0]] * 4, [2]))
    assert shares.ravel() == pytest.approx([0.5] * 4, abs=1e-6)
    assert total == pytest.approx(2.0)


def test_least_finish_ratio_by_hand() -> None:
    # One GPU, both with 100 steps at 1 per second; alone on half of it each takes 200 s; the second has waited 100 s.
    # (100 + 100 / x) / 300 = (100 / (1 - x)) / 200
    alike = demands([[1.0], [1.0]], [1])
    shares, ratio = least_finish_ratio(
        alike, np.array([0.0, 100.0]), np.array([100.0, 100.0]), np.array([200.0, 300.0])
    )
    x = shares[1, 0]
    assert shares.sum() == pytest.approx(1.0, abs=1e-5)
    assert (100 + 100 / x) / 300 == pytest.approx(100 / (1 - x) / 200, rel=1e-5)
    assert ratio == pytest.approx((100 + 100 / x) / 300, rel=1e-5)


def test_jobs_that_can_run_nowhere_do_not_stop_the_others() -> None:
    stuck = demands([[1.0], [0.0]], [1])
    shares, least = max_least(stuck, equal_share(stuck))
    assert shares[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert least == pytest.approx(1.0)
    _, ratio = least_finish_ratio(stuck, np.zeros(2), np.ones(2), np.array([2.0, np.inf]))
    assert ratio == pytest.approx(0.5)


def test_within_gives_what_is_needed_or_says_that_it_cannot() -> None:
    assert (throughput(TWO, within(TWO, np.array([1.0, 3.0]))) >= np.array([1.0, 3.0]) - 1e-6).all()
    with pytest.raises(InputError, match="no answer"):
        within(TWO, np.array([2.0, 4.0]))


def test_isolated_share_is_an_equal_part_up_to_the_whole_time() -> None:
    assert isolated_share(demands([[1.0, 1.0]] * 4, [2, 4], [1, 1, 2, 4])) == pytest.approx(
        np.array([[1 / 3, 2 / 3], [1 / 3, 2 / 3], [0.25, 0.5], [0.125, 0.25]])
    )


@pytest.mark.parametrize("bad", ["order", "width", "shape"])
def test_demands_refuse_rows_that_do_not_fit_together(bad: str) -> None:
    members, rate = PAIR.members, PAIR.rate
    width = np.array([1, 2]) if bad == "width" else PAIR.width
    members = members[::-1] if bad == "order" else members
    rate = rate[:2] if bad == "shape" else rate
    with pytest.raises(InputError, match="demands"):
        Demands(members, rate, width, PAIR.gpus)


@pytest.mark.parametrize("kept_dense", [0, 10**9])
def test_large_and_small_matrices_give_the_same_answer(kept_dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gogh_sim.placement.interior._SMALL", kept_dense)
    shares, total = max_sum(PAIR)
    assert total == pytest.approx(4.5)
    assert shares.ravel() == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_interior_answers_are_as_good_as_simplex_answers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(3, 30)), int(rng.integers(3, 60))
    matrix = np.where(rng.random((rows, columns)) < 0.4, rng.random((rows, columns)) * 10.0 ** rng.integers(-2, 3), 0.0)
    matrix = np.vstack([matrix, np.ones(columns)])
    bounds, cost = rng.random(rows + 1) + 0.1, -rng.random(columns)
    found = minimise(cost, sparse.csr_array(matrix), bounds)
    best = linprog(cost, A_ub=matrix, b_ub=bounds)
    assert found.objective == pytest.approx(best.fun, rel=1e-6)
    assert (found.x > -1e-12).all()
    assert (matrix @ found.x <= bounds + 1e-7).all()


def test_priorities_are_share_over_time_received() -> None:
    shares = np.array([[0.5], [0.25], [0.25], [0.0]])
    received = np.array([[100.0], [25.0], [0.0], [75.0]])
    assert priorities(shares, received, np.array([200.0])).ravel() == pytest.approx([1.0, 2.0, 0.25e9, 0.0])


def test_choose_skips_what_does_not_fit_and_runs_a_job_once() -> None:
    members = np.array([[0, ALONE], [1, ALONE], [2, ALONE], [0, 1]])
    first = np.array([[1.0, 1.0], [3.0, 0.0], [2.0, 2.0], [9.0, 9.0]])
    turns = choose((first,), np.ones((4, 2), dtype=bool), members, np.array([1, 1, 4, 1]), np.array([2, 4]), (0, 1))
    # The pair takes a GPU of type 0; job 2 is too wide there; 0 and 1 run already; type 1 gets job 2.
    assert turns == [Turn(3, 0), Turn(2, 1)]


def test_choose_breaks_ties_by_the_next_key_then_by_row() -> None:
    members = np.column_stack([np.arange(3), np.full(3, ALONE)])
    even, second = np.ones((3, 1)), np.array([[0.0], [1.0], [1.0]])
    may = np.array([[True], [True], [True]])
    one = np.ones(3, dtype=np.int64)
    assert choose((even, second), may, members, one, np.array([2]), (0,)) == [Turn(1, 0), Turn(2, 0)]
    assert choose((even,), may, members, one, np.array([2]), (0,)) == [Turn(0, 0), Turn(1, 0)]


def test_the_isolated_clock_counts_work_at_the_speed_it_was_done() -> None:
    clock = IsolatedClock()
    assert clock.total_s(["a"], np.array([100.0]), np.array([1.0])) == pytest.approx([100.0])
    # 40 done at speed 1 (40 s), 60 left at speed 0.5 (120 s).
    assert clock.total_s(["a", "b"], np.array([60.0, 10.0]), np.array([0.5, 0.5])) == pytest.approx([160.0, 20.0])
    assert clock.total_s(["a"], np.array([50.0]), np.array([1.0])) == pytest.approx([40 + 20 + 50.0])
