"""The round mechanism on cases that can be followed on paper."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.placement.allocation import max_sum
from gogh_sim.rounds import RoundJob, Rule, best_first, in_type_order, isolated, shuffled, simulate
from gogh_sim.rounds.accounts import Accounts
from gogh_sim.types import FloatArray

SLOW, FAST = 0, 1


class Rates:
    """1 and 2 steps per second per GPU on the two types; sharing costs each a quarter."""

    def solo(self, job_type: str, num_gpus: int) -> FloatArray:
        return np.array([1.0, 2.0]) * num_gpus

    def pair(self, first: str, second: str, num_gpus: int) -> FloatArray:
        return np.array([self.solo(first, num_gpus), self.solo(second, num_gpus)]) * 0.75


def job(number: int, steps: int, submit_s: float = 0.0, gpus: int = 1) -> RoundJob:
    return RoundJob(number, "work", steps, gpus, submit_s)


def fifo() -> Rule:
    return Rule(best_first, in_type_order((FAST, SLOW)), may_run=lambda priority: np.asarray(priority > 0))


def test_a_round_ends_with_its_slowest_task_and_work_is_counted_in_whole_steps() -> None:
    # 721 steps at 2 per second: 720 in the first round of 360 s, the last in half a second.
    found = simulate([job(0, 721)], Rates(), np.array([0, 1]), fifo())
    assert found.jct_s == {0: pytest.approx(360.5)}
    assert found.rounds == 2


def test_a_short_job_ends_at_its_own_time_but_nobody_follows_before_the_round_does() -> None:
    # b arrives at 10 s but the round of a lasts until 300 s, so that b runs from 300 s on.
    found = simulate([job(0, 600), job(1, 100, submit_s=10.0)], Rates(), np.array([0, 1]), fifo())
    assert found.jct_s == pytest.approx({0: 300.0, 1: 300.0 + 50.0 - 10.0})


def test_shares_are_not_renewed_within_the_interval() -> None:
    # The second arrival finds the GPU free at 360 s but has no share until 1920 s after the reset at 5 s.
    jobs = [job(0, 10, submit_s=5.0), job(1, 10, submit_s=6.0), job(2, 10, submit_s=3000.0)]
    found = simulate(jobs, Rates(), np.array([0, 1]), fifo())
    assert found.jct_s[0] == pytest.approx(5.0)
    assert found.jct_s[1] == pytest.approx(3000.0 + 5.0 - 6.0)


def test_best_first_takes_the_fastest_type_with_room_and_lets_nobody_overtake() -> None:
    # 0 takes the fast GPU, 1 the slow one; the gang 2 fits nowhere, so that 3 does not start either.
    jobs = [job(0, 7200), job(1, 360), job(2, 10, gpus=2), job(3, 10)]
    found = simulate(jobs, Rates(), np.array([2, 1]), fifo())
    assert found.jct_s[1] == pytest.approx(360.0)
    assert min(found.jct_s[2], found.jct_s[3]) > 360.0


def test_a_gang_whose_members_would_get_no_step_fails_and_is_dropped_after_five_times() -> None:
    found = simulate([job(0, 3, gpus=4), job(1, 3600)], Rates(), np.array([0, 5]), fifo())
    assert found.dropped == (0,)
    assert list(found.jct_s) == [1]


def test_sharing_lets_two_run_at_once() -> None:
    def rule(sharing: bool) -> Rule:
        return Rule(lambda view: max_sum(view.demands)[0], in_type_order((FAST, SLOW)), sharing=sharing)

    jobs = [job(0, 540), job(1, 540)]
    alone = simulate(jobs, Rates(), np.array([0, 1]), rule(False))
    shared = simulate(jobs, Rates(), np.array([0, 1]), rule(True))
    assert sorted(alone.jct_s.values()) == pytest.approx([270.0, 540.0])
    assert sorted(shared.jct_s.values()) == pytest.approx([360.0, 360.0])


def test_isolated_jobs_take_turns() -> None:
    found = simulate([job(0, 7200), job(1, 7200)], Rates(), np.array([0, 1]), Rule(isolated, in_type_order((1, 0))))
    assert sorted(found.jct_s.values()) == pytest.approx([19 * 360.0, 20 * 360.0])


def test_what_was_allocated_and_not_received_is_owed() -> None:
    accounts = Accounts(1, head_start_s=180.0)
    accounts.open((0,))
    accounts.open((1,))
    accounts.reset(0.0)
    accounts.allocate({(0,): np.array([0.5]), (1,): np.array([0.5])})
    accounts.charge((0,), 0, 360.0)
    priority, _, _ = accounts.tables()
    # 0 has 540 of 720 s on the type, 1 the 180 s that it began with.
    assert priority.ravel() == pytest.approx([0.5 / (540 / 720), 0.5 / (180 / 720)])
    accounts.reset(400.0)
    _, owed, _ = accounts.tables()
    assert owed.ravel() == pytest.approx([0.5 * 400 - 360, 0.5 * 400])


def test_shuffled_orders_come_from_their_seed() -> None:
    first, second, other = shuffled((0, 1, 2), 5), shuffled((0, 1, 2), 5), shuffled((0, 1, 2), 6)
    draws = [first() for _ in range(20)]
    assert draws == [second() for _ in range(20)]
    assert draws != [other() for _ in range(20)]


@pytest.mark.parametrize("change", [{"steps": 0}, {"num_gpus": 0}, {"weight": 0.0}, {"submit_s": -1.0}])
def test_impossible_jobs_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match="job 0"):
        RoundJob(**{"number": 0, "job_type": "x", "steps": 1, "num_gpus": 1, "submit_s": 0.0, **change})
