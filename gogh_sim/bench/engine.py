"""The engine's speed beside SimPy's bare event loop, in one process, since machines differ and are shared."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gogh_sim import profiles, scenario, traces
from gogh_sim.bench.hotspots import shares
from gogh_sim.bench.memory import in_own_process, peak_mib
from gogh_sim.bench.recorded import missing_data, openb
from gogh_sim.engine import EngineSettings, Records, simulate
from gogh_sim.engine.yardstick import simpy_events_per_s
from gogh_sim.metrics.site import integral
from gogh_sim.policy import PolicyContext, Scheduler
from gogh_sim.profiles import Profile
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.gogh import Gogh
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job, Node

_DAY_S = 86_400.0
_PROFILED_JOBS = 5_000
"""Most jobs of a run under the profiler, which takes a few times as long."""

_POLICIES: Mapping[str, Callable[[PolicyContext], Scheduler]] = {"fifo": Fifo, "best_fit": BestFit, "gogh": Gogh}


@dataclass(frozen=True, slots=True)
class Case:
    """A trace of `jobs` jobs in a style, at a load, on `gpus` GPUs of given types, under a policy.

    Attributes
    ----------
    gpu_types
        In equal numbers, 8 a node, the last node with the rest.
    style
        A generator of `traces`; "backlog": as Philly's, but all there at the start and stopped after a day; or "openb":
        the recorded trace on its own nodes.
    """

    name: str
    jobs: int
    gpus: int
    scheduler: str = "fifo"
    style: str = "philly_style"
    load: float = 0.7
    gpu_types: tuple[str, ...] = ("V100",)


STANDARD = (
    Case("philly_10k", 10_000, 2_490),
    Case("philly_10k_on_64", 10_000, 64),
    Case("philly_10k_on_6212", 10_000, 6_212),
    Case("philly_20k", 20_000, 6_500),
    Case("philly_100k", 100_000, 2_490),
    Case("openb_style", 8_152, 6_212, "best_fit", "alibaba_style"),
    Case("openb", 8_152, 6_212, "best_fit", "openb"),
    Case("crowded", 10_000, 64, "best_fit"),
)
"""What `gogh-sim bench engine` runs: a minute or so. "crowded" has up to 2,000 jobs waiting. Of openb's 8,152 pods some
6,200 are jobs: the others never ran, or on no GPU."""

FURTHER = (
    Case("philly_1m", 1_000_000, 2_490),
    Case("gogh_1000", 1_000, 512, "gogh", "backlog", 1.0, ("V100", "A100", "H100", "T4")),
)
"""Longer ones, by name or all of them: minutes each."""


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """What one case took.

    Attributes
    ----------
    wall_s, cpu_s
        Of the simulation, from jobs to tables in memory; the trace's generation is not included.
    events, events_per_s
        Rows of the events and decisions tables: what happened to jobs and nodes, and scheduler calls.
    simpy_events_per_s
        The bare event loop in the same process, right after, by CPU time.
    peak_mib
        Most memory of the process, which did nothing but this case; jobs and imports included.
    jobs_per_s
        Jobs per CPU second.
    of_simpy
        Events per CPU second over those of the bare loop: the ratio that other load on the machine disturbs least.
    active_mean
        Jobs pending or running, averaged over time.
    wall_s_per_day
        Wall seconds per simulated day.
    profile
        Share of time by part of the simulator, of a run with at most 5,000 jobs under the profiler; see `hotspots`.
    """

    jobs: int
    gpus: int
    scheduler: str
    wall_s: float
    events: int
    events_per_s: float
    simpy_events_per_s: float
    peak_mib: float
    case: str
    cpu_s: float
    jobs_per_s: float
    of_simpy: float
    active_mean: float
    wall_s_per_day: float
    profile: dict[str, float]


def obstacle(case: Case) -> str:
    """Why a case cannot be run here; nothing where it can."""
    return missing_data() if case.style == "openb" else ""


def bench(case: Case) -> EngineRecord:
    """Time one case in a process of its own."""
    return in_own_process(_bench, case)


def _bench(case: Case) -> EngineRecord:
    jobs, run = _prepared(case)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    records = run()
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    peak, bare = peak_mib(), simpy_events_per_s()
    events = len(records.events) + len(records.decisions)
    time_s = records.timeline["time_s"].to_numpy(np.float64)
    active = (records.timeline["pending"] + records.timeline["running"]).to_numpy(np.float64)
    _, profiled = _prepared(replace(case, jobs=min(case.jobs, _PROFILED_JOBS)))
    return EngineRecord(
        jobs=jobs,
        gpus=case.gpus,
        scheduler=case.scheduler,
        wall_s=wall_s,
        events=events,
        events_per_s=events / wall_s,
        simpy_events_per_s=bare,
        peak_mib=peak,
        case=case.name,
        cpu_s=cpu_s,
        jobs_per_s=jobs / cpu_s,
        of_simpy=events / cpu_s / bare,
        active_mean=integral(time_s, active) / time_s[-1],
        wall_s_per_day=wall_s / (time_s[-1] / _DAY_S),
        profile=shares(profiled),
    )


def _prepared(case: Case) -> tuple[int, Callable[[], Records]]:
    """How many jobs there are, and the simulation, ready to run once."""
    profile = profiles.load()
    if case.style == "openb":
        cluster, jobs = openb(case.jobs)
    else:
        cluster = _cluster(case, profile)
        jobs = _jobs(case, cluster, profile)
    context = PolicyContext(cluster, {workload.name: workload for workload in profile.workloads})
    policy = _POLICIES[case.scheduler](context)
    settings = EngineSettings(horizon_s=_DAY_S if case.style == "backlog" else math.inf)
    return len(jobs), lambda: simulate(cluster, jobs, profile, policy, settings, Streams(1))


def _cluster(case: Case, profile: Profile) -> Cluster:
    nodes: list[Node] = []
    for name in case.gpu_types:
        left = case.gpus // len(case.gpu_types)
        while left > 0:
            nodes.append(Node(f"n{len(nodes):05d}", name, min(8, left)))
            left -= 8
    types = tuple(t for t in profile.gpu_types if t.name in case.gpu_types)
    return Cluster(f"{case.gpus} {'+'.join(case.gpu_types)}", types, tuple(nodes))


def _jobs(case: Case, cluster: Cluster, profile: Profile) -> tuple[Job, ...]:
    """Jobs that fit the cluster: too wide gangs are cut to its size, so that the count is the same on every cluster."""
    backlog = case.style == "backlog"
    trace = traces.generate("philly_style" if backlog else case.style, case.jobs, np.random.default_rng(1))
    widest = int(cluster.gpus_per_type.min())
    trace = trace.assign(num_gpus=np.minimum(trace.jobs["num_gpus"], widest), gpu_models=np.full(case.jobs, ""))
    if backlog:
        lasting_s = np.maximum(trace.jobs["duration_s"], 2 * _DAY_S)
        trace = trace.assign(submit_s=np.arange(case.jobs, dtype=np.float64), duration_s=lasting_s)
    else:
        trace, _ = traces.scale_to_load(trace, case.load, cluster.num_gpus)
    memory = {gpu_type.name: gpu_type.memory_gib for gpu_type in cluster.gpu_types}
    trace = traces.assign_workloads(trace, profile.workloads, memory, np.random.default_rng(2))
    trace = traces.assign_sla(trace, [(2.0, 0.5), (math.inf, 0.5)], np.random.default_rng(3))
    return scenario.build_jobs(replace(trace, nodes=None), profile)
