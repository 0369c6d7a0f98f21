"""Instances that the placement benchmark solves: waiting jobs of the profile's workloads on a cluster that is full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.engine import Truth
from gogh_sim.errors import InputError
from gogh_sim.placement import PENDING, Fleet, Groups, Knowledge, Problem, Supply
from gogh_sim.profiles import Profile
from gogh_sim.types import Cluster, FloatArray, Job, JobKind, Node, Workload

_JOBS_PER_GPU = 1.6
_NODE_GPUS = 8
_TIERS = (0.0, 0.3, 0.6)
"""Floors of the SLA tiers, as shares of the best speed that the workload has on any type. Assumed."""
_QUEUE_COST_W = (300.0, 1200.0)
"""Cost of leaving a job queued, in watts times its reference seconds: from below to above what running costs."""


@dataclass(frozen=True, slots=True)
class Case:
    """`jobs` waiting jobs of training `workloads` in `tiers` SLA tiers, on the first `gpu_types` types of the profile.

    There are 1.6 jobs for each GPU. `formulation` is "collapsed" or "binary"; `instances` differ in how many jobs each
    workload has and how much they have left. `theta` is the most jobs per GPU, `goal_s` what the median may take.
    """

    jobs: int
    workloads: int
    tiers: int
    gpu_types: int
    formulation: str = "collapsed"
    instances: int = 3
    theta: int = 2
    goal_s: float | None = None

    @property
    def name(self) -> str:
        """Formulation, jobs, workloads, and theta where it is not the usual."""
        theta = "" if self.theta == 2 else f"_theta{self.theta}"
        return f"{self.formulation}_{self.jobs}_{self.workloads}x{self.tiers}{theta}"

    def __post_init__(self) -> None:
        if self.formulation not in ("collapsed", "binary"):
            raise InputError(f"formulation must be collapsed or binary, found {self.formulation!r}")
        if not 1 <= self.tiers <= len(_TIERS):
            raise InputError(f"tiers must be from 1 to {len(_TIERS)}, found {self.tiers}")


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem, the numbers of the jobs of each group, and the GPUs."""

    problem: Problem
    members: tuple[tuple[int, ...], ...]
    fleet: Fleet


def make_instance(case: Case, profile: Profile, rng: np.random.Generator) -> Instance:
    """Jobs of one GPU each, drawn evenly from workloads and tiers; what is known of them is the profile.

    Raises
    ------
    InputError
        If the profile has fewer training workloads or types.
    """
    cluster = _cluster(case, profile)
    workloads = _workloads(case, profile)
    drawn = rng.multinomial(case.jobs, np.full(len(workloads), 1.0 / len(workloads)))
    workloads = [workload for workload, jobs in zip(workloads, drawn.tolist(), strict=True) if jobs]
    count = drawn[drawn > 0].astype(np.int64)
    tier = np.tile(_TIERS[: case.tiers], case.workloads)[drawn > 0]
    remaining_s = rng.lognormal(8.0, 1.0, count.size)
    known = _knowledge(profile, cluster, workloads)
    memory_gib = np.array([workload.memory_gib for workload in workloads])
    supply = _supply(cluster)
    floor = tier * np.nan_to_num(known.speed).max(axis=1)
    groups = Groups(
        count=count,
        width=np.ones(count.size, dtype=np.int64),
        memory_gib=memory_gib,
        remaining_s=remaining_s,
        timed=np.zeros(count.size, dtype=np.bool_),
        allowed=memory_gib[:, np.newaxis] <= supply.memory_gib,
        floor=np.repeat(floor[:, np.newaxis], case.gpu_types, axis=1),
        queue_cost=remaining_s * rng.uniform(*_QUEUE_COST_W, count.size),
        current_type=np.full(count.size, PENDING),
        partners=np.full((count.size, 2), PENDING),
        move_cost=np.zeros(count.size),
    )
    members = np.split(np.arange(case.jobs), np.cumsum(count)[:-1])
    everywhere = np.ones(cluster.num_gpus, dtype=np.bool_)
    fleet = Fleet(cluster.type_of, cluster.node_of, everywhere, np.ones(len(cluster.nodes), dtype=np.bool_))
    return Instance(Problem(groups, supply, known), tuple(tuple(m.tolist()) for m in members), fleet)


def _cluster(case: Case, profile: Profile) -> Cluster:
    types = profile.gpu_types[: case.gpu_types]
    if len(types) < case.gpu_types:
        raise InputError(f"the profile has {len(types)} GPU types, {case.gpu_types} are asked for")
    each = max(1, round(case.jobs / _JOBS_PER_GPU / _NODE_GPUS / len(types)))
    nodes = [Node(f"{t.name}-{i:05d}", t.name, _NODE_GPUS) for t in types for i in range(each)]
    return Cluster("benchmark", types, tuple(nodes), case.theta)


def _workloads(case: Case, profile: Profile) -> list[Workload]:
    """A workload per group: every one in each tier."""
    found = [workload for workload in profile.workloads if workload.kind is JobKind.TRAINING][: case.workloads]
    if len(found) < case.workloads:
        raise InputError(f"the profile has {len(found)} training workloads, {case.workloads} are asked for")
    return [workload for workload in found for _ in range(case.tiers)]


def _knowledge(profile: Profile, cluster: Cluster, workloads: list[Workload]) -> Knowledge:
    reference = cluster.gpu_types[0].name
    rate = profile.solo_rate[:, profile.type_index[reference]]
    jobs = [
        # One second of work on the first type: what is left of it stands in the groups.
        Job(str(i), 0.0, workload.name, workload.kind, float(rate[profile.workload_index[workload.name]]), 1.0)
        for i, workload in enumerate(workloads)
    ]
    believed = Truth(profile, cluster, dict.fromkeys((job.job_id for job in jobs), 1.0)).beliefs(jobs)
    exponents = (np.broadcast_to(e, len(cluster.gpu_types)) for e in (believed.share_exponent, believed.cap_exponent))
    return Knowledge(believed.speed, believed.norm, believed.power_w, believed.pair_power_w, *exponents)


def _supply(cluster: Cluster) -> Supply:
    def column(values: list[float]) -> FloatArray:
        return np.array(values, dtype=np.float64)

    types = cluster.gpu_types
    return Supply(
        gpus=cluster.gpus_per_type,
        memory_gib=column([t.memory_gib for t in types]),
        idle_w=column([t.idle_context_w for t in types]),
        tdp_w=column([t.tdp_w for t in types]),
        host_w=column([t.host.base_w / _NODE_GPUS for t in types]),
        host_slope=column([t.host.slope for t in types]),
        theta=cluster.theta,
    )
