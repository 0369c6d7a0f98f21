"""The placement loop in a simulation: how long it takes from round to round, with what the last round left behind."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from gogh_sim import profiles, scenario, traces
from gogh_sim.bench.memory import peak_mib
from gogh_sim.bench.placement import median_pulp_share, median_seconds
from gogh_sim.bench.placement_goals import verdict
from gogh_sim.engine import EngineSettings, Truth, simulate
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.errors import InputError
from gogh_sim.policy import ClusterView, Decision, PolicyContext
from gogh_sim.profiles import Profile
from gogh_sim.profiles.public_data import data_folder
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.streams import Streams
from gogh_sim.traces import Trace
from gogh_sim.types import Cluster, Job, Node, SolveReport

_NODE_GPUS = 8
_TYPES = ("V100", "A100", "H100", "T4")


class _Recorded(NamedTuple):
    format: str
    path: str
    start: str
    duration_s: float


_PHILLY = _Recorded("philly_list", "traces/philly/philly_jobs_pass.csv.gz", "2017-10-02", 14 * 86_400.0)
"""Jobs that passed, of Jeon et al. (USENIX ATC 2019); the window is that of `trace=philly`."""


class Source(StrEnum):
    """Where the jobs of a replay come from.

    `philly_style`: generated in the style of Philly, of one to six hours, evenly spaced at `Replay.load`, so that the
    number of active jobs changes little. `philly`: the jobs of Microsoft Philly from 2017-10-02 on, as recorded but for
    the gaps between them, which are scaled so that on average `Replay.active` of them overlap.
    """

    STYLE = "philly_style"
    PHILLY = "philly"


@dataclass(frozen=True, slots=True)
class Replay:
    """Jobs of `source` on `gpus` GPUs, a quarter of each of four types, under the oracle.

    About `active` jobs are there at the start. Optimised decisions, one a round, count while about that many jobs are
    active, give or take a fifth; after `decisions` of them the simulation stops. `goal_s` is what the median may take.
    """

    source: Source = Source.STYLE
    active: int = 500
    jobs: int = 2_000
    gpus: int = 1_088
    load: float = 0.9
    decisions: int = 40
    goal_s: float | None = None

    @property
    def name(self) -> str:
        """Source and number of jobs."""
        return f"replay_{self.source}_{self.active}"


STANDARD = (
    Replay(goal_s=0.5),
    Replay(Source.PHILLY, gpus=832, decisions=12, goal_s=0.5),
)


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """What the decisions took: medians, and the slowest.

    `jobs` and `groups` are medians, `solve_total_s` is the program with its columns, `total_s` the whole decision: from
    what is believed of the jobs to their GPUs, emptied nodes included. `total_cpu_s` is the same in CPU seconds, the
    solver's included, which other work on the machine disturbs less. `seconds`, `pulp_share` and
    `goal` as in `PlacementRecord`; "rest" is what the program does not take.
    """

    formulation: str
    jobs: int
    groups: int
    decisions: int
    solve_total_s: float
    total_s: float
    total_max_s: float
    total_cpu_s: float
    gap: float
    status: str
    fallbacks: int
    peak_mib: float
    pulp_share: float
    seconds: Mapping[str, float]
    case: str
    goal: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A case that could not be run, and why."""

    case: str
    formulation: str
    status: str


