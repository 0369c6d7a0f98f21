"""A policy is asked at the wake-ups that it states, and stating them changes nothing but how often it is asked."""

from __future__ import annotations

import math

import pytest
from builders import FRICTIONLESS, cluster, job, profile, run

from gogh_sim.engine import Simulation
from gogh_sim.policy import ALWAYS, NOTHING, QUEUE_OR_ROOM, Attention, ClusterView, Decision, PolicyContext, Wake
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.edf import EarliestDeadline
from gogh_sim.schedulers.fastest import Fastest
from gogh_sim.schedulers.fgd import FragmentationDescent
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.greedy_energy import GreedyEnergy
from gogh_sim.schedulers.least_loaded import LeastLoaded
from gogh_sim.schedulers.pwr import PowerAware
from gogh_sim.schedulers.round_robin import RoundRobin
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.streams import Streams
from gogh_sim.testing import random_world

QUEUE_POLICIES = (
    *(BestFit, EarliestDeadline, Fastest, FragmentationDescent, Fifo, GreedyFifo, LeastLoaded),
    *(PowerAware, RoundRobin, ShortestFirst),
)


class Listener:
    """Places every job on the first GPU and notes why it was asked."""

    def __init__(self, attention: Attention) -> None:
        self.attention = attention
        self.heard: list[tuple[float, frozenset[Wake]]] = []

    def decide(self, view: ClusterView) -> Decision:
        self.heard.append((view.now_s, view.wakes))
        if view.running or not view.pending:
            return NOTHING
        return Decision(place={next(iter(view.pending)): (view.cluster.gpu_ids[0],)})


class Pestered:
    """A policy that states nothing, and so is always asked."""

    def __init__(self, policy: Fifo) -> None:
        self._policy = policy

    def decide(self, view: ClusterView) -> Decision:
        return self._policy.decide(view)


JOBS = [job("a", 10.0, 400.0), job("b", 20.0, 100.0)]


def test_all_wake_ups_by_default() -> None:
    listener = Listener(ALWAYS)
    run(cluster(("V100", 1)), JOBS, listener)
    arrival, finish, tick = ({wake} for wake in (Wake.ARRIVAL, Wake.FINISH, Wake.ROUND))
    assert listener.heard == [(10.0, arrival), (20.0, arrival), (300.0, tick), (410.0, finish)]


def test_rounds_and_idle_times_are_left_out_on_request() -> None:
    listener = Listener(QUEUE_OR_ROOM)
    records, _ = run(cluster(("V100", 1)), [*JOBS, job("c", 600.0)], listener)
    # At 510 s, when b ends, nobody waits.
    assert [at for at, _ in listener.heard] == [10.0, 20.0, 410.0, 600.0]
    assert records.decisions.time_s.tolist() == [10.0, 20.0, 410.0, 600.0]


def test_ticks_come_to_who_has_rounds_only() -> None:
    """Ten days of one job: 2,879 ticks and as many questions for a policy that has rounds, else none."""
    events = []
    for attention in (ALWAYS, QUEUE_OR_ROOM):
        long = [job("a", 0.0, 864_000.0)]
        simulation = Simulation(cluster(("V100", 1)), long, profile(), Listener(attention), FRICTIONLESS, Streams(1))
        simulation.start()
        events.append(sum(1 for _ in iter(simulation.step, False)))
        assert simulation.close().jobs.end_s.tolist() == [864_000.0]
    assert events[0] - events[1] == 2 * (864_000 / 300 - 1)
    assert events[1] < 10


def test_a_policy_is_not_told_of_wake_ups_that_it_does_not_name() -> None:
    listener = Listener(Attention(frozenset({Wake.ARRIVAL})))
    # b arrives when a ends.
    run(cluster(("V100", 1)), [job("a", 0.0, 900.0), job("b", 900.0)], listener)
    assert listener.heard == [(0.0, {Wake.ARRIVAL}), (900.0, {Wake.ARRIVAL})]


def test_the_queue_of_a_policy_that_is_not_asked_is_in_the_timeline() -> None:
    deaf = Listener(Attention(frozenset({Wake.ROUND})))
    records, _ = run(cluster(("V100", 1)), JOBS, deaf)
    assert deaf.heard[0][0] == 300.0
    assert records.timeline.loc[records.timeline.time_s == 20.0, "pending"].tolist() == [2]


def test_a_run_stalls_alike_whether_or_not_the_policy_is_asked_in_vain() -> None:
    never = [job("a", 0.0, num_gpus=2)]
    ends = []
    for policy in (Fifo(_context()), Pestered(Fifo(_context()))):
        records, _ = run(cluster(("V100", 1)), never, policy)
        ends.append(records.timeline.time_s.iloc[-1])
        assert records.jobs.status.tolist() == ["unfinished"]
    assert ends[0] == ends[1] == 86_400.0


@pytest.mark.parametrize("runs_s", [1_000.0, 1_200.0, 100_000.5])
def test_a_run_stalls_alike_after_jobs_have_run_whether_or_not_ticks_come(runs_s: float) -> None:
    """The last tick while the job ran is where the clock starts: at 900 s, at 900 s again and at 99,900 s."""
    jobs = [job("a", 0.0, runs_s), job("b", 0.0, num_gpus=2)]
    ends = []
    for policy in (Fifo(_context()), Pestered(Fifo(_context()))):
        records, _ = run(cluster(("V100", 1)), jobs, policy)
        ends.append(records.timeline.time_s.iloc[-1])
    assert ends[0] == ends[1] == math.ceil(runs_s / 300) * 300 - 300 + 86_400.0


def _context() -> PolicyContext:
    world = random_world(1)
    return PolicyContext(cluster(("V100", 1)), {"cnn": world.profile.workloads[0]})


@pytest.mark.parametrize("policy", [*QUEUE_POLICIES, GreedyEnergy], ids=lambda policy: policy.__name__)
@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_not_asked_would_have_changed_nothing(policy: type, seed: int) -> None:
    world = random_world(seed, num_jobs=60)
    truth = (world.truth(),) if policy is GreedyEnergy else ()
    asked, pestered = policy(world.context(), *truth), Pestered(policy(world.context(), *truth))
    here, there = world.run(asked), world.run(pestered)
    assert len(here.decisions) < len(there.decisions)
    for table in ("jobs", "events", "gpus", "nodes", "sources"):
        assert getattr(here, table).equals(getattr(there, table)), table
