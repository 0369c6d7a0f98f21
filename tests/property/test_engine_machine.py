"""A state machine over random clusters, traces, policies and faults, with accounts of its own beside the engine's.

Whatever order events, breakdowns, repairs, slow spells and changes of policy come in, the world stays valid, the clock
never goes back, every job is in one state, and work and energy are what rates and watts add up to.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import T4, V100
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from test_engine_invariants import TRUTH, Chaos, assert_energy_is_the_integral_of_power, assert_held_gpus_add_up, worlds

from gogh_sim.engine import EngineSettings, Faults, Renewal, Simulation, Truth
from gogh_sim.engine.faults import Level
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.engine.jobs import JobState, Status
from gogh_sim.engine.validate import validate_state
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource
from gogh_sim.schedulers.backfill import Backfill
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.edf import EarliestDeadline
from gogh_sim.schedulers.fastest import Fastest
from gogh_sim.schedulers.fgd import FragmentationDescent
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.gandiva import Gandiva
from gogh_sim.schedulers.gavel_max_min import GavelMaxMin
from gogh_sim.schedulers.gavel_max_sum import GavelMaxSum
from gogh_sim.schedulers.greedy_energy import GreedyEnergy
from gogh_sim.schedulers.las import LeastAttainedService
from gogh_sim.schedulers.least_loaded import LeastLoaded
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.schedulers.pwr import PowerAware
from gogh_sim.schedulers.random import Random
from gogh_sim.schedulers.round_robin import RoundRobin
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.schedulers.srsf import ShortestRemainingService
from gogh_sim.schedulers.srtf import ShortestRemainingTime
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job

PUBLIC: tuple[Callable[[PolicyContext], Scheduler], ...] = (
    *(Random, Fifo, GreedyFifo, RoundRobin, LeastLoaded, BestFit, Fastest, ShortestFirst, ShortestRemainingTime),
    *(ShortestRemainingService, EarliestDeadline, Backfill, Gandiva, FragmentationDescent, PowerAware),
    lambda context: LeastAttainedService(context, [600.0, 6000.0]),
    lambda context: Chaos(int(context.rng.integers(1000))),
)
TOLD: tuple[Callable[[PolicyContext, ThroughputSource], Scheduler], ...] = (
    *(GavelMaxMin, GavelMaxSum, GreedyEnergy, Oracle),
)
MOST_EVENTS = 1_500

units = st.sampled_from([Renewal(), Renewal(), Renewal(800.0, 100.0), Renewal(3000.0, 600.0)])
faults = st.builds(
    Faults,
    *(units, units, units, st.integers(1, 3), units, st.sampled_from([0.3, 1.0])),
    st.sampled_from([50.0, 400.0, math.inf]),
)


@dataclass
class Account:
    """Iterations that a job has done, and those of its last checkpoint, by rates as they were between events."""

    done: float = 0.0
    saved: float = 0.0
    interruptions: int = 0
    stay: tuple[float, float] = (math.nan, math.nan)


class EngineMachine(RuleBasedStateMachine):
    """The engine, one event or one stroke of fate at a time."""

    @initialize(world=worlds(), faults=faults, policy=st.integers(0, len(PUBLIC) - 1))
    def begin(self, world: tuple[Cluster, list[Job], EngineSettings, int], faults: Faults, policy: int) -> None:
        self.cluster, jobs, frictions, seed = world
        frictions = replace(frictions, faults=faults, round_s=200.0, horizon_s=20_000.0)
        streams = Streams(seed)
        self.context = PolicyContext(self.cluster, {w.name: w for w in TRUTH.workloads}, np.random.default_rng(seed))
        self.truth = Truth(TRUTH, self.cluster, hidden_factors(jobs, frictions, streams))
        policy_now = PUBLIC[policy](self.context)
        self.simulation = Simulation(self.cluster, jobs, TRUTH, policy_now, frictions, streams)
        self.every_s, self.faults = faults.checkpoint_every_s, faults
        self.accounts: defaultdict[str, Account] = defaultdict(Account)
        self.gpu_j = np.zeros(self.cluster.num_gpus)
        self.node_j = np.zeros(len(self.cluster.nodes))
        self.broken: list[tuple[Level, tuple[int, ...]]] = []
        self.simulation.start()

    def happen(self) -> bool:
        """Let one event happen, and count what was done and drawn up to it."""
        world, before_s = self.simulation.world, self.simulation.now_s
        rates = {state.job.job_id: state.rate for state in world.running.values()}
        since = {state.job.job_id: state.running_since_s for state in world.running.values()}
        gpu_w, node_w = np.array(world.meter.gpu_w), np.array(world.meter.node_w)
        if not self.simulation.step():
            return False
        now_s = self.simulation.now_s
        assert now_s >= before_s, "the clock went back"
        self.gpu_j += gpu_w * (now_s - before_s)
        self.node_j += node_w * (now_s - before_s)
        for job_id, rate in rates.items():
            if rate > 0:
                self.count(self.accounts[job_id], rate, since[job_id], before_s, now_s)
        self.follow()
        return True

    def count(self, account: Account, rate: float, since_s: float, before_s: float, now_s: float) -> None:
        if math.isfinite(self.every_s):
            # Counted from the same differences as in the engine, so that a checkpoint on an event is there once.
            periods = math.floor((now_s - since_s) / self.every_s)
            if periods > math.floor((before_s - since_s) / self.every_s):
                account.saved = account.done + rate * (since_s + periods * self.every_s - before_s)
        account.done += rate * (now_s - before_s)

    def follow(self) -> None:
        """Take over who was thrown out, and who stopped in good order."""
        for job_id, state in self.simulation.world.states.items():
            account = self.accounts[job_id]
            if state.interruptions > account.interruptions:
                account.interruptions = state.interruptions
                account.done = account.saved
            elif (state.placed_s, state.ready_s) != account.stay or not state.gpus:
                account.saved = account.done
            account.stay = (state.placed_s, state.ready_s)

    @rule(events=st.integers(1, 40))
    def time_passes(self, events: int) -> None:
        for _ in range(events):
            if not self.happen():
                break

    @rule(level=st.sampled_from(list(Level)), number=st.integers(0, 50), lasts_s=st.sampled_from([1.0, 1e3, 1e6]))
    def something_breaks(self, level: Level, number: int, lasts_s: float) -> None:
        """For as long as is said or otherwise: who waits goes by what is said, repairs come when they come."""
        of_level = self.faults.units(level, self.cluster)
        broken = (level, of_level[number % len(of_level)])
        self.broken.append(broken)
        self.simulation._on_failure(level, level is not Level.GPU, broken[1], self.simulation.now_s + lasts_s)
        self.follow()

    @precondition(lambda self: self.broken)
    @rule(number=st.integers(0, 50))
    def something_is_repaired(self, number: int) -> None:
        level, gpus = self.broken.pop(number % len(self.broken))
        self.simulation._on_repair(level, level is not Level.GPU, gpus)

    @rule(number=st.integers(0, 50), factor=st.sampled_from([0.2, 0.7, 1.0]))
    def a_gpu_changes_pace(self, number: int, factor: float) -> None:
        self.simulation._on_speed("slow", factor, (number % self.cluster.num_gpus,))

    @rule(number=st.integers(0, len(PUBLIC) + len(TOLD) - 1))
    def the_policy_changes(self, number: int) -> None:
        if number < len(PUBLIC):
            self.simulation._scheduler = PUBLIC[number](self.context)
        else:
            self.simulation._scheduler = TOLD[number - len(PUBLIC)](self.context, self.truth)

    @invariant()
    def the_world_is_valid(self) -> None:
        validate_state(self.simulation.world)

    @invariant()
    def every_job_is_in_one_state(self) -> None:
        world = self.simulation.world
        ended = [s for s in world.states.values() if s.status in (Status.FINISHED, Status.FAILED)]
        to_come = self.simulation._to_come
        assert to_come + len(world.pending) + len(world.running) + len(ended) == len(world.states)
        assert not world.pending.keys() & world.running.keys()
        assert sum(len(line) for line in world.queue.by_shape.values()) == len(world.pending)

    @invariant()
    def work_is_what_the_rates_add_up_to(self) -> None:
        for state in self.simulation.world.states.values():
            account = self.accounts[state.job.job_id]
            assert_lost(state)
            if state.serving is not None:  # lasts, whatever it gets to do
                continue
            left = state.remaining_at(self.simulation.now_s)
            assert state.job.work - left == pytest.approx(account.done, rel=1e-7, abs=1e-6 * state.job.work)

    def teardown(self) -> None:
        if not hasattr(self, "simulation"):
            return
        # Solvers take their time; the rest of the run is there for its end.
        self.simulation._scheduler = GreedyFifo(self.context)
        for _ in range(MOST_EVENTS):
            if not self.happen():
                break
        self.the_world_is_valid()
        self.work_is_what_the_rates_add_up_to()
        records = self.simulation.close()
        assert records.gpus.energy_j.to_numpy() == pytest.approx(self.gpu_j, rel=1e-9, abs=1e-3)
        assert records.nodes.energy_j.to_numpy() == pytest.approx(self.node_j, rel=1e-9, abs=1e-3)
        assert_energy_is_the_integral_of_power(records)
        assert_held_gpus_add_up(records, self.cluster)
        counts = records.events.event.value_counts()
        assert counts.get("interrupt", 0) == records.jobs.interruptions.sum()
        assert counts.get("finish", 0) + counts.get("fail", 0) == (records.jobs.status != "unfinished").sum()
        assert counts.get("evict", 0) == records.jobs.preemptions.sum()
        assert counts.get("move", 0) == records.jobs.migrations.sum()
        assert records.events.time_s.is_monotonic_increasing


def assert_lost(state: JobState) -> None:
    """GPU-seconds are lost by interruptions only, and no more than were held."""
    assert 0 <= state.lost_gpu_s <= state.allocated_gpu_s * (1 + 1e-9)
    assert state.interruptions > 0 or state.lost_gpu_s == 0


TestEngineMachine = EngineMachine.TestCase
TestEngineMachine.settings = settings(max_examples=30, stateful_step_count=12, suppress_health_check=list(HealthCheck))
assert TRUTH.gpu_types == (V100, T4)