def bench(case: Replay) -> ReplayRecord | Skipped:
    """Simulate until enough decisions are timed; a recorded trace that is not here is skipped with the reason."""
    profile = profiles.load()
    nodes = [
        Node(f"{name}-{i:03d}", name, _NODE_GPUS)
        for name in _TYPES
        for i in range(case.gpus // len(_TYPES) // _NODE_GPUS)
    ]
    types = tuple(profile.gpu_types[profile.type_index[name]] for name in _TYPES)
    cluster = Cluster("replay", types, tuple(nodes))
    try:
        trace = _philly(case) if case.source is Source.PHILLY else _philly_style(case, cluster, profile)
    except InputError as error:
        return Skipped(case.name, "replay", f"skipped: {error}")
    jobs = _jobs(trace, cluster, profile)
    settings, streams = EngineSettings(), Streams(1)
    truth = Truth(profile, cluster, hidden_factors(jobs, settings, streams))
    context = PolicyContext(cluster, {workload.name: workload for workload in profile.workloads})
    timed = _Timed(Oracle(context, truth, event_solves_below=0), case)
    with suppress(_EnoughError):
        simulate(cluster, jobs, profile, timed, settings, streams)
    return _record(timed, case)


class _EnoughError(Exception):
    """Enough decisions are timed."""


class _Row(NamedTuple):
    """A decision: active jobs, seconds it took, seconds of CPU, and the report of its program."""

    active: int
    took_s: float
    cpu_s: float
    report: SolveReport


class _Timed:
    """The policy under a stopwatch."""

    def __init__(self, policy: Oracle, case: Replay) -> None:
        self._policy, self._case = policy, case
        self.rows: list[_Row] = []

    def decide(self, view: ClusterView) -> Decision:
        """Decide; raise `_EnoughError` after the last decision that counts."""
        began, cpu_began = time.perf_counter(), _cpu_s()
        decision = self._policy.decide(view)
        took_s, cpu_s = time.perf_counter() - began, _cpu_s() - cpu_began
        active = len(view.pending) + len(view.running)
        if decision.solve is None or decision.solve.status == "greedy":
            return decision
        if abs(active - self._case.active) <= 0.2 * self._case.active:
            self.rows.append(_Row(active, took_s, cpu_s, decision.solve))
            if len(self.rows) >= self._case.decisions:
                raise _EnoughError
        return decision


def _cpu_s() -> float:
    """CPU seconds of this process and of the solvers that it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _record(timed: _Timed, case: Replay) -> ReplayRecord | Skipped:
    if not timed.rows:
        return Skipped(case.name, "replay", f"skipped: never about {case.active} active jobs at a decision")
    reports = [row.report for row in timed.rows]
    total_s = np.array([row.took_s for row in timed.rows])
    solve_s = np.array([report.build_s + report.solve_s for report in reports])
    figures = {
        "total_s": float(np.median(total_s)),
        "gap": max(report.gap for report in reports),
        "peak_mib": peak_mib(),
        "pulp_share": median_pulp_share([(row.took_s, row.report) for row in timed.rows]),
    }
    return ReplayRecord(
        formulation="replay",
        jobs=int(np.median([row.active for row in timed.rows])),
        groups=int(np.median([report.groups for report in reports])),
        decisions=len(reports),
        solve_total_s=float(np.median(solve_s)),
        total_max_s=float(total_s.max()),
        total_cpu_s=float(np.median([row.cpu_s for row in timed.rows])),
        status=", ".join(sorted({report.status for report in reports})),
        fallbacks=sum(report.fallback for report in reports),
        seconds={**median_seconds(reports), "rest": float(np.median(total_s - solve_s))},
        case=case.name,
        goal=verdict(goal_s=case.goal_s, **figures),
        **figures,
    )


def _philly(case: Replay) -> Trace:
    trace = traces.read(_PHILLY.format, data_folder() / _PHILLY.path)
    trace = traces.cut(trace, _PHILLY.start, _PHILLY.duration_s)
    trace = trace.drop(trace.jobs["num_gpus"] > case.gpus // len(_TYPES), "wider than a type")
    submit_s, duration_s = trace.jobs["submit_s"].to_numpy(), trace.jobs["duration_s"].to_numpy()
    overlap = float(duration_s.sum()) / float(submit_s.max() - submit_s.min())
    trace = traces.scale_gaps(trace, overlap / case.active)
    return _seen_at(trace, case)


def _seen_at(trace: Trace, case: Replay) -> Trace:
    """The trace from the first submission on at which `case.active` jobs would run if none had to wait.

    Those that run then are there at the start, with the time that they have left.
    """
    submit_s, duration_s = trace.jobs["submit_s"].to_numpy(), trace.jobs["duration_s"].to_numpy()
    ended = np.searchsorted(np.sort(submit_s + duration_s), submit_s, side="right")
    enough = np.flatnonzero(np.arange(1, submit_s.size + 1) - ended >= case.active)
    if not enough.size:
        raise InputError(f"{case.source}: never {case.active} jobs at once")
    now_s = float(submit_s[enough[0]])
    left_s = np.minimum(duration_s, submit_s + duration_s - now_s)
    trace = trace.assign(submit_s=np.maximum(submit_s - now_s, 0.0), duration_s=np.maximum(left_s, 1.0))
    return traces.first(trace.drop(left_s <= 0, "ended before"), case.jobs)


def _philly_style(case: Replay, cluster: Cluster, profile: Profile) -> Trace:
    trace = traces.generate("philly_style", case.jobs, np.random.default_rng(1))
    trace = trace.assign(
        num_gpus=np.minimum(trace.jobs["num_gpus"], case.gpus // len(_TYPES)),
        duration_s=np.clip(trace.jobs["duration_s"], 3_600.0, 21_600.0),
        submit_s=np.arange(len(trace.jobs), dtype=np.float64),
    )
    speeds = scenario.mean_speeds(profile)
    capacity = sum(speeds[node.gpu_type] * node.num_gpus for node in cluster.nodes)
    trace, _ = traces.scale_to_load(trace, case.load, capacity)
    submit_s = trace.jobs["submit_s"].to_numpy(dtype=np.float64)
    return trace.assign(submit_s=np.maximum(submit_s - submit_s[case.active], 0.0))


def _jobs(trace: Trace, cluster: Cluster, profile: Profile) -> tuple[Job, ...]:
    memory = {gpu_type.name: gpu_type.memory_gib for gpu_type in cluster.gpu_types}
    trace = traces.assign_workloads(trace, profile.workloads, memory, np.random.default_rng(2))
    tiers = [(slack, 0.25) for slack in (1.5, 2.0, 4.0, math.inf)]
    trace = traces.assign_sla(trace, tiers, np.random.default_rng(3))
    return scenario.build_jobs(replace(trace, nodes=None), profile)
