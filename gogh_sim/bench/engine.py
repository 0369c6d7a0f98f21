"""The engine's speed beside SimPy's bare event loop, in one process, since machines differ and are shared."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gogh_sim import profiles, scenario, traces
from gogh_sim.bench.memory import peak_mib
from gogh_sim.engine import EngineSettings, simulate
from gogh_sim.engine.yardstick import simpy_events_per_s
from gogh_sim.policy import PolicyContext, Scheduler
from gogh_sim.profiles import Profile
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job, Node

_LOAD = 0.7
_POLICIES: Mapping[str, Callable[[PolicyContext], Scheduler]] = {"fifo": Fifo, "best_fit": BestFit}


@dataclass(frozen=True, slots=True)
class Case:
    """A Philly-style trace of `jobs` jobs at load 0.7 on `gpus` V100s, 8 a node, under a policy."""

    jobs: int
    gpus: int
    scheduler: str = "fifo"


STANDARD = (
    Case(10_000, 2_496),
    Case(100_000, 2_496),
    Case(20_000, 6_496),
    Case(20_000, 64),
    Case(10_000, 6_496, "best_fit"),
)


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """What one case took. `events` counts rows of the events and decisions tables, `peak_mib` the process's peak."""

    jobs: int
    gpus: int
    scheduler: str
    wall_s: float
    events: int
    events_per_s: float
    simpy_events_per_s: float
    peak_mib: float


def bench(case: Case) -> EngineRecord:
    """Time one case, the trace's generation not included."""
    profile = profiles.load()
    cluster = _cluster(case, profile)
    jobs = _jobs(case, cluster, profile)
    context = PolicyContext(cluster, {workload.name: workload for workload in profile.workloads})
    policy = _POLICIES[case.scheduler](context)
    began = time.perf_counter()
    records = simulate(cluster, jobs, profile, policy, EngineSettings(), Streams(1))
    wall_s = time.perf_counter() - began
    events = len(records.events) + len(records.decisions)
    return EngineRecord(
        jobs=len(jobs),
        gpus=cluster.num_gpus,
        scheduler=case.scheduler,
        wall_s=wall_s,
        events=events,
        events_per_s=events / wall_s,
        simpy_events_per_s=simpy_events_per_s(),
        peak_mib=peak_mib(),
    )


def _cluster(case: Case, profile: Profile) -> Cluster:
    gpu_type = profile.gpu_types[profile.type_index["V100"]]
    nodes = tuple(Node(f"n{i:05d}", gpu_type.name, 8) for i in range(math.ceil(case.gpus / 8)))
    return Cluster(f"{8 * len(nodes)} V100", (gpu_type,), nodes)


def _jobs(case: Case, cluster: Cluster, profile: Profile) -> tuple[Job, ...]:
    """Jobs that fit the cluster: too wide gangs are cut to its size, so that the count is the same on every cluster."""
    trace = traces.generate("philly_style", case.jobs, np.random.default_rng(1))
    trace = trace.assign(num_gpus=np.minimum(trace.jobs["num_gpus"], cluster.num_gpus))
    trace, _ = traces.scale_to_load(trace, _LOAD, cluster.num_gpus)
    memory = {gpu_type.name: gpu_type.memory_gib for gpu_type in cluster.gpu_types}
    trace = traces.assign_workloads(trace, profile.workloads, memory, np.random.default_rng(2))
    trace = traces.assign_sla(trace, [(2.0, 0.5), (math.inf, 0.5)], np.random.default_rng(3))
    return scenario.build_jobs(replace(trace, nodes=None), profile)
