"""The placement loop in a simulation: how long it takes from round to round, with what the last round left behind."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from gogh_sim import profiles, scenario, traces
from gogh_sim.bench.memory import peak_mib
from gogh_sim.bench.placement import median_pulp_share, median_seconds
from gogh_sim.engine import EngineSettings, Truth, simulate
from gogh_sim.engine.simulation import hidden_factors
from gogh_sim.policy import ClusterView, Decision, PolicyContext
from gogh_sim.profiles import Profile
from gogh_sim.schedulers.oracle import Oracle
from gogh_sim.streams import Streams
from gogh_sim.types import Cluster, Job, Node, SolveReport

_NODE_GPUS = 8
_TYPES = ("V100", "A100", "H100", "T4")


@dataclass(frozen=True, slots=True)
class Replay:
    """Philly-style jobs, evenly spaced at `load`, on `gpus` GPUs, a quarter of each of four types, under the oracle.

    The first `active` jobs are there at the start. Optimised decisions, one a round, count while about that many jobs
    are active, give or take a fifth; after `decisions` of them the simulation stops.
    """

    active: int = 500
    jobs: int = 2_000
    gpus: int = 512
    load: float = 0.9
    decisions: int = 40


STANDARD = (Replay(),)


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """What the decisions took: medians, and the slowest.

    `jobs` and `groups` are medians, `solve_total_s` is the program with its columns, `total_s` the whole decision: from
    what is believed of the jobs to their GPUs, emptied nodes included. `seconds` and `pulp_share` as in
    `PlacementRecord`; "rest" is what the program does not take.
    """

    formulation: str
    jobs: int
    groups: int
    decisions: int
    solve_total_s: float
    total_s: float
    total_max_s: float
    gap: float
    status: str
    fallbacks: int
    peak_mib: float
    pulp_share: float
    seconds: Mapping[str, float]


def bench(case: Replay) -> ReplayRecord:
    """Simulate until enough decisions are timed."""
    profile = profiles.load()
    nodes = [
        Node(f"{name}-{i:03d}", name, _NODE_GPUS)
        for name in _TYPES
        for i in range(case.gpus // len(_TYPES) // _NODE_GPUS)
    ]
    types = tuple(profile.gpu_types[profile.type_index[name]] for name in _TYPES)
    cluster = Cluster("replay", types, tuple(nodes))
    jobs = _jobs(case, cluster, profile)
    settings, streams = EngineSettings(), Streams(1)
    truth = Truth(profile, cluster, hidden_factors(jobs, settings, streams))
    context = PolicyContext(cluster, {workload.name: workload for workload in profile.workloads})
    timed = _Timed(Oracle(context, truth, event_solves_below=0), case)
    with suppress(_EnoughError):
        simulate(cluster, jobs, profile, timed, settings, streams)
    return _record(timed)


class _EnoughError(Exception):
    """Enough decisions are timed."""


class _Timed:
    """The policy under a stopwatch."""

    def __init__(self, policy: Oracle, case: Replay) -> None:
        self._policy, self._case = policy, case
        self.rows: list[tuple[int, float, SolveReport]] = []

    def decide(self, view: ClusterView) -> Decision:
        """Decide; raise `_EnoughError` after the last decision that counts."""
        began = time.perf_counter()
        decision = self._policy.decide(view)
        took_s = time.perf_counter() - began
        active = len(view.pending) + len(view.running)
        optimised = decision.solve is not None and decision.solve.status != "greedy"
        if optimised and abs(active - self._case.active) <= 0.2 * self._case.active:
            assert decision.solve is not None
            self.rows.append((active, took_s, decision.solve))
            if len(self.rows) >= self._case.decisions:
                raise _EnoughError
        return decision


def _record(timed: _Timed) -> ReplayRecord:
    reports = [report for _, _, report in timed.rows]
    total_s = np.array([took_s for _, took_s, _ in timed.rows])
    solve_s = np.array([report.build_s + report.solve_s for report in reports])
    return ReplayRecord(
        formulation="replay",
        jobs=int(np.median([active for active, _, _ in timed.rows])),
        groups=int(np.median([report.groups for report in reports])),
        decisions=len(reports),
        solve_total_s=float(np.median(solve_s)),
        total_s=float(np.median(total_s)),
        total_max_s=float(total_s.max()),
        gap=max(report.gap for report in reports),
        status=", ".join(sorted({report.status for report in reports})),
        fallbacks=sum(report.fallback for report in reports),
        peak_mib=peak_mib(),
        pulp_share=median_pulp_share([(took_s, report) for _, took_s, report in timed.rows]),
        seconds={**median_seconds(reports), "rest": float(np.median(total_s - solve_s))},
    )


def _jobs(case: Replay, cluster: Cluster, profile: Profile) -> tuple[Job, ...]:
    trace = traces.generate("philly_style", case.jobs, np.random.default_rng(1))
    # Evenly spaced and of one to six hours, so that the number of active jobs changes little while decisions are timed.
    trace = trace.assign(
        num_gpus=np.minimum(trace.jobs["num_gpus"], case.gpus // len(_TYPES)),
        duration_s=np.clip(trace.jobs["duration_s"], 3_600.0, 21_600.0),
        submit_s=np.arange(len(trace.jobs), dtype=np.float64),
    )
    speeds = scenario.mean_speeds(profile)
    capacity = sum(speeds[node.gpu_type] * node.num_gpus for node in cluster.nodes)
    trace, _ = traces.scale_to_load(trace, case.load, capacity)
    submit_s = trace.jobs["submit_s"].to_numpy(dtype=np.float64)
    trace = trace.assign(submit_s=np.maximum(submit_s - submit_s[case.active], 0.0))
    memory = {gpu_type.name: gpu_type.memory_gib for gpu_type in cluster.gpu_types}
    trace = traces.assign_workloads(trace, profile.workloads, memory, np.random.default_rng(2))
    tiers = [(slack, 0.25) for slack in (1.5, 2.0, 4.0, math.inf)]
    trace = traces.assign_sla(trace, tiers, np.random.default_rng(3))
    return scenario.build_jobs(replace(trace, nodes=None), profile)
