"""The placement optimiser as a policy: beliefs in, least-cost placement out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement import (
    MOST_MEMBERS,
    PENDING,
    Fleet,
    Knowledge,
    Objective,
    Problem,
    assign,
    drain,
    solve,
    solve_greedily,
)
from gogh_sim.policy import (
    NOTHING,
    ActiveJob,
    Beliefs,
    ClusterView,
    Decision,
    Placement,
    PolicyContext,
    ThroughputSource,
    Wake,
)
from gogh_sim.schedulers.capping import PowerCaps
from gogh_sim.schedulers.demand import Later, Offer, demand
from gogh_sim.schedulers.exploration import Curiosity
from gogh_sim.schedulers.grouping import Grouping, JobTable, group
from gogh_sim.schedulers.hardware import node_idle_w, supply_of
from gogh_sim.schedulers.moving import Moving
from gogh_sim.schedulers.optimiser_settings import OptimiserSettings
from gogh_sim.schedulers.prices import Prices
from gogh_sim.types import BoolArray, FloatArray, GpuId, IntArray, Job, JobId, SolveReport

__all__ = ["Optimiser", "OptimiserSettings"]


class _Placed(NamedTuple):
    """Target placement, GPUs whose power cap changes, and how it was found."""

    gpus: dict[JobId, Placement]
    caps: dict[GpuId, float]
    report: SolveReport


class Optimiser:
    """Places all active jobs anew, at least cost, whenever something may have changed.

    Parameters
    ----------
    context
        The cluster and the public facts of workloads.
    settings
        See `OptimiserSettings`.
    curiosity
        What columns are worth for what they would teach; None where nothing is tried to learn from it.
    """

    def __init__(
        self,
        context: PolicyContext,
        settings: OptimiserSettings | None = None,
        curiosity: Curiosity | None = None,
    ) -> None:
        self._settings = settings or OptimiserSettings()
        if curiosity is not None and not Objective(self._settings.objective).to_completion:
            raise InputError(f"exploration needs an objective to completion, found {self._settings.objective!r}")
        self._curiosity = curiosity
        self._memory_gib = {name: workload.memory_gib for name, workload in context.workloads.items()}
        self._cluster = cluster = context.cluster
        self._supply = supply_of(cluster, min(self._settings.theta, cluster.theta), self._settings.caps)
        self._tariff = self._settings.tariff()
        self._idle_w = node_idle_w(cluster)
        self._seen: dict[JobId, Placement] = {}
        self._solved_s = -np.inf
        self._prices = Prices()
        self._caps = PowerCaps(cluster)

    def decide(self, view: ClusterView, source: ThroughputSource) -> Decision:
        """Answer a wake-up by what `source` believes."""
        active = len(view.pending) + len(view.running)
        if active == 0 or self._may_wait(view):
            return NOTHING
        if Wake.ROUND in view.wakes or active <= self._settings.event_solves_below:
            return self._place_all(view, source)
        return self._start_pending(view, source) if view.pending else NOTHING

    def _may_wait(self, view: ClusterView) -> bool:
        """Whether nobody waits and there is nothing new, or only GPUs have become free, which the next round uses."""
        return not view.pending and (view.wakes == {Wake.FINISH} or self._unchanged(view))

    def _unchanged(self, view: ClusterView) -> bool:
        fresh = view.now_s - self._solved_s < self._settings.refresh_s
        return fresh and self._seen == {job_id: active.gpus for job_id, active in view.running.items()}

    def _place_all(self, view: ClusterView, source: ThroughputSource) -> Decision:
        everywhere = np.array(view.occupancy.up)
        jobs = [*view.running.values(), *view.pending.values()]
        placed = self._placement(view, jobs, everywhere, source, greedy=False)
        self._seen, self._solved_s = placed.gpus, view.now_s
        return replace(Decision.target(view, placed.gpus, placed.report), power_caps=placed.caps)

    def _start_pending(self, view: ClusterView, source: ThroughputSource) -> Decision:
        empty = (view.occupancy.jobs == 0) & view.occupancy.up
        if not empty.any():
            return NOTHING
        placed = self._placement(view, list(view.pending.values()), empty, source, greedy=True)
        return Decision(place=placed.gpus, power_caps=placed.caps, solve=placed.report)

    def _placement(
        self,
        view: ClusterView,
        jobs: Sequence[ActiveJob],
        available: BoolArray,
        source: ThroughputSource,
        *,
        greedy: bool,
    ) -> _Placed:
        fleet = Fleet(self._cluster.type_of, self._cluster.node_of, available, view.occupancy.node_on)
        questions, kind = _questions(jobs, individually=len(jobs) <= self._settings.most_groups)
        beliefs = source.beliefs(questions)
        present = [tuple(sorted(self._cluster.index_of[gpu] for gpu in active.gpus)) for active in jobs]
        table = self._table(jobs, kind, present)
        offer = self._offer(jobs, table, beliefs, view.now_s)
        asked = demand(jobs, offer, view.now_s, self._settings.demand)
        grouping = group(table, asked, self._settings.most_groups)
        problem = self._problem(grouping, beliefs, fleet, view.now_s)
        if self._curiosity is not None:
            bold = np.array([not asked.urgent[list(members)].any() for members in grouping.members], dtype=np.bool_)
            trial = self._curiosity(questions, grouping.kind, bold, self._settings.demand)
            problem = replace(problem, trial=trial)
        if greedy:
            solution = solve_greedily(problem)
        else:
            names = [[jobs[number].job.job_id for number in members] for members in grouping.members]
            solution = solve(problem, self._settings.solve, self._prices.recalled(problem, names))
            self._prices = Prices.remembered(solution.prices, problem, names)
        assignment = assign(problem, solution.columns, solution.uses, grouping.members, present, fleet)
        placed = assignment.gpus
        if not greedy:
            placed = self._drained(placed, self._moving(jobs, problem, grouping, present, view.now_s), fleet)
        ids = self._cluster.gpu_ids
        placement = {
            jobs[number].job.job_id: tuple(ids[gpu] for gpu in gpus) for number, gpus in sorted(placed.items())
        }
        caps = self._caps.changes(problem, grouping.members, placed) if self._settings.caps else {}
        return _Placed(placement, caps, replace(solution.report, unpacked=assignment.unpacked))

    def _drained(
        self, placed: Mapping[int, tuple[int, ...]], moving: Moving, fleet: Fleet
    ) -> dict[int, tuple[int, ...]]:
        """The placement after the moves that empty nodes; who shares GPUs goes on sharing."""
        tenants = moving.tenants(placed, self._cluster.type_of)
        moved = dict(zip(tenants.gpus, drain(tenants, fleet, self._idle_w, self._settings.drain), strict=True))
        return {job: moved[gpus] for job, gpus in placed.items()}

    def _moving(
        self,
        jobs: Sequence[ActiveJob],
        problem: Problem,
        grouping: Grouping,
        present: Sequence[tuple[int, ...]],
        now_s: float,
    ) -> Moving:
        group_of = np.zeros(len(jobs), dtype=np.int64)
        for number, members in enumerate(grouping.members):
            group_of[list(members)] = number
        left_s = np.array([active.job.deadline_s for active in jobs]) - now_s
        return Moving(
            problem=problem,
            group_of=group_of,
            remaining_s=np.array([active.remaining_s for active in jobs]),
            present=present,
            left_s=np.where(left_s > 0, left_s, np.inf),
            idle_w=np.array([t.idle_bare_w for t in self._cluster.gpu_types]),
            wake_s=self._settings.drain.wake_s,
            settings=self._settings.demand,
        )

    def _table(self, jobs: Sequence[ActiveJob], kind: IntArray, present: Sequence[tuple[int, ...]]) -> JobTable:
        type_of = self._cluster.type_of
        return JobTable(
            kind=kind,
            width=np.array([active.job.num_gpus for active in jobs], dtype=np.int64),
            memory_gib=np.array([self._memory_gib[active.job.workload] for active in jobs]),
            remaining_s=np.array([active.remaining_s for active in jobs]),
            timed=np.array([active.job.service is not None for active in jobs], dtype=np.bool_),
            present_type=np.array([type_of[gpus[0]] if gpus else PENDING for gpus in present], dtype=np.int64),
            partners=_partners(present),
        )

    def _offer(self, jobs: Sequence[ActiveJob], table: JobTable, beliefs: Beliefs, now_s: float) -> Offer:
        allows: defaultdict[frozenset[str], BoolArray] = defaultdict()
        names = self._cluster.type_names
        for allowed in {active.job.allowed_gpu_types for active in jobs}:
            allows[allowed] = np.array([not allowed or name in allowed for name in names])
        may = np.stack([allows[active.job.allowed_gpu_types] for active in jobs])
        fits = table.memory_gib[:, np.newaxis] <= self._supply.memory_gib
        # A gang wider than all GPUs of a type can never get them there.
        wide = table.width[:, np.newaxis] > self._supply.gpus
        speed = np.where(may & fits & ~wide, beliefs.speed[table.kind], np.nan)
        node_w = self._supply.host_w + self._supply.host_slope * beliefs.power_w[table.kind]
        watts = np.where(speed > 0, table.width[:, np.newaxis] * node_w, np.nan)
        speed_sd = None if beliefs.speed_sd is None else beliefs.speed_sd[table.kind]
        if not Objective(self._settings.objective).to_completion:
            return Offer(speed, _or_infinite(watts), table.present_type, speed_sd)
        pace = np.where(table.timed[:, np.newaxis], 1.0, np.where(speed > 0, speed, np.nan))
        seconds = table.remaining_s[:, np.newaxis] / pace
        tariff = replace(self._tariff, now_s=now_s)
        joules = watts * table.remaining_s[:, np.newaxis] / pace
        starts_s = tariff.later_hours()
        cost, *later = (_or_infinite(joules * tariff.mean(start_s, seconds)) for start_s in (0.0, *starts_s))
        return Offer(speed, cost, table.present_type, speed_sd, Later(starts_s, seconds, later))

    def _problem(self, grouping: Grouping, beliefs: Beliefs, fleet: Fleet, now_s: float) -> Problem:
        kind, types = grouping.kind, len(self._supply)
        knowledge = Knowledge(
            speed=beliefs.speed[kind],
            norm=beliefs.norm.take(kind, axis=1).take(kind, axis=2),
            power_w=beliefs.power_w[kind],
            pair_power_w=beliefs.pair_power_w.take(kind, axis=1).take(kind, axis=2),
            share_exponent=np.broadcast_to(beliefs.share_exponent, types),
            cap_exponent=np.broadcast_to(beliefs.cap_exponent, types),
        )
        return Problem(
            grouping.groups,
            replace(self._supply, gpus=fleet.gpus_per_type(types)),
            knowledge,
            Objective(self._settings.objective),
            replace(self._tariff, now_s=now_s),
            fleet.blocks(grouping.groups.width, types),
        )


def _or_infinite(cost: FloatArray) -> FloatArray:
    return np.where(np.isfinite(cost), cost, np.inf)


def _questions(jobs: Sequence[ActiveJob], *, individually: bool) -> tuple[list[Job], IntArray]:
    """Jobs to ask beliefs about, and per job the one that stands for it: itself, or the first that looks the same."""
    if individually:
        return [active.job for active in jobs], np.arange(len(jobs))
    kinds: dict[tuple[str, int, float, JobId], int] = {}
    questions: list[Job] = []
    index = []
    for active in jobs:
        # Services of one workload differ in their load: each stands for itself.
        alone = active.job.job_id if active.job.service is not None else ""
        key = (active.job.workload, active.job.num_gpus, active.job.gpu_fraction, alone)
        if key not in kinds:
            kinds[key] = len(questions)
            questions.append(active.job)
        index.append(kinds[key])
    return questions, np.array(index, dtype=np.int64)


def _partners(present: Sequence[tuple[int, ...]]) -> IntArray:
    """(N, 2) the other jobs on just the same GPUs, `PENDING` behind them."""
    together: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, gpus in enumerate(present):
        if gpus:
            together[gpus].append(number)
    partners = np.full((len(present), MOST_MEMBERS - 1), PENDING, dtype=np.int64)
    for jobs in together.values():
        if len(jobs) <= MOST_MEMBERS:
            for job in jobs:
                others = [other for other in jobs if other != job]
                partners[job, : len(others)] = others
    return partners
