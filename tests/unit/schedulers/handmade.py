"""Views small enough to be solved by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gogh_sim.inference import RequestSeries, Service
from gogh_sim.policy import ActiveJob, Beliefs, ClusterView, Decision, Occupancy, PolicyContext, Wake
from gogh_sim.types import Cluster, GpuId, GpuType, HostPower, Job, JobKind, Node, Workload

MEMORY_GIB = {"V100": 16.0, "A100": 40.0, "T4": 16.0}
TFLOPS = {"V100": 125.0, "A100": 312.0, "T4": 65.0}


def gpu_type(name: str, host: HostPower | None = None) -> GpuType:
    """A type with the memory and speed of its datasheet and made-up watts."""
    return GpuType(
        name=name,
        variant=name,
        memory_gib=MEMORY_GIB[name],
        tdp_w=300.0,
        idle_bare_w=20.0,
        idle_context_w=40.0,
        fp32_tflops=15.0,
        fp16_tflops=TFLOPS[name],
        bandwidth_gbps=900.0,
        host=host or HostPower(base_w=100.0, slope=1.0),
    )


def cluster(*nodes: tuple[str, int], theta: int = 2, host: HostPower | None = None) -> Cluster:
    """Nodes n0, n1, ... given as (GPU type, GPUs)."""
    names = sorted({name for name, _ in nodes}, key=list(MEMORY_GIB).index)
    return Cluster(
        name="handmade",
        gpu_types=tuple(gpu_type(name, host) for name in names),
        nodes=tuple(Node(f"n{i}", name, count) for i, (name, count) in enumerate(nodes)),
        theta=theta,
    )


def workload(name: str, memory_gib: float) -> Workload:
    """A training workload of which only the footprint matters."""
    return Workload(name, name, name, "vision", JobKind.TRAINING, 32, 25.0, 12.0, memory_gib)


WORKLOADS = {w.name: w for w in (workload("small", 4.0), workload("half", 8.0), workload("large", 30.0))}


def job(
    job_id: str,
    gpus: int = 1,
    fraction: float = 1.0,
    workload: str = "small",
    seconds: float = 100.0,
    types: Sequence[str] = (),
    deadline_s: float = math.inf,
) -> Job:
    """A training job at one iteration per second."""
    return Job(
        job_id=job_id,
        submit_s=0.0,
        workload=workload,
        kind=JobKind.TRAINING,
        work=seconds,
        reference_s=seconds,
        num_gpus=gpus,
        gpu_fraction=fraction,
        allowed_gpu_types=frozenset(types),
        deadline_s=deadline_s,
    )


def serving(job_id: str, floor: float = 0.0, seconds: float = 1000.0, rate: float = 0.1) -> Job:
    """A service of requests of one iteration each, for so many seconds."""
    service = Service(seconds, RequestSeries((0.0,), (rate,)), latency_slo_s=10.0)
    return replace(job(job_id, seconds=seconds), kind=JobKind.INFERENCE, floor=floor, service=service)


def at(*places: str) -> tuple[GpuId, ...]:
    """GPUs from names like "n0/1"."""
    return tuple(GpuId(place.split("/")[0], int(place.split("/")[1])) for place in places)


def view(
    cluster: Cluster,
    pending: Sequence[Job],
    running: Mapping[Job, tuple[GpuId, ...]] | None = None,
    remaining: Mapping[str, float] | None = None,
    now_s: float = 0.0,
) -> ClusterView:
    """What the policy would see; `remaining` overrides the seconds left of jobs named there."""
    running, remaining = running or {}, remaining or {}
    count = cluster.num_gpus
    jobs, fraction, memory = np.zeros(count, dtype=np.int64), np.zeros(count), np.zeros(count)
    residents: list[list[str]] = [[] for _ in range(count)]
    for held, gpus in running.items():
        for gpu in gpus:
            number = cluster.index_of[gpu]
            jobs[number] += 1
            fraction[number] += held.gpu_fraction
            memory[number] += WORKLOADS[held.workload].memory_gib
            residents[number].append(held.job_id)
    for array in (jobs, fraction, memory):
        array.flags.writeable = False

    def active(one: Job, gpus: tuple[GpuId, ...]) -> ActiveJob:
        start_s = 0.0 if gpus else math.nan
        return ActiveJob(one, remaining.get(one.job_id, one.reference_s), gpus, start_s, start_s)

    return ClusterView(
        now_s=now_s,
        wakes=frozenset({Wake.ARRIVAL}),
        cluster=cluster,
        pending={one.job_id: active(one, ()) for one in pending},
        running={one.job_id: active(one, gpus) for one, gpus in running.items()},
        occupancy=Occupancy(
            jobs,
            fraction,
            memory,
            residents,
            np.ones(len(cluster.nodes), dtype=np.bool_),
            np.ones(count, dtype=np.bool_),
        ),
    )


def context(cluster: Cluster, seed: int = 0) -> PolicyContext:
    """The policy's context on that cluster."""
    return PolicyContext(cluster, WORKLOADS, np.random.default_rng(seed))


def placed(decision: Decision) -> dict[str, tuple[str, ...]]:
    """Placements by name."""
    return {job_id: tuple(str(gpu) for gpu in gpus) for job_id, gpus in decision.place.items()}


class Table:
    """A `ThroughputSource` that answers from tables by workload and type; every pair has one norm and one draw."""

    def __init__(
        self,
        cluster: Cluster,
        speed: Mapping[str, Mapping[str, float]],
        watts: Mapping[str, float],
        norm: float = 0.5,
        pair_w: float = 200.0,
    ) -> None:
        self._types = cluster.type_names
        self._speed, self._watts = speed, watts
        self._norm, self._pair_w = norm, pair_w

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        shape = (len(self._types), len(jobs), len(jobs))
        return Beliefs(
            speed=np.array([[self._speed[j.workload][t] for t in self._types] for j in jobs]),
            norm=np.full(shape, self._norm),
            power_w=np.array([[self._watts[t] for t in self._types] for _ in jobs]),
            pair_power_w=np.full(shape, self._pair_w),
        )
