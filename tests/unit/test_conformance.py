"""The conformance checks pass policies that keep the rules and name those that do not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from gogh_sim.policy import (
    NOTHING,
    Attention,
    ClusterView,
    Decision,
    PolicyContext,
    Scheduler,
    ThroughputSource,
    Wake,
)
from gogh_sim.schedulers.backfill import Backfill
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.capacity import Capacity, start_who_fits
from gogh_sim.schedulers.edf import EarliestDeadline
from gogh_sim.schedulers.fastest import Fastest
from gogh_sim.schedulers.fgd import FragmentationDescent
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.gandiva import Gandiva
from gogh_sim.schedulers.gavel_finish_time import GavelFinishTime
from gogh_sim.schedulers.gavel_max_min import GavelMaxMin
from gogh_sim.schedulers.gavel_max_sum import GavelMaxSum
from gogh_sim.schedulers.greedy_energy import GreedyEnergy
from gogh_sim.schedulers.las import LeastAttainedService
from gogh_sim.schedulers.least_loaded import LeastLoaded
from gogh_sim.schedulers.pwr import PowerAware
from gogh_sim.schedulers.random import Random
from gogh_sim.schedulers.round_robin import RoundRobin
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.schedulers.srsf import ShortestRemainingService
from gogh_sim.schedulers.srtf import ShortestRemainingTime
from gogh_sim.testing import CHECKS, ConformanceError, check
from gogh_sim.types import GpuId

Make = Callable[[PolicyContext, ThroughputSource], Scheduler]

PUBLIC: dict[str, Callable[[PolicyContext], Scheduler]] = {
    policy.__name__: policy
    for policy in (
        *(Random, Fifo, GreedyFifo, RoundRobin, LeastLoaded, BestFit, Fastest, ShortestFirst, ShortestRemainingTime),
        *(ShortestRemainingService, EarliestDeadline, Backfill, Gandiva, FragmentationDescent, PowerAware),
    )
}
TOLD: dict[str, Make] = {
    "GavelMaxMin": GavelMaxMin,
    "GavelMaxSum": lambda context, source: GavelMaxSum(context, source, theta=2),
    "GreedyEnergy": GreedyEnergy,
}


@pytest.mark.parametrize("policy", PUBLIC)
@pytest.mark.parametrize("name", CHECKS)
def test_policies_that_know_public_facts_keep_every_rule(name: str, policy: str) -> None:
    check(name, lambda context, source: PUBLIC[policy](context))


@pytest.mark.parametrize("name", CHECKS)
def test_las_keeps_every_rule(name: str) -> None:
    check(name, lambda context, source: LeastAttainedService(context, [600.0, 6000.0]))


@pytest.mark.parametrize("policy", TOLD)
@pytest.mark.parametrize("name", [name for name in CHECKS if name != "no_peeking_at_speeds"])
def test_policies_that_are_told_the_truth_keep_every_other_rule(name: str, policy: str) -> None:
    check(name, TOLD[policy])


def test_finish_time_fairness_is_deterministic_though_it_searches() -> None:
    check("determinism", GavelFinishTime)


class Crowd:
    """Everything on the first GPU of a type."""

    def __init__(self, context: PolicyContext, most: int) -> None:
        self._context, self._most = context, most

    def decide(self, view: ClusterView) -> Decision:
        room = self._most - int(view.occupancy.jobs[0])
        singles = [job_id for job_id, active in view.pending.items() if active.job.num_gpus == 1]
        if room > 0 and singles:
            return Decision(place=dict.fromkeys(singles[:room], (GpuId("n0", 0),)))
        others = [active for job_id, active in view.pending.items() if job_id not in singles]
        return start_who_fits(Capacity(self._context, view), others)


class Moody:
    """Fifo that draws from a generator that nobody seeds."""

    def __init__(self, context: PolicyContext) -> None:
        self._context, self._draw = context, random.Random(time.perf_counter_ns())

    def decide(self, view: ClusterView) -> Decision:
        queue = list(view.pending.values())
        self._draw.shuffle(queue)
        return start_who_fits(Capacity(self._context, view), queue)


class Narrow:
    """Never starts a gang."""

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        singles = [active for active in view.pending.values() if active.job.num_gpus == 1]
        return start_who_fits(Capacity(self._context, view), singles) if singles else NOTHING


class Peeks:
    """Starts first who runs fastest on the larger type, by the truth."""

    def __init__(self, context: PolicyContext, source: ThroughputSource) -> None:
        self._context, self._source = context, source

    def decide(self, view: ClusterView) -> Decision:
        queue = list(view.pending.values())
        if queue:
            speed = self._source.beliefs([active.job for active in queue]).speed[:, 1]
            queue = [queue[i] for i in (-speed).argsort(kind="stable")]
        return start_who_fits(Capacity(self._context, view), queue)


class Deaf(Fifo):
    """Fifo that does not want to hear of room that comes free."""

    attention = Attention(frozenset({Wake.ARRIVAL, Wake.ROUND}))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("capacity", lambda context, source: Crowd(context, most=3), "more than theta"),
        ("memory", lambda context, source: Crowd(context, most=2), "GiB of memory"),
        ("determinism", lambda context, source: Moody(context), "differs between two equal runs"),
        ("attention", lambda context, source: Deaf(context), "asked as it states, then always"),
        ("starvation", lambda context, source: Narrow(context), "never ended"),
        ("no_peeking_at_speeds", Peeks, "in one run"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_named(name: str, make: Make, message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check(name, make)


def test_a_policy_that_knows_the_future_is_named() -> None:
    seen: list[int] = []

    class Clairvoyant:
        """Second time round it knows how many seconds of work are still to come, from the run before."""

        def __init__(self, context: PolicyContext) -> None:
            self._context, self._first = context, not seen
            seen.append(1)

        def decide(self, view: ClusterView) -> Decision:
            queue = list(view.pending.values())
            return start_who_fits(Capacity(self._context, view), queue if self._first else queue[::-1])

    with pytest.raises(ConformanceError, match="before"):
        check("no_peeking_ahead", lambda context, source: Clairvoyant(context))
