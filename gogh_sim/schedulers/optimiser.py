"""The placement optimiser as a policy: beliefs in, least-cost placement out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement import (
    PENDING,
    DrainSettings,
    Fleet,
    Knowledge,
    Objective,
    Problem,
    SolveSettings,
    Supply,
    Tenants,
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
from gogh_sim.schedulers.demand import DemandSettings, Offer, demand
from gogh_sim.schedulers.grouping import Grouping, JobTable, group
from gogh_sim.schedulers.moving import Moving, node_idle_w
from gogh_sim.types import BoolArray, IntArray, Job, JobId, SolveReport


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """What is optimised, how often, and how finely.

    Attributes
    ----------
    objective
        "energy" (to completion) or "power" (now); see `placement.costs`.
    theta
        Most jobs per GPU that the policy wants, if the cluster allows as many; 1 for no co-location.
    event_solves_below
        Up to this many active jobs every wake-up is optimised; above, only rounds are, and in between jobs start
        greedily on free GPUs.
    refresh_s
        An unchanged placement with nobody waiting is looked at again after this long, for what has been learned.
    most_groups
        Groups of jobs above which they are drawn coarser.
    demand, solve, drain
        See `DemandSettings`, `SolveSettings` and `DrainSettings`; mappings are accepted.
    """

    objective: str = "energy"
    theta: int = 2
    event_solves_below: int = 200
    refresh_s: float = 1800.0
    most_groups: int = 300
    demand: DemandSettings = field(default_factory=DemandSettings)
    solve: SolveSettings = field(default_factory=SolveSettings)
    drain: DrainSettings = field(default_factory=DrainSettings)

    def __post_init__(self) -> None:
        if self.objective not in list(Objective):
            raise InputError(f"objective must be one of {', '.join(Objective)}, found {self.objective!r}")
        for name in ("theta", "refresh_s", "most_groups"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, found {getattr(self, name)}")
        if self.event_solves_below < 0:
            raise InputError(f"event_solves_below must not be negative, found {self.event_solves_below}")

    @classmethod
    def of(cls, **values: object) -> OptimiserSettings:
        """Settings from plain values, as configs have them; `demand`, `solve` and `drain` may be mappings.

        Raises
        ------
        InputError
            Naming an unknown or unfit setting.
        """
        nested = {"demand": DemandSettings, "solve": SolveSettings, "drain": DrainSettings}
        try:
            made = {
                name: nested[name](**value) if name in nested and isinstance(value, Mapping) else value
                for name, value in values.items()
            }
            return cls(**made)  # type: ignore[arg-type]
        except TypeError as error:
            raise InputError(f"optimiser settings: {error}") from error


class Optimiser:
    """Places all active jobs anew, at least cost, whenever something may have changed.

    Parameters
    ----------
    context
        The cluster and the public facts of workloads.
    settings
        See `OptimiserSettings`.
    """

    def __init__(self, context: PolicyContext, settings: OptimiserSettings | None = None) -> None:
        self._settings = settings or OptimiserSettings()
        self._memory_gib = {name: workload.memory_gib for name, workload in context.workloads.items()}
        cluster = context.cluster
        types = cluster.gpu_types
        self._cluster = cluster
        nodes_per_type = np.bincount(cluster.type_of[cluster.node_start[:-1]], minlength=len(types))
        base_w = np.array([t.host.base_w for t in types])
        self._supply = Supply(
            gpus=cluster.gpus_per_type,
            memory_gib=np.array([t.memory_gib for t in types]),
            host_w=base_w * nodes_per_type / np.maximum(cluster.gpus_per_type, 1),
            host_slope=np.array([t.host.slope for t in types]),
            theta=min(self._settings.theta, cluster.theta),
        )
        self._idle_w = node_idle_w(cluster)
        self._seen: dict[JobId, Placement] = {}
        self._solved_s = -np.inf
        self._hints: list[tuple[int, JobId, JobId | None]] = []

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
        everywhere = np.ones(self._cluster.num_gpus, dtype=np.bool_)
        jobs = [*view.running.values(), *view.pending.values()]
        placement, report = self._placement(view, jobs, everywhere, source, greedy=False)
        self._seen, self._solved_s = placement, view.now_s
        return Decision.target(view, placement, report)

    def _start_pending(self, view: ClusterView, source: ThroughputSource) -> Decision:
        empty = view.occupancy.jobs == 0
        if not empty.any():
            return NOTHING
        placement, report = self._placement(view, list(view.pending.values()), empty, source, greedy=True)
        return Decision(place=placement, solve=report)

    def _placement(
        self,
        view: ClusterView,
        jobs: Sequence[ActiveJob],
        available: BoolArray,
        source: ThroughputSource,
        *,
        greedy: bool,
    ) -> tuple[dict[JobId, Placement], SolveReport]:
        fleet = Fleet(self._cluster.type_of, self._cluster.node_of, available, view.occupancy.node_on)
        questions, kind = _questions(jobs, individually=len(jobs) <= self._settings.most_groups)
        beliefs = source.beliefs(questions)
        present = [tuple(sorted(self._cluster.index_of[gpu] for gpu in active.gpus)) for active in jobs]
        table = self._table(jobs, kind, present)
        offer = self._offer(jobs, table, beliefs)
        asked = demand(jobs, offer, view.now_s, self._settings.demand)
        grouping = group(table, asked, self._settings.most_groups)
        problem = self._problem(grouping, beliefs, fleet)
        if greedy:
            solution = solve_greedily(problem)
        else:
            names = [[jobs[number].job.job_id for number in members] for members in grouping.members]
            solution = solve(problem, self._settings.solve, _recalled(self._hints, names))
            self._hints = _remembered(solution.hints, names)
        assignment = assign(problem, solution.columns, solution.uses, grouping.members, present, fleet)
        placed = assignment.gpus
        if not greedy and self._settings.drain.pays:
            node_w = self._supply.host_w + self._supply.host_slope * beliefs.power_w[kind]
            moving = Moving(jobs, kind, present, beliefs, offer, node_w, self._settings.demand)
            placed = self._drained(placed, moving.tenants(placed, self._cluster.type_of, view.now_s), fleet)
        ids = self._cluster.gpu_ids
        placement = {
            jobs[number].job.job_id: tuple(ids[gpu] for gpu in gpus) for number, gpus in sorted(placed.items())
        }
        return placement, replace(solution.report, unpacked=assignment.unpacked)

    def _drained(
        self, placed: Mapping[int, tuple[int, ...]], tenants: Tenants, fleet: Fleet
    ) -> dict[int, tuple[int, ...]]:
        """The placement after the moves that empty nodes; who shares GPUs goes on sharing."""
        moved = drain(tenants, fleet, self._idle_w, self._settings.drain)
        now = dict(zip(tenants.gpus, moved, strict=True))
        return {job: now[gpus] for job, gpus in placed.items()}

    def _table(self, jobs: Sequence[ActiveJob], kind: IntArray, present: Sequence[tuple[int, ...]]) -> JobTable:
        type_of = self._cluster.type_of
        return JobTable(
            kind=kind,
            width=np.array([active.job.num_gpus for active in jobs], dtype=np.int64),
            memory_gib=np.array([self._memory_gib[active.job.workload] for active in jobs]),
            remaining_s=np.array([active.remaining_s for active in jobs]),
            present_type=np.array([type_of[gpus[0]] if gpus else PENDING for gpus in present], dtype=np.int64),
            partner=_partners(present),
        )

    def _offer(self, jobs: Sequence[ActiveJob], table: JobTable, beliefs: Beliefs) -> Offer:
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
        cost = table.width[:, np.newaxis] * node_w
        if self._settings.objective == Objective.ENERGY:
            cost = cost * table.remaining_s[:, np.newaxis] / np.where(speed > 0, speed, np.nan)
        sure = np.isfinite(cost) & (speed > 0)
        speed_sd = None if beliefs.speed_sd is None else beliefs.speed_sd[table.kind]
        return Offer(speed, np.where(sure, cost, np.inf), table.present_type, speed_sd)

    def _problem(self, grouping: Grouping, beliefs: Beliefs, fleet: Fleet) -> Problem:
        kind = grouping.kind
        pairs = np.ix_(np.arange(len(self._supply)), kind, kind)
        knowledge = Knowledge(
            beliefs.speed[kind], beliefs.norm[pairs], beliefs.power_w[kind], beliefs.pair_power_w[pairs]
        )
        supply = replace(self._supply, gpus=fleet.gpus_per_type(len(self._supply)))
        return Problem(grouping.groups, supply, knowledge, Objective(self._settings.objective))


def _questions(jobs: Sequence[ActiveJob], *, individually: bool) -> tuple[list[Job], IntArray]:
    """Jobs to ask beliefs about, and per job the one that stands for it: itself, or the first that looks the same."""
    if individually:
        return [active.job for active in jobs], np.arange(len(jobs))
    kinds: dict[tuple[str, int, float], int] = {}
    questions: list[Job] = []
    index = []
    for active in jobs:
        key = (active.job.workload, active.job.num_gpus, active.job.gpu_fraction)
        if key not in kinds:
            kinds[key] = len(questions)
            questions.append(active.job)
        index.append(kinds[key])
    return questions, np.array(index, dtype=np.int64)


def _partners(present: Sequence[tuple[int, ...]]) -> IntArray:
    """(N,) the one other job on just the same GPUs, or `PENDING`."""
    together: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, gpus in enumerate(present):
        if gpus:
            together[gpus].append(number)
    partner = np.full(len(present), PENDING, dtype=np.int64)
    for jobs in together.values():
        if len(jobs) == 2:
            partner[jobs] = jobs[::-1]
    return partner


def _remembered(hints: IntArray, names: Sequence[Sequence[JobId]]) -> list[tuple[int, JobId, JobId | None]]:
    """Hints by the first job of each group, since groups are drawn anew each time."""
    return [(t, names[a][0], None if b < 0 else names[b][-1]) for t, a, b in hints.tolist()]


def _recalled(hints: Sequence[tuple[int, JobId, JobId | None]], names: Sequence[Sequence[JobId]]) -> IntArray:
    """(n, 3) hints by the groups that their jobs are in now; those of jobs that have left are gone."""
    group_of = {job_id: number for number, members in enumerate(names) for job_id in members}
    rows = [
        (gpu_type, group_of[first], -1 if second is None else group_of[second])
        for gpu_type, first, second in hints
        if first in group_of and (second is None or second in group_of)
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)
