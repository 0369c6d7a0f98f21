"""From shares of time to placements, round by round: the mechanism under Gavel's policies on the event engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement.allocation import ALONE, Demands
from gogh_sim.placement.fleet import Fleet, FreeGpus
from gogh_sim.placement.turns import choose, priorities
from gogh_sim.policy import ActiveJob, ClusterView, Decision, Placement, PolicyContext, ThroughputSource, Wake
from gogh_sim.schedulers.capacity import Capacity, start_who_fits
from gogh_sim.schedulers.rates import demands_of
from gogh_sim.types import BoolArray, FloatArray, JobId

Row: TypeAlias = tuple[JobId, ...]
"""One job, or two that share their GPUs."""

_DIGITS = 6
"""Decimals of a share that count; the rest is noise of the solver, and must not decide between equals."""


@dataclass(frozen=True, eq=False)
class Question:
    """What an objective is asked: the demands of J jobs, with relative speeds as rates, and the jobs in that order."""

    now_s: float
    demands: Demands
    jobs: tuple[ActiveJob, ...]


Objective: TypeAlias = Callable[[Question], FloatArray]
"""(R, K) shares of time for the rows of the question's demands."""


class RoundTurns:
    """Gives every job, over time, the share of each GPU type that an objective allots to it.

    At each round the rows (jobs alone, or two sharing) that have had least of their share get their turn, type by type,
    and jobs alone fill what is left; between rounds jobs that come start on free GPUs. Shares are computed anew at the
    first round after jobs came or went, and time received counts from then (Narayanan et al., OSDI 2020, section 5).

    Parameters
    ----------
    source
        Who says how fast jobs run on each type and beside each other.
    objective
        What is optimised.
    theta
        Most jobs per GPU that the policy wants: 1, or 2 for space sharing.
    """

    def __init__(self, context: PolicyContext, source: ThroughputSource, objective: Objective, theta: int) -> None:
        if theta not in (1, 2):
            raise InputError(f"theta must be 1 (no space sharing) or 2, found {theta}")
        self._context, self._source, self._objective = context, source, objective
        self._theta = min(theta, context.cluster.theta)
        speed = [t.fp16_tflops for t in context.cluster.gpu_types]
        self._order = tuple(np.argsort(-np.array(speed), kind="stable").tolist())
        self._rows: tuple[Row, ...] = ()
        self._shares = self._received_s = self._can_run = np.zeros((0, len(speed)))
        self._on: dict[Row, int] = {}
        self._seen_s = 0.0

    def decide(self, view: ClusterView) -> Decision:
        """A new choice at rounds; in between, jobs start on free GPUs."""
        self._charge(view)
        if Wake.ROUND not in view.wakes:
            capacity = Capacity(self._context, view)
            return start_who_fits(capacity, capacity.queue())
        active = {**view.running, **view.pending}
        if active and {row[0] for row in self._rows if len(row) == 1} != active.keys():
            self._allocate(view.now_s, active)
        return Decision.target(view, self._place(view, self._turns(active, view.occupancy.up)))

    def _charge(self, view: ClusterView) -> None:
        """Note which rows run, and count the time since the last wake-up for them: only wake-ups start or move jobs."""
        elapsed_s, self._seen_s = view.now_s - self._seen_s, view.now_s
        cluster = view.cluster
        self._on = {
            row: int(cluster.type_of[cluster.index_of[gpus[0]]]) for gpus, row in _residents(view.running).items()
        }
        for place, row in enumerate(self._rows):
            if row in self._on:
                self._received_s[place, self._on[row]] += elapsed_s

    def _allocate(self, now_s: float, active: Mapping[JobId, ActiveJob]) -> None:
        ids = sorted(active)
        jobs = tuple(active[job_id] for job_id in ids)
        demands = demands_of(self._context, self._source, [one.job for one in jobs], self._theta)
        shares = np.round(self._objective(Question(now_s, demands, jobs)), _DIGITS)
        wanted = (demands.members[:, 1] == ALONE) | (shares > 0).any(axis=1)
        self._rows = tuple(tuple(ids[m] for m in members if m != ALONE) for members in demands.members[wanted].tolist())
        self._shares = shares[wanted]
        self._received_s = np.zeros_like(self._shares)
        self._can_run = demands.rate[wanted, 0]

    def _turns(self, active: Mapping[JobId, ActiveJob], up: BoolArray) -> list[tuple[Row, int]]:
        """Rows whose turn it is and the type that they get."""
        if not self._rows:
            return []
        number = {job_id: place for place, job_id in enumerate(sorted(active))}
        members = np.array([(number[r[0]], number[r[1]] if len(r) > 1 else ALONE) for r in self._rows], dtype=np.int64)
        width = np.array([active[row[0]].job.num_gpus for row in self._rows], dtype=np.int64)
        keys = (priorities(self._shares, self._received_s, self._received_s.sum(axis=0)), self._shares)
        cluster = self._context.cluster
        gpus = np.bincount(cluster.type_of[up], minlength=len(cluster.gpu_types)).astype(np.int64)
        chosen = choose(keys, self._can_run > 0, members, width, gpus, self._order)
        return [(self._rows[turn.row], turn.gpu_type) for turn in chosen]

    def _place(self, view: ClusterView, turns: list[tuple[Row, int]]) -> dict[JobId, Placement]:
        """Concrete GPUs: rows stay where they run, the rest follows, widest first, on as few nodes as there are."""
        cluster = view.cluster
        fleet = Fleet(cluster.type_of, cluster.node_of, np.array(view.occupancy.up), view.occupancy.node_on)
        free = FreeGpus(fleet)
        together = {row: gpus for gpus, row in _residents(view.running).items()}
        placement: dict[JobId, Placement] = {}
        movers = []
        for row, kind in turns:
            if row in together and self._on[row] == kind:
                free.take(tuple(cluster.index_of[gpu] for gpu in together[row]))
                placement.update(dict.fromkeys(row, together[row]))
            else:
                mover = view.running[row[0]] if row[0] in view.running else view.pending[row[0]]
                movers.append((mover.job.num_gpus, row, kind))
        for width, row, kind in sorted(movers, key=lambda one: -one[0]):
            gpus = free.whole(kind, width) or free.spread(kind, width, len(cluster.nodes))
            if gpus is not None:
                free.take(gpus)
                placement.update(dict.fromkeys(row, tuple(cluster.gpu_ids[gpu] for gpu in gpus)))
        return placement


def _residents(running: Mapping[JobId, ActiveJob]) -> dict[Placement, Row]:
    """Who holds just these GPUs."""
    rows: dict[Placement, Row] = {}
    for job_id, active in running.items():
        rows[active.gpus] = tuple(sorted((*rows.get(active.gpus, ()), job_id)))
    return rows
