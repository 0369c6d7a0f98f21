"""How much more of the free capacity each choice of GPU would leave useless to the jobs that usually come."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gogh_sim.placement.fragmentation import TaskMix, fragmentation
from gogh_sim.policy import ClusterView
from gogh_sim.schedulers.capacity import Capacity
from gogh_sim.types import BoolArray, FloatArray, Job


class UsualJobs:
    """The mix of jobs submitted so far: GPUs, GPU fraction and acceptable types."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._count: Counter[tuple[int, float, tuple[str, ...]]] = Counter()

    def learn(self, view: ClusterView) -> None:
        """Count jobs not seen before."""
        for job_id in view.pending:
            if job_id not in self._seen:
                job = view.pending[job_id].job
                self._seen.add(job_id)
                self._count[job.num_gpus, job.gpu_fraction, tuple(sorted(job.allowed_gpu_types))] += 1

    def mix(self, type_names: tuple[str, ...]) -> tuple[TaskMix, BoolArray]:
        """The mix, and (types, kinds) who may use which type."""
        kinds = sorted(self._count)
        counts = np.array([self._count[kind] for kind in kinds], dtype=np.float64)
        gpus, part = (np.array([kind[place] for kind in kinds], dtype=np.float64) for place in (0, 1))
        mix = TaskMix(gpus.astype(np.int64), part, np.zeros(len(kinds)), counts / counts.sum())
        return mix, np.array([[not names or name in names for *_, names in kinds] for name in type_names])


def growth(capacity: Capacity, job: Job, usual: UsualJobs) -> FloatArray:
    """(GPUs,) growth of expected fragmentation, in GPUs, if the job is put there; infinite where it cannot go.

    For a job on several GPUs, the node's first free ones stand for all.
    """
    cluster = capacity.cluster
    mix, allowed = usual.mix(cluster.type_names)
    eligible = capacity.eligible(job)
    width = int(np.diff(cluster.node_start).max())
    free = np.zeros((len(cluster.nodes), width))
    slot = np.arange(cluster.num_gpus) - cluster.node_start[cluster.node_of]
    free[cluster.node_of, slot] = capacity.unused
    chosen = np.flatnonzero(eligible)
    after = free[cluster.node_of[chosen]]
    if job.num_gpus == 1:
        after[np.arange(len(chosen)), slot[chosen]] -= job.gpu_fraction
    else:
        can_take = np.zeros(free.shape, dtype=np.bool_)
        can_take[cluster.node_of[chosen], slot[chosen]] = True
        first = can_take & (np.cumsum(can_take, axis=1) <= job.num_gpus)
        after[first[cluster.node_of[chosen]]] = 0.0
    nothing, may = np.zeros(len(chosen)), allowed[cluster.type_of[chosen]]
    before = free[cluster.node_of[chosen]]
    result = np.full(cluster.num_gpus, np.inf)
    result[chosen] = fragmentation(after, nothing, mix, may) - fragmentation(before, nothing, mix, may)
    return result
