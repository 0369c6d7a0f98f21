"""The relaxation over all columns by column generation, and the bound that its prices prove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.master import relax
from gogh_sim.placement.session import Session
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import FloatArray, IntArray

_PRECISION = 1e-8
"""Relative precision of prices in solvers' files; what prices in by less is noise."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A master problem: columns, (K,) uses and objective; `duals` are feasible for every column and prove `bound`."""

    columns: Columns
    uses: FloatArray
    objective: float
    duals: Duals
    bound: float

    def good(self, candidates: Candidates) -> IntArray:
        """(n, 4) keys of the shared columns worth having next time: reduced cost within a fiftieth of the cost."""
        columns = self.columns.take(self.columns.shared)
        return columns.keys[candidates.reduced(columns, self.duals) <= 0.02 * columns.cost]


def relaxations(candidates: Candidates, hints: IntArray, session: Session) -> Iterator[Relaxation]:
    """Ever better relaxations, one per pricing round, up to one whose bound is within a tenth of the allowed gap.

    Parameters
    ----------
    hints
        (n, 4) keys of columns that were good in a similar problem; they save pricing rounds.

    Raises
    ------
    SolverError
        If the solver gives no usable answer.
    """
    settings = session.settings
    columns = _first_columns(candidates, hints, settings)
    best, bound = Duals.of_jobs(candidates.problem, np.zeros(len(candidates.problem.groups))), 0.0
    for _ in range(settings.rounds + 1):
        master = relax(candidates.problem, columns, session)
        duals = feasible_duals(candidates, master.duals)
        if dual_bound(candidates, duals) > bound:
            best, bound = duals, dual_bound(candidates, duals)
        yield Relaxation(columns, master.uses, master.objective, best, bound)
        if master.objective - bound <= (0.1 * settings.gap + _PRECISION) * abs(master.objective):
            return
        threshold = -_PRECISION * float(np.abs(master.duals.job).max(initial=0.0))
        priced = candidates.best_partners(master.duals, settings.columns_per_row, threshold)
        enlarged = candidates.union(columns, priced)
        if len(enlarged) == len(columns):
            return
        columns = enlarged


def feasible_duals(candidates: Candidates, duals: Duals) -> Duals:
    """Lower the prices of jobs until no column of the whole problem has a negative reduced cost.

    A violation v of a single is taken from its group, one of n members in n-ths from each.
    """
    capped = Duals(np.minimum(duals.job, candidates.problem.groups.queue_cost), np.minimum(duals.row, 0.0))
    return Duals(capped.job + np.minimum(0.0, candidates.lowest(capped)), capped.row)


def dual_bound(candidates: Candidates, duals: Duals) -> float:
    """Lower bound on every placement's cost, by weak duality, from feasible prices."""
    problem = candidates.problem
    return float(duals.job @ problem.groups.count + duals.row @ problem.rows.room)


def _first_columns(candidates: Candidates, hints: IntArray, settings: SolveSettings) -> Columns:
    if candidates.size <= settings.all_columns_below:
        return candidates.all()
    groups = candidates.problem.groups
    cheapest = np.minimum(candidates.alone.min(axis=1, initial=np.inf), groups.queue_cost)
    pairs = candidates.best_partners(Duals.of_jobs(candidates.problem, cheapest), 1, 0.0)
    return candidates.union(candidates.singles(), candidates.union(pairs, candidates.named(hints)))
