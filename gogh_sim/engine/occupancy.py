"""Who holds which GPU: residents and the arrays policies read, kept in step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

from gogh_sim.engine.jobs import JobState
from gogh_sim.policy import Occupancy
from gogh_sim.types import Cluster, JobId

_Scalar = TypeVar("_Scalar", bound=np.generic)


class _Residents(Sequence[Sequence[JobId]]):
    """Residents by job id, without copying them."""

    def __init__(self, residents: list[list[JobState]]) -> None:
        self._residents = residents

    def __len__(self) -> int:
        return len(self._residents)

    @overload
    def __getitem__(self, gpu: int) -> Sequence[JobId]: ...
    @overload
    def __getitem__(self, gpu: slice) -> Sequence[Sequence[JobId]]: ...
    def __getitem__(self, gpu: int | slice) -> Sequence[JobId] | Sequence[Sequence[JobId]]:
        if isinstance(gpu, slice):
            return [self[i] for i in range(*gpu.indices(len(self)))]
        return tuple(state.job.job_id for state in self._residents[gpu])


class GpuBook:
    """Residents of every GPU, in order of submission, with counts per type and per node."""

    def __init__(self, cluster: Cluster, memory_gib: Sequence[float]) -> None:
        self.cluster = cluster
        self.residents: list[list[JobState]] = [[] for _ in range(cluster.num_gpus)]
        self._memory_gib = memory_gib
        self.type_of: list[int] = cluster.type_of.tolist()
        self.node_of: list[int] = cluster.node_of.tolist()
        self._jobs = np.zeros(cluster.num_gpus, dtype=np.int64)
        self._fraction = np.zeros(cluster.num_gpus)
        self._memory = np.zeros(cluster.num_gpus)
        self.node_on = np.ones(len(cluster.nodes), dtype=np.bool_)
        self.up = np.ones(cluster.num_gpus, dtype=np.bool_)
        self.busy_gpus = [0] * len(cluster.gpu_types)
        self.jobs_on = [0] * len(cluster.gpu_types)
        self.node_jobs = [0] * len(cluster.nodes)

    def view(self) -> Occupancy:
        """Read-only window on the arrays; it follows every later change."""
        return Occupancy(
            jobs=_read_only(self._jobs),
            fraction=_read_only(self._fraction),
            memory_gib=_read_only(self._memory),
            residents=_Residents(self.residents),
            node_on=_read_only(self.node_on),
            up=_read_only(self.up),
        )

    def memory_of(self, gpu: int) -> float:
        """GiB that its residents hold."""
        return sum([self._memory_gib[state.workload] for state in self.residents[gpu]])

    def add(self, state: JobState, gpu: int) -> None:
        """Put a job on a GPU."""
        here = self.residents[gpu]
        here.append(state)
        gpu_type = self.type_of[gpu]
        if len(here) == 1:
            self.busy_gpus[gpu_type] += 1
        else:
            here.sort(key=_number)
        self.jobs_on[gpu_type] += 1
        self.node_jobs[self.node_of[gpu]] += 1
        self._count(gpu)

    def remove(self, state: JobState, gpu: int) -> None:
        """Take a job off a GPU."""
        here = self.residents[gpu]
        here.remove(state)
        gpu_type = self.type_of[gpu]
        self.jobs_on[gpu_type] -= 1
        self.busy_gpus[gpu_type] -= not here
        self.node_jobs[self.node_of[gpu]] -= 1
        self._count(gpu)

    def _count(self, gpu: int) -> None:
        here = self.residents[gpu]
        self._jobs[gpu] = len(here)
        # Summed anew, so that what leaves takes its rounding error along.
        self._fraction[gpu] = sum([state.job.gpu_fraction for state in here]) if here else 0.0
        self._memory[gpu] = self.memory_of(gpu) if here else 0.0


def _number(state: JobState) -> int:
    return state.number


def _read_only(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    window = array.view()
    window.flags.writeable = False
    return window
