"""Packing by trial: put two jobs on one GPU, measure, undo what does not pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gogh_sim.policy import ActiveJob, ClusterView, Decision, Observation, Placement, PolicyContext, Prediction, Wake
from gogh_sim.schedulers.capacity import Capacity
from gogh_sim.types import Job, JobId


class _Pair(NamedTuple):
    """A newcomer, its host and where they share."""

    newcomer: str
    host: str
    gpu_type: str


class Gandiva:
    """Whoever fits starts alone; at rounds, who still waits tries to share the GPUs of a running job.

    A trial is kept if both together make more progress than the host alone did, each job's rate counted in its own rate
    alone on that type; else the newcomer goes back to the queue and the two workloads are not tried again on the type.
    The packing of Xiao et al., "Gandiva: introspective cluster scheduling for deep learning" (OSDI 2018); it knows
    nothing but what it measured, so a workload never seen alone on a type is first let run alone there. Its time
    slicing and its migrations are not part of this policy.
    """

    def __init__(self, context: PolicyContext) -> None:
        self._context = context
        self._memory = {name: workload.memory_gib for name, workload in context.workloads.items()}
        self._alone: dict[tuple[str, int, str], float] = {}
        self._shared: dict[_Pair, dict[str, float]] = {}
        self._bad: set[_Pair] = set()
        self._trials: dict[JobId, JobId] = {}

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Remember rates alone; of two that share, remember what each has left of its rate alone."""
        for seen in observations:
            key = (seen.job.workload, seen.job.num_gpus, seen.gpu_type)
            if not seen.partners:
                self._alone[key] = seen.rate
            elif len(seen.partners) == 1 and key in self._alone:
                partner = seen.partners[0]
                share = {seen.job.workload: seen.rate / self._alone[key]}
                for pair in self._pairs(seen.job, partner, seen.gpu_type):
                    self._shared.setdefault(pair, {}).update(share)
        return ()

    def decide(self, view: ClusterView) -> Decision:
        """Undo failed trials, start who fits alone, and at rounds begin trials."""
        capacity = Capacity(self._context, view)
        evict = frozenset(self._failed(view))
        place: dict[JobId, Placement] = {}
        waiting = []
        for active in view.pending.values():
            gpus = capacity.fit(active)
            if gpus is None:
                waiting.append(active)
                continue
            capacity.take(active.job, gpus)
            place[active.job.job_id] = gpus
        if Wake.ROUND in view.wakes:
            place.update(self._try(view, waiting))
        return Decision(place=place, evict=evict)

    def _failed(self, view: ClusterView) -> Iterator[JobId]:
        """Newcomers whose trial did not pay, or whose host is gone in the meantime (they run alone then: kept)."""
        for newcomer, host in list(self._trials.items()):
            if newcomer not in view.running or host not in view.running:
                del self._trials[newcomer]
                continue
            jobs = view.running[newcomer].job, view.running[host].job
            pair = self._pair(*jobs, self._type(view.running[host]))
            parts = self._shared.get(pair, {})
            if len(parts) == len({job.workload for job in jobs}):
                del self._trials[newcomer]
                if sum(parts[job.workload] for job in jobs) <= 1:
                    self._bad.update(self._pairs(*jobs, pair.gpu_type))
                    yield newcomer

    def _try(self, view: ClusterView, waiting: Sequence[ActiveJob]) -> Iterator[tuple[JobId, Placement]]:
        """Give each waiting job the first host that runs alone, was measured alone, and leaves it the memory."""
        hosts = [active for active in view.running.values() if self._alone_on(view, active)]
        for active in waiting:
            for host in hosts:
                if self._may_share(view, active.job, host):
                    hosts.remove(host)
                    self._trials[active.job.job_id] = host.job.job_id
                    yield active.job.job_id, host.gpus
                    break

    def _may_share(self, view: ClusterView, job: Job, host: ActiveJob) -> bool:
        gpu_type = self._type(host)
        limit = next(t.memory_gib for t in view.cluster.gpu_types if t.name == gpu_type)
        measured = all((one.workload, one.num_gpus, gpu_type) in self._alone for one in (job, host.job))
        fits = self._memory[job.workload] + self._memory[host.job.workload] <= limit
        same = job.num_gpus == host.job.num_gpus and job.allows(gpu_type) and view.cluster.theta > 1
        return same and fits and measured and self._pair(job, host.job, gpu_type) not in self._bad

    def _alone_on(self, view: ClusterView, active: ActiveJob) -> bool:
        return all(view.occupancy.jobs[view.cluster.index_of[gpu]] == 1 for gpu in active.gpus)

    def _type(self, active: ActiveJob) -> str:
        cluster = self._context.cluster
        return cluster.nodes[int(cluster.node_of[cluster.index_of[active.gpus[0]]])].gpu_type

    def _pair(self, newcomer: Job, host: Job, gpu_type: str) -> _Pair:
        return _Pair(f"{newcomer.workload} x{newcomer.num_gpus}", f"{host.workload} x{host.num_gpus}", gpu_type)

    def _pairs(self, one: Job, other: Job, gpu_type: str) -> tuple[_Pair, _Pair]:
        """The two either way round."""
        return self._pair(one, other, gpu_type), self._pair(other, one, gpu_type)
