"""How fast jobs run and what GPUs draw: the profile, asked for concrete jobs on concrete GPUs, with a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gogh_sim.engine.jobs import JobState
from gogh_sim.profiles import Combination, Member, Profile
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
        self._combinations: dict[tuple[int, tuple[Member, ...]], Combination] = {}
        self._gang_factors: dict[tuple[int, int, int], float] = {}

    def combination(self, gpu_type: int, members: tuple[Member, ...]) -> Combination:
        """Cached `Profile.combine`."""
        key = (gpu_type, members)
        found = self._combinations.get(key)
        if found is None:
            found = self._combinations[key] = self._profile.combine(gpu_type, members)
        return found

    def gpu_state(self, gpu: int, running: Sequence[JobState], cap_w: float | None) -> GpuState:
        """State of a GPU whose residents `running` all make progress; some may also be restoring, which only idles."""
        gpu_type = self.type_of[gpu]
        members = tuple(Member(job.workload, job.job.gpu_fraction) for job in running)
        norms, watts = self.combination(gpu_type, members)
        if cap_w is None or watts <= cap_w:
            return GpuState(norms, watts)
        factor = self._profile.cap_speed(gpu_type, watts, cap_w)
        return GpuState(tuple(norm * factor for norm in norms), cap_w)

    def solo_rate(self, workload: int, gpu: int) -> float:
        """Iterations/s of the workload alone on this one GPU; nan where it cannot run."""
        return self._solo[workload][self.type_of[gpu]]

    def gang_rate(self, job: JobState, slowest_rate: float) -> float:
        """Iterations/s of the whole gang when its slowest GPU alone would do `slowest_rate`."""
        key = (job.workload, job.job.num_gpus, job.num_nodes)
        factor = self._gang_factors.get(key)
        if factor is None:
            factor = self._gang_factors[key] = self._profile.gang_factor(*key)
        return job.hidden * slowest_rate * job.job.gpu_fraction * job.job.num_gpus * factor

    def source_tag(self, workload: int, gpu: int, shared: bool) -> str:
        """Tag of the numbers that a job's rate on this GPU rests on."""
        return self._profile.source_tag(workload, self.type_of[gpu], shared)
