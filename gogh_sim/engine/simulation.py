"""The SimPy side: arrivals, round ticks and timers wake the scheduler; its decisions move the world.

There is no process per GPU or job. A job's next event (ready, finish) is a timer that carries the job's schedule
number; when the job changes, the number moves on and the old timer, once it fires, does nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import simpy

from gogh_sim.engine.clock import Last, delay_s
from gogh_sim.engine.decisions import NO_MOVES, Moves, resolve
from gogh_sim.engine.faults import Level, Renewal, outages
from gogh_sim.engine.garbage import spare_what_stays
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.engine.jobs import JobState, Status
from gogh_sim.engine.observer import Observer
from gogh_sim.engine.recorder import Recorder
from gogh_sim.engine.records import History, InMemory, Records
from gogh_sim.engine.serving import Serving
from gogh_sim.engine.settings import EngineSettings
from gogh_sim.engine.stall import StallClock
from gogh_sim.engine.view import view_of
from gogh_sim.engine.world import World, ends_well
from gogh_sim.policy import ALWAYS, Attentive, Learner, Scheduler, Wake
from gogh_sim.profiles import Profile
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Gpus, Job

_OnUnit: TypeAlias = Callable[[Gpus], None]
_Begin: TypeAlias = Callable[[Gpus, float], None]
"""Takes the GPUs of a unit and the time when its outage ends."""


class Simulation:
    """One run. `world` and `recorder` may be looked at between steps; `run` moves them to the end."""

    def __init__(
        self,
        cluster: Cluster,
        jobs: Sequence[Job],
        profile: Profile,
        scheduler: Scheduler,
        settings: EngineSettings,
        streams: Streams,
        progress: Callable[[float], None] | None = None,
        history: History | None = None,
    ) -> None:
        self._settings, self._streams = settings, streams
        self._scheduler = scheduler
        self._attention = scheduler.attention if isinstance(scheduler, Attentive) else ALWAYS
        self._progress = progress
        self.world = World(cluster, jobs, profile, settings, hidden_factors(jobs, settings, streams))
        self.recorder = Recorder(self.world, InMemory() if history is None else history)
        self._learner = scheduler if isinstance(scheduler, Learner) else None
        self.world.observed = self._learner is not None
        self._observer = Observer(self.world, streams.generator("measurement_noise"))
        self._env = simpy.Environment()
        self._over = self._env.event()
        self._ticking = self._env.event()
        self._wakes: set[Wake] = set()
        self._to_come = len(jobs)
        self._stall = StallClock(settings.stall_s, settings.round_s)

    def run(self) -> Records:
        """Simulate until every job has ended, nothing can happen any more, or the horizon is reached."""
        self.start()
        if self.world.states:
            self._env.run(until=self._over)
        return self.close()

    @property
    def now_s(self) -> float:
        """Simulated time."""
        return float(self._env.now)

    def start(self) -> None:
        """Set everything up; then the run is made of steps."""
        self.recorder.state(0.0)
        for node in range(len(self.world.cluster.nodes)):
            self._watch_empty_node(node)
        if self.world.states:
            self._env.process(self._arrivals())
            self._env.process(self._rounds())
            self._start_faults()
            if math.isfinite(self._settings.horizon_s):
                self._after(self._settings.horizon_s, self._end)

    def step(self) -> bool:
        """Let the next event happen; False if the run is over."""
        if self._over.processed or not self.world.states:
            return False
        self._env.step()
        return True

    def close(self) -> Records:
        """Count everything up to now and hand over the tables."""
        self.world.close(self._env.now)
        self.recorder.state(self._env.now)
        return self.recorder.records()

    # Processes and timers ---------------------------------------------------------------------------------------

    def _arrivals(self) -> Generator[simpy.Event, Any, None]:
        for state in self.world.states.values():
            if state.job.submit_s > self._env.now:
                yield self._env.timeout(delay_s(self._env.now, state.job.submit_s))
            self.world.submit(state, self._env.now)
            self.recorder.job_event(self._env.now, "submit", state)
            self._to_come -= 1
            if state.serving is not None:
                self._await_requests(state, state.serving)
            self._wake(Wake.ARRIVAL)
            self._tick_if_needed()

    def _rounds(self) -> Generator[simpy.Event, Any, None]:
        period_s = self._settings.round_s
        while True:
            if not self._ticks_matter():
                self._ticking = self._env.event()
                yield self._ticking
            ticks = math.floor(self._env.now / period_s) + 1
            yield self._env.timeout(ticks * period_s - self._env.now)
            if self._ticks_matter():
                self._wake(Wake.ROUND)

    def _ticks_matter(self) -> bool:
        """Whether a round could change anything: for a policy that has rounds, or for who waits for a run to stall."""
        if self.world.running:
            return self._attention.rounds
        return bool(self.world.pending)

    def _tick_if_needed(self) -> None:
        if not self._ticking.triggered and self._ticks_matter():
            self._ticking.succeed()

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        self._env.timeout(delay_s).callbacks.append(lambda _: action())

    def _end(self) -> None:
        if not self._over.triggered:
            self._over.succeed()

    def _wake(self, wake: Wake) -> None:
        if not self._wakes:
            Last(self._env).callbacks.append(lambda _: self._decide())
        self._wakes.add(wake)

    def _schedule(self, state: JobState) -> None:
        state.scheduled += 1
        now_s = self._env.now
        if state.status is Status.PLACED:
            self._after(state.ready_s - now_s, partial(self._on_ready, state, state.scheduled))
        elif state.rate > 0 and state.serving is None:
            self._after(state.remaining / state.rate, partial(self._on_finish, state, state.scheduled))

    def _on_ready(self, state: JobState, scheduled: int) -> None:
        if scheduled != state.scheduled:
            return
        self.world.make_ready(state, self._env.now)
        self.recorder.job_event(self._env.now, "ready", state)
        self._refresh()

    def _on_finish(self, state: JobState, scheduled: int) -> None:
        if scheduled == state.scheduled:
            self._finish(state)

    def _await_requests(self, state: JobState, serving: Serving) -> None:
        self._after(max(0.0, serving.next_change_s - self._env.now), partial(self._on_requests, state, serving))

    def _on_requests(self, state: JobState, serving: Serving) -> None:
        """A service's request rate changes, or its lifetime is over."""
        if serving.in_last_segment:
            self._finish(state)
            return
        self.world.change_requests(state, self._env.now)
        self._refresh()
        self._await_requests(state, serving)

    def _finish(self, state: JobState) -> None:
        now_s = self._env.now
        self.recorder.job_event(now_s, "finish" if ends_well(state) else "fail", state)
        nodes = state.nodes
        self.world.complete(state, now_s)
        self._refresh()
        self._watch_empty_nodes(nodes)
        if self._progress is not None:
            self._progress(self.world.ended / len(self.world.states))
        if self.world.ended == len(self.world.states):
            self._end()
        else:
            self._wake(Wake.FINISH)

    def _refresh(self) -> None:
        for state in self.world.refresh(self._env.now):
            self._schedule(state)
        self.recorder.state(self._env.now)

    # Faults -----------------------------------------------------------------------------------------------------

    def _start_faults(self) -> None:
        faults, cluster = self._settings.faults, self.world.cluster
        for level in Level:
            units = faults.units(level, cluster)
            power = level is not Level.GPU
            fail, repair = (partial(act, level, power) for act in (self._on_failure, self._on_repair))
            self._follow(f"faults_{level}", faults.law(level), units, fail, repair)
        gpus = faults.units(Level.GPU, cluster)
        slow, normal = (partial(self._on_speed, *to) for to in (("slow", faults.straggler_speed), ("normal", 1.0)))
        self._follow("stragglers", faults.straggler, gpus, lambda slowed, _: slow(slowed), normal)

    def _follow(self, stream: str, law: Renewal, units: Sequence[Gpus], begin: _Begin, end: _OnUnit) -> None:
        """Let each outage of the units begin and end at its time."""
        if not math.isfinite(law.mtbf_s):
            return

        def process() -> Generator[simpy.Event, Any, None]:
            for outage in outages(law, len(units), self._streams.generator(stream)):
                yield self._env.timeout(max(0.0, outage.start_s - self._env.now))
                begin(units[outage.unit], self._env.now + outage.length_s)
                self._after(outage.length_s, partial(end, units[outage.unit]))

        self._env.process(process())

    def _on_failure(self, level: Level, power: bool, gpus: Gpus, until_s: float) -> None:
        now_s, nodes = self._env.now, set[int]()
        self._stall.expect_repair(until_s)
        for state in sorted({s for gpu in gpus for s in self.world.book.residents[gpu]}, key=lambda s: s.number):
            nodes.update(state.nodes)
            self.recorder.job_event(now_s, "interrupt", state)
            self.world.interrupt(state, now_s)
        self.recorder.unit_event(now_s, f"{level}_down", gpus)
        self.world.fail(gpus, power, now_s)
        self._refresh()
        self._watch_empty_nodes(sorted(nodes))
        self._wake_if_active(Wake.FAILURE)

    def _on_repair(self, level: Level, power: bool, gpus: Gpus) -> None:
        self.recorder.unit_event(self._env.now, f"{level}_up", gpus)
        self.world.repair(gpus, power, self._env.now)
        self._refresh()
        self._wake_if_active(Wake.REPAIR)

    def _on_speed(self, event: str, factor: float, gpus: Gpus) -> None:
        self.recorder.unit_event(self._env.now, f"gpu_{event}", gpus)
        for gpu in gpus:
            self.world.set_speed(gpu, factor, self._env.now)
        self._refresh()

    def _wake_if_active(self, wake: Wake) -> None:
        if self.world.pending or self.world.running:
            self._wake(wake)

    # Power gating -----------------------------------------------------------------------------------------------

    def _watch_empty_nodes(self, nodes: Iterable[int]) -> None:
        for node in nodes:
            if self.world.book.node_jobs[node] == 0:
                self._watch_empty_node(node)

    def _watch_empty_node(self, node: int) -> None:
        idle_s = self._settings.gating.idle_s
        if math.isfinite(idle_s):
            self._after(idle_s, partial(self._gate, node, self.world.emptied_s[node]))

    def _gate(self, node: int, emptied_s: float) -> None:
        still_empty = self.world.book.node_jobs[node] == 0 and self.world.emptied_s[node] == emptied_s
        if still_empty and self.world.meter.on[node]:
            self.world.power_off(node, self._env.now)
            self.recorder.node_event(self._env.now, "node_off", node)
            self.recorder.state(self._env.now)

    # Decisions --------------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        now_s = self._env.now
        came, self._wakes = self._wakes, set()
        queue = (len(self.world.pending), len(self.world.running))
        moves = NO_MOVES
        if self._attention.wants(wakes := self._attention.wakes & came, queue[0] > 0):
            moves = self._ask(wakes, queue)
        elif Wake.ARRIVAL in came:  # else what came has put the state on record itself
            self.recorder.state(now_s)
        self._end_if_stalled(moves)
        self._tick_if_needed()

    def _ask(self, wakes: frozenset[Wake], queue: tuple[int, int]) -> Moves:
        now_s = self._env.now
        self._learn(now_s)
        began = time.perf_counter()
        decision = self._scheduler.decide(view_of(self.world, wakes, now_s))
        decide_s = time.perf_counter() - began
        moves = resolve(decision, self.world)
        self.recorder.decision(now_s, wakes, queue, moves, decision.solve, decide_s)
        if moves is NO_MOVES:
            self.recorder.state(now_s)
        else:
            self._apply(moves)
        return moves

    def _learn(self, now_s: float) -> None:
        if self._learner is not None and (observations := self._observer.collect(now_s)):
            self.recorder.predictions(now_s, self._learner.observe(observations))

    def _apply(self, moves: Moves) -> None:
        now_s = self._env.now
        emptied: set[int] = set()
        for state in moves.evict:
            emptied.update(state.nodes)
            self.recorder.job_event(now_s, "evict", state)
            state.preemptions += 1
            self.world.evict(state, now_s)
        for state, _ in moves.move:
            emptied.update(state.nodes)
            state.migrations += 1
            self.world.evict(state, now_s)
        for gpu, watts in moves.caps:
            self.world.set_cap(gpu, watts, now_s)
        for event, placements in (("move", moves.move), ("start", moves.start)):
            for state, gpus in placements:
                self._place(event, state, gpus)
        self._refresh()
        self._watch_empty_nodes(sorted(emptied))

    def _place(self, event: str, state: JobState, gpus: Gpus) -> None:
        now_s = self._env.now
        on, node_of = self.world.meter.on, self.world.book.node_of
        asleep = sorted({node_of[gpu] for gpu in gpus if not on[node_of[gpu]]})
        self.world.place(state, gpus, now_s)
        self.recorder.job_event(now_s, event, state)
        for node in asleep:
            self.recorder.node_event(now_s, "node_wake", node)
        if state.status is Status.PLACED:
            self._schedule(state)

    def _end_if_stalled(self, moves: Moves) -> None:
        if self.world.running or self._to_come or not moves.changes_nothing:
            self._stall.restart(self._env.now, running=bool(self.world.running))
        elif self._stall.has_run_out(self.world, self._env.now):
            self._end()


def simulate(
    cluster: Cluster,
    jobs: Sequence[Job],
    profile: Profile,
    scheduler: Scheduler,
    settings: EngineSettings,
    streams: Streams,
    progress: Callable[[float], None] | None = None,
    history: History | None = None,
) -> Records:
    """Run `scheduler` on `jobs` and `cluster`, with `profile` as the truth.

    Parameters
    ----------
    streams
        Random streams of the world; policies compared under one seed meet the same world.
    progress
        Called with the share of jobs that have ended.
    history
        Keeps the tables that grow with events; in memory if there is none.

    Raises
    ------
    InvalidDecisionError
        If the policy asks for something that cannot be.
    """
    with spare_what_stays() as these_stay:
        simulation = Simulation(cluster, jobs, profile, scheduler, settings, streams, progress, history)
        these_stay()
        return simulation.run()
