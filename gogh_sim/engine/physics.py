"""How fast jobs run and what GPUs draw: the profile, asked for concrete jobs on concrete GPUs, with a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gogh_sim.engine.jobs import JobState
from gogh_sim.profiles import Member, Profile
from gogh_sim.types import Cluster


@dataclass(frozen=True, slots=True)
class GpuState:
    """What a GPU gives each running resident (normalised throughput x power-cap factor), and its watts."""

    speeds: tuple[float, ...]
    watts: float


class Physics:
    """Rates and watts of the simulated world; the only reader of the true profile inside the engine."""

    def __init__(self, profile: Profile, cluster: Cluster) -> None:
        self._profile = profile
        self._profile_type = [profile.type_index[name] for name in cluster.type_names]
        self.type_of: list[int] = [self._profile_type[t] for t in cluster.type_of]
        self._solo: list[list[float]] = profile.solo_rate.tolist()
        self._states: dict[tuple[int, tuple[Member, ...]], GpuState] = {}
        self._gang_factors: dict[tuple[int, int, int], float] = {}
        self._tags: dict[tuple[int, int, bool], str] = {}

    def gpu_state(self, gpu: int, running: Sequence[JobState], cap_w: float | None) -> GpuState:
        """State of a GPU whose residents `running` all make progress; some may also be restoring, which only idles."""
        gpu_type = self.type_of[gpu]
        members = tuple([state.member for state in running])
        free = self._states.get((gpu_type, members))
        if free is None:
            free = self._states[gpu_type, members] = GpuState(*self._profile.combine(gpu_type, members))
        if cap_w is None or free.watts <= cap_w:
            return free
        factor = self._profile.cap_speed(gpu_type, free.watts, cap_w)
        return GpuState(tuple(norm * factor for norm in free.speeds), cap_w)

    def solo_rate(self, workload: int, gpu: int) -> float:
        """Iterations/s of the workload alone on this one GPU; nan where it cannot run."""
        return self._solo[workload][self.type_of[gpu]]

    def gang_rate(self, job: JobState, slowest_rate: float) -> float:
        """Iterations/s of the whole gang when its slowest GPU alone would do `slowest_rate`."""
        key = (job.workload, job.job.num_gpus, len(job.nodes))
        factor = self._gang_factors.get(key)
        if factor is None:
            factor = self._gang_factors[key] = self._profile.gang_factor(*key)
        return job.hidden * slowest_rate * job.job.gpu_fraction * job.job.num_gpus * factor

    def source_tag(self, workload: int, gpu: int, shared: bool) -> str:
        """Tag of the numbers that a job's rate on this GPU rests on."""
        key = (workload, self.type_of[gpu], shared)
        tag = self._tags.get(key)
        if tag is None:
            tag = self._tags[key] = self._profile.source_tag(*key)
        return tag
