"""Formulas of `demand` and rules of `grouping`, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from handmade import job, serving

from gogh_sim.placement import PENDING
from gogh_sim.policy import ActiveJob
from gogh_sim.schedulers.demand import Demand, DemandSettings, Later, Offer, demand
from gogh_sim.schedulers.grouping import JobTable, group
from gogh_sim.types import Job

SETTINGS = DemandSettings()


def waiting(one: Job, remaining_s: float | None = None, first_start_s: float = math.nan) -> ActiveJob:
    return ActiveJob(one, one.reference_s if remaining_s is None else remaining_s, (), math.nan, first_start_s)


def asked(*jobs: ActiveJob, now_s: float = 0.0, present: list[int] | None = None) -> Demand:
    """What jobs ask for where type 0 runs at speed 1 for 250 W and type 1 at speed 0.5 for 200 W."""
    remaining = np.array([[active.remaining_s] for active in jobs])
    speed = np.repeat([[1.0, 0.5]], len(jobs), axis=0)
    width = np.array([[active.job.num_gpus] for active in jobs])
    cost = width * np.array([[250.0, 200.0]]) * remaining / speed
    return demand(jobs, Offer(speed, cost, np.array(present or [PENDING] * len(jobs))), now_s, SETTINGS)


def test_required_speed_is_work_over_time_left_with_prudence() -> None:
    found = asked(waiting(job("a", seconds=100.0, deadline_s=400.0)))
    assert found.floor[0] == pytest.approx([0.275, 0.275])
    assert found.allowed[0].tolist() == [True, True]


def test_who_ran_before_pays_the_restart_except_alone_in_place() -> None:
    one = waiting(job("a", seconds=100.0, deadline_s=1060.0), first_start_s=0.0)
    assert asked(one).floor[0] == pytest.approx([0.11, 0.11])
    # Where it is, it asks for a restart's worth more too, so that it shares only if it may be the one to move.
    assert asked(one, present=[1]).floor[0] == pytest.approx([0.11, 0.11])
    # Of speed 0.5 there: as much as that, and if even that is short of the restart, what staying requires.
    tight = waiting(job("a", seconds=100.0, deadline_s=210.0), first_start_s=0.0)
    assert asked(tight, present=[1]).floor[0] == pytest.approx([1.1 * 100 / 150, 0.5])
    assert asked(tight, present=[1]).allowed[0].tolist() == [True, True]


def test_prudence_gives_way_where_no_type_is_fast_enough_for_it() -> None:
    found = asked(waiting(job("a", seconds=100.0, deadline_s=105.0)))
    assert found.floor[0] == pytest.approx([100 / 105, 100 / 105])


def test_a_job_that_cannot_make_it_requires_nothing() -> None:
    found = asked(waiting(job("a", seconds=100.0, deadline_s=99.0)))
    assert found.floor[0].tolist() == [0.0, 0.0]
    assert not found.urgent[0]
    assert found.allowed[0].all()


def test_a_service_requires_its_floor_and_goes_first() -> None:
    """Its floor is what its latency SLO needs; where no type is fast enough it is best effort."""
    found = asked(*map(waiting, (serving("s", floor=0.6), serving("t", floor=2.0), job("a", seconds=9000.0))))
    assert found.floor[0] == pytest.approx([0.66, 0.66])
    assert found.urgent.tolist() == [True, False, False]
    assert found.floor[1].tolist() == [0.0, 0.0]
    assert found.queue_cost[0] > 3 * found.queue_cost[1:].max() * (1 - 1e-9)


def test_a_type_that_only_a_restart_makes_late_is_not_allowed() -> None:
    one = waiting(job("a", seconds=10.0, deadline_s=50.0), first_start_s=0.0)
    found = asked(one, present=[1])
    assert found.allowed[0].tolist() == [False, True]
    assert np.isfinite(found.floor).all()


def test_a_floor_without_a_deadline_is_the_jobs_own() -> None:
    found = asked(waiting(replace(job("a"), floor=0.4)))
    assert found.floor[0] == pytest.approx([0.44, 0.44])


def test_queue_cost_grows_with_the_slack_that_is_gone() -> None:
    # The fastest duration is 1000 s, so a slack of 1000 s; 250 kJ is the cheapest run.
    one = waiting(job("a", seconds=1000.0))
    for now_s, gone in [(0.0, 0.0), (500.0, 0.5), (1000.0, 1.0), (50_000.0, 10.0)]:
        found = asked(one, now_s=now_s)
        assert found.slack_gone[0] == pytest.approx(gone)
        assert found.queue_cost[0] == pytest.approx(250e3 * (1.05 + gone))
    tied = asked(waiting(job("a", seconds=1000.0, deadline_s=5000.0)), now_s=1000.0)
    assert tied.slack_gone[0] == pytest.approx(0.25)


def test_a_job_with_slack_counts_a_cleaner_hour_that_it_can_reach() -> None:
    """A run costs 250 kg now and 100 kg from an hour on; it takes 1000 s, or 1100 s with safety."""

    def queue_cost(deadline_s: float, now_s: float = 0.0, first_start_s: float = math.nan) -> float:
        one = waiting(job("a", seconds=1000.0, deadline_s=deadline_s), first_start_s=first_start_s)
        speed, cost = np.array([[1.0]]), np.array([[250.0]])
        later = Later((3600.0,), np.array([[1000.0]]), [np.array([[100.0]])])
        offer = Offer(speed, cost, np.array([PENDING]), later=later)
        return float(demand([one], offer, now_s, SETTINGS).queue_cost[0])

    assert queue_cost(4700.0) == pytest.approx(100 * 1.05)
    assert queue_cost(4699.0) == pytest.approx(250 * 1.05), "too late with safety"
    assert queue_cost(4700.0, first_start_s=0.0) == pytest.approx(250 * 1.05), "the restart makes it too late"
    # Half of its slack of 9000 s is gone: the wait must save more than half.
    assert queue_cost(10_000.0, now_s=4500.0) == pytest.approx(100 * 1.55)


def test_work_done_at_top_speed_uses_no_slack() -> None:
    half = asked(waiting(job("a", seconds=1000.0), remaining_s=500.0, first_start_s=0.0), now_s=500.0, present=[0])
    assert half.slack_gone[0] == pytest.approx(0.0)
    slow = asked(waiting(job("a", seconds=1000.0), remaining_s=750.0, first_start_s=0.0), now_s=500.0, present=[1])
    assert slow.slack_gone[0] == pytest.approx(0.25)


def test_moving_costs_the_restart_and_the_threshold() -> None:
    found = asked(waiting(job("a", seconds=1000.0), first_start_s=0.0), present=[1])
    # Staying costs 200 W x 2000 s = 400 kJ; the restart 60 s at 200 W; the threshold 15 % of 400 kJ.
    assert found.move_cost[0] == pytest.approx(12e3 + 60e3)
    assert asked(waiting(job("a"))).move_cost[0] == 0.0


def test_running_jobs_are_dearer_than_any_that_wait_without_hurry() -> None:
    running = waiting(job("r", seconds=100.0), first_start_s=0.0)
    long = waiting(job("w", gpus=2, seconds=1e5))
    found = asked(running, long, present=[0, PENDING])
    assert found.queue_cost[0] == pytest.approx(found.queue_cost[1] / 2 + found.move_cost[0])


def test_urgent_jobs_are_dearer_than_all_others_per_gpu() -> None:
    urgent = waiting(job("u", gpus=2, seconds=100.0, deadline_s=200.0))
    others = [waiting(job("w", seconds=1e6)), waiting(job("r", seconds=1e6), first_start_s=0.0)]
    found = asked(urgent, *others, present=[PENDING, PENDING, 0])
    assert found.urgent.tolist() == [True, False, False]
    assert found.queue_cost[0] >= 3 * 2 * found.queue_cost[1:].max() * (1 - 1e-12)


def test_a_job_that_can_run_nowhere_asks_for_nothing() -> None:
    offer = Offer(np.array([[np.nan, np.nan]]), np.array([[np.inf, np.inf]]), np.array([PENDING]))
    found = demand([waiting(job("a", deadline_s=500.0))], offer, 0.0, SETTINGS)
    assert not found.allowed.any()
    assert found.queue_cost.tolist() == [0.0]
    assert np.isfinite(found.floor).all()


def test_speeds_in_doubt_must_exceed_what_is_required_by_their_deviations() -> None:
    one = waiting(job("a", seconds=100.0, deadline_s=500.0))
    offer = Offer(np.array([[1.0, 0.5]]), np.array([[250.0, 400.0]]), np.array([PENDING]), np.array([[0.0, 0.4]]))
    cautious = replace(SETTINGS, confidence=0.9)
    assert demand([one], offer, 0.0, SETTINGS).floor[0] == pytest.approx([0.22, 0.22])
    # The normal quantile of 0.9 is 1.2816; on the sure type the usual prudence of a tenth stays.
    assert demand([one], offer, 0.0, cautious).floor[0] == pytest.approx([0.22, 0.2 * math.exp(1.2816 * 0.4)], rel=1e-4)
    at_home = demand([one], replace(offer, present_type=np.array([1])), 0.0, cautious)
    assert at_home.floor[0] == pytest.approx([0.22, 0.2 * math.exp(1.2816 * 0.4)], rel=1e-4)


def table(size: int, **columns: object) -> JobTable:
    defaults: dict[str, object] = {
        "kind": np.zeros(size, dtype=np.int64),
        "width": np.ones(size, dtype=np.int64),
        "memory_gib": np.ones(size),
        "remaining_s": np.full(size, 1000.0),
        "present_type": np.full(size, PENDING),
        "timed": np.zeros(size, dtype=np.bool_),
        "partners": np.full((size, 2), PENDING),
    }
    return JobTable(**{**defaults, **columns})  # type: ignore[arg-type]


def wants(size: int, **columns: object) -> Demand:
    defaults: dict[str, object] = {
        "allowed": np.ones((size, 2), dtype=bool),
        "floor": np.zeros((size, 2)),
        "queue_cost": np.ones(size),
        "move_cost": np.zeros(size),
        "slack_gone": np.zeros(size),
        "urgent": np.zeros(size, dtype=bool),
    }
    return Demand(**{**defaults, **columns})  # type: ignore[arg-type]


def test_jobs_that_look_the_same_form_one_group() -> None:
    remaining_s, cost = np.array([1100.0, 1200.0, 1300.0]), np.array([1.0, 3.0, 2.0])
    floor = np.array([[0.50, 0.1], [0.52, 0.1], [0.51, 0.2]])
    found = group(table(3, remaining_s=remaining_s), wants(3, queue_cost=cost, floor=floor), 10)
    assert len(found.groups) == 1
    assert found.groups.count.tolist() == [3]
    assert found.members == ((1, 2, 0),), "dearest first"
    assert found.groups.remaining_s == pytest.approx([1200.0])
    assert found.groups.queue_cost == pytest.approx([2.0])
    assert found.groups.floor[0] == pytest.approx([0.52, 0.2]), "every member keeps its own"


@pytest.mark.parametrize(
    ("jobs", "demands"),
    [
        ({"kind": np.array([0, 1])}, {}),
        ({"present_type": np.array([0, 1])}, {}),
        ({"remaining_s": np.array([100.0, 1000.0])}, {}),
        ({}, {"floor": np.array([[0.1, 0.1], [0.9, 0.9]])}),
        ({}, {"urgent": np.array([False, True])}),
        ({}, {"slack_gone": np.array([0.0, 1.0])}),
        ({}, {"allowed": np.array([[True, True], [True, False]])}),
    ],
)
def test_jobs_that_differ_form_two(jobs: dict[str, object], demands: dict[str, object]) -> None:
    assert len(group(table(2, **jobs), wants(2, **demands), 10).groups) == 2


def test_partners_are_told_apart_at_every_grain() -> None:
    # Jobs 0 and 1 are together, 2 and 3 are together, 4 is alone; 0, 2 and 4 are of one kind.
    jobs = table(
        5,
        kind=np.array([0, 1, 0, 1, 0]),
        present_type=np.zeros(5, dtype=np.int64),
        partners=np.array([[1, PENDING], [0, PENDING], [3, PENDING], [2, PENDING], [PENDING] * 2]),
    )
    for most in (1, 10):
        found = group(jobs, wants(5), most)
        assert [sorted(members) for members in found.members] == [[0, 2], [1, 3], [4]]
        assert found.groups.partners.tolist() == [[1, PENDING], [0, PENDING], [PENDING] * 2]


def test_partners_are_not_told_apart_where_that_makes_far_too_many_groups() -> None:
    # Five jobs of kind 0, each beside one of another kind: 6 groups, or 10 by their partners.
    jobs = table(
        10,
        kind=np.array([0, 0, 0, 0, 0, 1, 2, 3, 4, 5]),
        present_type=np.zeros(10, dtype=np.int64),
        partners=np.array([[(job + 5) % 10, PENDING] for job in range(10)]),
    )
    assert len(group(jobs, wants(10), 3).groups) == 10
    coarse = group(jobs, wants(10), 2)
    assert [sorted(members) for members in coarse.members] == [[0, 1, 2, 3, 4], [5], [6], [7], [8], [9]]
    assert coarse.groups.partners.tolist() == [[PENDING] * 2] * 6


def test_no_jobs_form_no_groups() -> None:
    assert len(group(table(0), wants(0), 10).groups) == 0
