"""Small random worlds: a cluster of two GPU types, a few jobs, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.engine import EngineSettings, Gating, Records, Truth, simulate
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource
from gogh_sim.profiles import Profile
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, GpuType, HostPower, Job, JobKind, Node, Workload

# Made up, in the range of the real ones: no result rests on them.
_BIG = GpuType("A100", "made up", 40.0, 400.0, 50.0, 60.0, 19.5, 312.0, 1555.0, HostPower(300.0, 1.2, 10.0))
_SMALL = GpuType("V100", "made up", 16.0, 300.0, 40.0, 50.0, 15.0, 125.0, 900.0, HostPower(300.0, 1.2, 10.0))
_TYPES = (_SMALL, _BIG)


@dataclass(frozen=True)
class World:
    """All that a simulation needs but the policy."""

    cluster: Cluster
    jobs: tuple[Job, ...]
    profile: Profile
    settings: EngineSettings
    seed: int

    def context(self) -> PolicyContext:
        """What a policy is built with, fresh."""
        workloads = {workload.name: workload for workload in self.profile.workloads}
        return PolicyContext(self.cluster, workloads, Streams(self.seed).generator("policy"))

    def truth(self) -> ThroughputSource:
        """What a policy is handed that knows the profile."""
        factors = hidden_factors(self.jobs, self.settings, Streams(self.seed))
        return Truth(self.profile, self.cluster, factors)

    def run(self, scheduler: Scheduler) -> Records:
        """Simulate to the end."""
        return simulate(self.cluster, self.jobs, self.profile, scheduler, self.settings, Streams(self.seed))


def random_world(seed: int, memory_gib: float = 4.0, num_jobs: int = 20) -> World:
    """A world of 12 GPUs on four nodes, busy enough that jobs have to wait.

    Parameters
    ----------
    memory_gib
        Footprint of each of its workloads on a GPU, at most 16; above 8 two do not fit the smaller type together.
    """
    rng = np.random.default_rng(seed)
    names = ("w0", "w1", "w2")
    workloads = tuple(
        Workload(name, name, name, "vision", JobKind.TRAINING, 32, 25.0, 12.0, memory_gib) for name in names
    )
    nodes = (Node("n0", "V100", 4), Node("n1", "V100", 2), Node("n2", "A100", 4), Node("n3", "A100", 2))
    submit_s = np.sort(rng.uniform(0, 3000, num_jobs)).round(3)
    submit_s[: num_jobs // 5] = 0.0
    return World(
        cluster=Cluster("conformance", _TYPES, nodes, theta=2),
        jobs=tuple(random_job(f"j{number:03d}", at, rng) for number, at in enumerate(submit_s.tolist())),
        profile=random_profile(workloads, rng),
        settings=EngineSettings(gating=Gating(600.0, 60.0)),
        seed=seed,
    )


def random_job(job_id: str, submit_s: float, rng: np.random.Generator) -> Job:
    """A job of one of the three workloads, on up to four GPUs or a fraction of one."""
    num_gpus = int(rng.choice([1, 1, 1, 2, 4]))
    reference_s = float(rng.uniform(60, 3000))
    slack = float(rng.choice([1.5, 3.0, np.inf]))
    return Job(
        job_id=job_id,
        submit_s=submit_s,
        workload=f"w{int(rng.integers(3))}",
        kind=JobKind.TRAINING,
        work=10.0 * reference_s * num_gpus,
        reference_s=reference_s,
        num_gpus=num_gpus,
        gpu_fraction=float(rng.choice([1.0, 0.5])) if num_gpus == 1 else 1.0,
        deadline_s=submit_s + slack * reference_s,
        floor=1 / slack,
    )


def random_profile(workloads: tuple[Workload, ...], rng: np.random.Generator) -> Profile:
    """Truth about workloads: 10 iterations per second on the smaller type, and on the larger what is drawn."""
    rates = 10.0 * np.column_stack([np.ones(len(workloads)), rng.uniform(0.5, 4.0, len(workloads))])
    return Profile.from_rates("conformance", _TYPES, workloads, rates, sensitivity=0.7, intensity=0.7)
