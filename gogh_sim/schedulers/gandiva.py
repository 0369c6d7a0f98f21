"""Packing by trial: put two jobs on one GPU, measure, undo what does not pay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gogh_sim.policy import ActiveJob, ClusterView, Decision, Observation, Placement, PolicyContext, Prediction, Wake
from gogh_sim.schedulers.capacity import Capacity, start_who_fits
from gogh_sim.types import GpuType, Job, JobId


class _Pair(NamedTuple):
    """The workloads of two equally wide jobs, the GPUs of each, and the type on which they share."""

    workloads: frozenset[str]
    num_gpus: int
    gpu_type: str

    @classmethod
    def of(cls, one: Job, other: Job, gpu_type: str) -> _Pair:
        return cls(frozenset((one.workload, other.workload)), one.num_gpus, gpu_type)


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
        self._shared: defaultdict[_Pair, dict[str, float]] = defaultdict(dict)
        self._bad: set[_Pair] = set()
        self._trials: dict[JobId, JobId] = {}

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Remember rates alone; of two that share, remember what each has left of its rate alone."""
        for seen in observations:
            key = (seen.job.workload, seen.job.num_gpus, seen.gpu_type)
            if not seen.partners:
                self._alone[key] = seen.rate
            elif len(seen.partners) == 1 and key in self._alone:
                pair = _Pair.of(seen.job, seen.partners[0], seen.gpu_type)
                self._shared[pair][seen.job.workload] = seen.rate / self._alone[key]
        return ()

    def decide(self, view: ClusterView) -> Decision:
        """Undo failed trials, start who fits alone, and at rounds begin trials."""
        capacity = Capacity(self._context, view)
        evict = frozenset(self._failed(view))
        place = dict(start_who_fits(capacity, capacity.queue()).place)
        if Wake.ROUND in view.wakes:
            waiting = [active for job_id, active in view.pending.items() if job_id not in place]
            place.update(self._try(view, waiting))
        return Decision(place=place, evict=evict)

    def _failed(self, view: ClusterView) -> Iterator[JobId]:
        """Newcomers whose trial did not pay, or whose host is gone in the meantime (they run alone then: kept)."""
        for newcomer, host in list(self._trials.items()):
            if newcomer not in view.running or host not in view.running:
                del self._trials[newcomer]
                continue
            jobs = view.running[newcomer].job, view.running[host].job
            pair = _Pair.of(*jobs, self._type(view.running[host]).name)
            left = self._shared[pair]
            if len(left) == len(pair.workloads):
                del self._trials[newcomer]
                if sum(left[job.workload] for job in jobs) <= 1:
                    self._bad.add(pair)
                    yield newcomer

    def _try(self, view: ClusterView, waiting: Sequence[ActiveJob]) -> Iterator[tuple[JobId, Placement]]:
        """Give each waiting job the first host that runs alone, was measured alone, and leaves it the memory."""
        jobs, index_of = view.occupancy.jobs, view.cluster.index_of
        hosts = [host for host in view.running.values() if all(jobs[index_of[gpu]] == 1 for gpu in host.gpus)]
        for active in waiting:
            host = next((host for host in hosts if self._may_share(view, active.job, host)), None)
            if host is not None:
                hosts.remove(host)
                self._trials[active.job.job_id] = host.job.job_id
                yield active.job.job_id, host.gpus

    def _may_share(self, view: ClusterView, job: Job, host: ActiveJob) -> bool:
        kind, pair = self._type(host), (job, host.job)
        measured = all((one.workload, one.num_gpus, kind.name) in self._alone for one in pair)
        fits = sum(self._memory[one.workload] for one in pair) <= kind.memory_gib
        same = job.num_gpus == host.job.num_gpus and job.allows(kind.name) and view.cluster.theta > 1
        return same and fits and measured and _Pair.of(*pair, kind.name) not in self._bad

    def _type(self, active: ActiveJob) -> GpuType:
        cluster = self._context.cluster
        return cluster.gpu_types[int(cluster.type_of[cluster.index_of[active.gpus[0]]])]
