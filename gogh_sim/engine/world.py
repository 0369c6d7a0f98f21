"""The simulated world as a state machine: transitions in, rates and watts out; free of SimPy and of policies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gogh_sim.engine.jobs import JobState, Situation, Status
from gogh_sim.engine.occupancy import GpuBook
from gogh_sim.engine.outage import Outages
from gogh_sim.engine.physics import Physics
from gogh_sim.engine.power import PowerMeter
from gogh_sim.engine.queue import Queue
from gogh_sim.engine.settings import EngineSettings
from gogh_sim.policy import Shape
from gogh_sim.profiles import Member, Profile
from gogh_sim.types import Cluster, Job, JobId


def ends_well(state: JobState) -> bool:
    """Whether a job that ends now finishes: as its trace says, but a service that never ran has failed."""
    return state.job.source_status == "pass" and (state.serving is None or state.ran_before)


class World:
    """Jobs, GPUs, nodes and their rates at one moment; every transition is made at an explicit time.

    After transitions of one moment, `refresh` brings rates and watts up to date and names the jobs whose rate
    changed. Between two changes rates and watts are constant, so progress and energy are exact. `pending` are submitted
    jobs without GPUs, in order of submission; `running` those that hold some, in order of start.
    """

    def __init__(
        self,
        cluster: Cluster,
        jobs: Sequence[Job],
        profile: Profile,
        settings: EngineSettings,
        hidden: Mapping[JobId, float],
    ) -> None:
        self.cluster = cluster
        self.settings = settings
        self.physics = Physics(profile, cluster)
        self.meter = PowerMeter(cluster)
        self.memory_gib = [workload.memory_gib for workload in profile.workloads]
        self.book = GpuBook(cluster, self.memory_gib)
        self.occupancy = self.book.view()
        in_order = sorted(jobs, key=lambda job: (job.submit_s, job.job_id))
        self.states = {job.job_id: self._new(job, i, profile, hidden) for i, job in enumerate(in_order)}
        self.running: dict[JobId, JobState] = {}
        self.queue = Queue()
        self.pending: Mapping[JobId, JobState] = self.queue.line
        self.ended = 0
        self.caps: dict[int, float] = {}
        self.awake_s = [-math.inf] * len(cluster.nodes)
        self.emptied_s = [0.0] * len(cluster.nodes)
        self.busy_s = [0.0] * cluster.num_gpus
        self._busy_since_s = [0.0] * cluster.num_gpus
        self.source_gpu_s: dict[str, float] = {}
        self.outage = Outages(cluster.num_gpus)
        self._dark = [0] * len(cluster.nodes)
        self._slow: dict[int, float] = {}
        self.observed = True
        self.left_unmeasured: list[tuple[Job, Situation]] = []
        self._speeds: list[dict[int, float]] = [{} for _ in range(cluster.num_gpus)]
        self._dirty: set[int] = set()
        self._saves = math.isfinite(settings.faults.checkpoint_every_s)

    def _new(self, job: Job, number: int, profile: Profile, hidden: Mapping[JobId, float]) -> JobState:
        workload = profile.workload_index[job.workload]
        shape = Shape.of(job, self.memory_gib[workload], self.cluster)
        return JobState(job, number, workload, hidden[job.job_id], shape)

    # Transitions ------------------------------------------------------------------------------------------------

    def submit(self, state: JobState, now_s: float) -> None:
        """A job arrives and waits."""
        state.settled_s = now_s
        self.queue.add(state)

    def place(self, state: JobState, gpus: tuple[int, ...], now_s: float) -> None:
        """Give a waiting job its GPUs; it makes progress from `ready_s`, once nodes are awake and it is restored."""
        self.queue.remove(state)
        self.running[state.job.job_id] = state
        book = self.book
        nodes = tuple(sorted({book.node_of[gpu] for gpu in gpus}))
        for node in nodes:
            self._wake(node, now_s)
        for gpu in gpus:
            self._account(gpu, now_s)
            book.add(state, gpu)
            if len(book.residents[gpu]) == 1:
                self._busy_since_s[gpu] = now_s
        state.gpus, state.nodes = gpus, nodes
        state.gpu_ids = tuple([self.cluster.gpu_ids[gpu] for gpu in gpus])
        state.placed_s = state.settled_s = now_s
        awake_s = max([self.awake_s[node] for node in nodes])
        state.ready_s = max(now_s, awake_s) + self._restart_s(state)
        state.status = Status.PLACED
        self._offer_load(state)
        self._dirty.update(gpus)
        if state.ready_s <= now_s:
            self.make_ready(state, now_s)

    def make_ready(self, state: JobState, now_s: float) -> None:
        """Restoring is over: the job makes progress."""
        self._settle(state, now_s)
        state.status = Status.RUNNING
        state.saved, state.saved_s, state.running_since_s = state.remaining, now_s, now_s
        state.interrupted = False
        if not state.ran_before:
            state.first_start_s = now_s
        self._dirty.update(state.gpus)

    def evict(self, state: JobState, now_s: float) -> None:
        """Take a job off its GPUs, with its work so far, back into the queue."""
        self._release(state, now_s)
        state.status = Status.PENDING
        self.queue.add(state)

    def interrupt(self, state: JobState, now_s: float) -> None:
        """A GPU of the job breaks down: it goes back into the queue, with its work up to the last checkpoint."""
        made_progress, gang = state.status is Status.RUNNING and state.serving is None, len(state.gpus)
        self.evict(state, now_s)
        state.interrupted = True
        state.interruptions += 1
        if made_progress:
            state.remaining = state.saved
            state.lost_gpu_s += gang * (now_s - state.saved_s)

    def fail(self, gpus: Sequence[int], power: bool, now_s: float) -> None:
        """GPUs without residents break down and draw nothing; with `power` their nodes go off as well."""
        for gpu in gpus:
            if self.outage.begin(gpu, now_s):
                self.book.up[gpu], self.meter.dead[gpu] = False, True
                self._dirty.add(gpu)
        if power:
            for node in sorted({self.book.node_of[gpu] for gpu in gpus}):
                self._dark[node] += 1
                self.power_off(node, now_s)

    def repair(self, gpus: Sequence[int], power: bool, now_s: float) -> None:
        """An outage of these GPUs ends; nodes that had lost power stay off until they are needed, if nodes ever do."""
        for gpu in gpus:
            if self.outage.end(gpu, now_s):
                self.book.up[gpu], self.meter.dead[gpu] = True, False
                self._dirty.add(gpu)
        if power:
            for node in sorted({self.book.node_of[gpu] for gpu in gpus}):
                self._dark[node] -= 1
                if not self._dark[node] and math.isinf(self.settings.gating.idle_s):
                    self._wake(node, now_s)

    def set_speed(self, gpu: int, factor: float, now_s: float) -> None:
        """From now on all jobs on the GPU run at this factor of their speed."""
        self._account(gpu, now_s)
        self._slow[gpu] = factor
        self._dirty.add(gpu)

    def complete(self, state: JobState, now_s: float) -> None:
        """The job's work is done, or its lifetime over; it ends the way the trace says, or failed if it never ran."""
        if state.gpus:
            self._release(state, now_s)
        else:
            self.queue.remove(state)
            if state.serving is not None:
                state.serving.stop(now_s)
        state.remaining = 0.0
        state.end_s = now_s
        state.status = Status.FINISHED if ends_well(state) else Status.FAILED
        self.ended += 1

    def change_requests(self, state: JobState, now_s: float) -> None:
        """The next request rate of a service begins."""
        if state.serving is not None:
            state.serving.next_rate(now_s)
            if state.gpus:
                self._offer_load(state)
                self._dirty.update(state.gpus)

    def set_cap(self, gpu: int, watts: float, now_s: float) -> None:
        """Cap a GPU's draw."""
        self._account(gpu, now_s)
        self.caps[gpu] = watts
        self._dirty.add(gpu)

    def power_off(self, node: int, now_s: float) -> None:
        """Gate an empty node."""
        self.meter.switch(node, False, now_s)
        self.book.node_on[node] = False

    def _restart_s(self, state: JobState) -> float:
        """What it costs to go on: a job thrown out by a failure wrote no checkpoint on its way out."""
        if not state.ran_before:
            return 0.0
        return self.settings.restore_s if state.interrupted else self.settings.restart_s

    def _wake(self, node: int, now_s: float) -> None:
        if not self.meter.on[node]:
            self.meter.switch(node, True, now_s)
            self.book.node_on[node] = True
            self.awake_s[node] = now_s + self.settings.gating.wake_s

    def _offer_load(self, state: JobState) -> None:
        """A service offers its partners the load that its requests make, on the slowest type that its gang is on."""
        if state.serving is not None:
            alone = min(self.physics.solo_rate(state.workload, gpu) for gpu in state.gpus)
            load = state.serving.load(self.physics.gang_rate(state, alone))
            state.member = Member(state.workload, state.job.gpu_fraction * load)

    def _release(self, state: JobState, now_s: float) -> None:
        if state.serving is not None:
            state.serving.stop(now_s)
        self._settle(state, now_s)
        self._leave_situation(state, now_s)
        for gpu in state.gpus:
            self._account(gpu, now_s)
            self.book.remove(state, gpu)
            if not self.book.residents[gpu]:
                self.busy_s[gpu] += now_s - self._busy_since_s[gpu]
            node = self.book.node_of[gpu]
            if self.book.node_jobs[node] == 0:
                self.emptied_s[node] = now_s
        self._dirty.update(state.gpus)
        del self.running[state.job.job_id]
        state.gpus, state.gpu_ids, state.nodes = (), (), ()
        state.rate = 0.0
        state.scheduled += 1

    # Rates, watts, integrals ------------------------------------------------------------------------------------

    def refresh(self, now_s: float) -> list[JobState]:
        """Bring rates and watts of everything touched up to date; return the jobs whose rate changed, in order."""
        if not self._dirty:
            return []
        touched: dict[int, JobState] = {}
        watts = []
        for gpu in sorted(self._dirty):
            self._account(gpu, now_s)
            residents = self.book.residents[gpu]
            if residents:
                running = [state for state in residents if state.status is Status.RUNNING]
                gpu_state = self.physics.gpu_state(gpu, running, self.caps.get(gpu))
                watts.append((gpu, gpu_state.watts))
                self._speeds[gpu] = dict(zip([state.number for state in running], gpu_state.speeds, strict=True))
                for state in running:
                    touched[state.number] = state
            else:
                watts.append((gpu, self.meter.empty_w(gpu)))
                self._speeds[gpu] = {}
        self._dirty.clear()
        self.meter.set_gpus(watts, now_s)
        in_order = [touched[number] for number in sorted(touched)]
        for state in in_order:
            self._settle(state, now_s)
        return [state for state in in_order if self._set_rate(state, now_s)]

    def _set_rate(self, state: JobState, now_s: float) -> bool:
        slowest, rate = state.gpus[0], math.inf
        for gpu in state.gpus:
            here = self.physics.solo_rate(state.workload, gpu) * self._speeds[gpu][state.number]
            if gpu in self._slow:
                here *= self._slow[gpu]
            if here < rate:
                slowest, rate = gpu, here
        residents = self.book.residents[slowest]
        partners = (
            tuple([other.job for other in residents if other.status is Status.RUNNING and other is not state])
            if len(residents) > 1
            else ()
        )
        before, state.rate = state.rate, self.physics.gang_rate(state, rate)
        watts = self.meter.gpu_w[slowest]
        capped = watts >= self.caps.get(slowest, math.inf)
        situation = Situation(slowest, partners, len(state.nodes), state.rate, watts, capped)
        if situation != state.situation:
            self._leave_situation(state, now_s)
            state.situation, state.situation_since_s, state.measured = situation, now_s, False
        if state.serving is not None:
            state.serving.serve(state.rate, len(state.gpus), now_s)
        return state.rate != before

    def _leave_situation(self, state: JobState, now_s: float) -> None:
        left = state.situation
        lasted_s = now_s - state.situation_since_s
        if self.observed and left and not state.measured and lasted_s >= self.settings.measure_s:
            self.left_unmeasured.append((state.job, left))
        state.situation = None

    def _settle(self, state: JobState, now_s: float) -> None:
        elapsed = now_s - state.settled_s
        state.settled_s = now_s
        if elapsed <= 0 or not state.gpus:
            return
        if self._saves and state.status is Status.RUNNING:
            self._save(state, now_s - elapsed, now_s)
        state.remaining = max(0.0, state.remaining - state.rate * elapsed)
        gpu_s = len(state.gpus) * elapsed
        state.allocated_gpu_s += gpu_s
        situation = state.situation
        gpu = state.gpus[0] if situation is None else situation.gpu
        tag = self.physics.source_tag(state.workload, gpu, bool(situation and situation.partners))
        self.source_gpu_s[tag] = self.source_gpu_s.get(tag, 0.0) + gpu_s

    def _save(self, state: JobState, since_s: float, now_s: float) -> None:
        """Note the last checkpoint within a stretch of constant rate, before its work is counted."""
        every_s = self.settings.faults.checkpoint_every_s
        last_s = state.running_since_s + math.floor((now_s - state.running_since_s) / every_s) * every_s
        if since_s < last_s <= now_s:
            state.saved = max(0.0, state.remaining - state.rate * (last_s - since_s))
            state.saved_s = last_s

    def _account(self, gpu: int, now_s: float) -> None:
        """Integrate a GPU's energy and share it equally among its residents; before the residents change."""
        joules = self.meter.settle_gpu(gpu, now_s)
        if joules and (residents := self.book.residents[gpu]):
            share = joules / len(residents)
            for state in residents:
                state.energy_j += share

    def close(self, now_s: float) -> None:
        """Integrate everything up to the end of the run."""
        for state in self.running.values():
            self._settle(state, now_s)
        for state in (*self.running.values(), *self.pending.values()):
            if state.serving is not None:
                state.serving.settle(now_s)
        for gpu, residents in enumerate(self.book.residents):
            self._account(gpu, now_s)
            if residents:
                self.busy_s[gpu] += now_s - self._busy_since_s[gpu]
                self._busy_since_s[gpu] = now_s
        self.meter.close(now_s)
        self.outage.close(now_s)
