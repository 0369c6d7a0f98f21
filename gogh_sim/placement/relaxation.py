"""The relaxation over all columns by column generation, and the bound that its prices prove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.columns import Candidates, Columns, Duals
from gogh_sim.placement.master import Clock, relax
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import FloatArray

_PRECISION = 1e-8
"""Relative precision of prices in solvers' files; what prices in by less is noise."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Last master problem: its columns and (K,) uses; `duals` are feasible for every column and prove `bound`."""

    columns: Columns
    uses: FloatArray
    duals: Duals
    bound: float


def solve_relaxation(candidates: Candidates, settings: SolveSettings, clock: Clock) -> Relaxation:
    """Solve the relaxation; stops when the bound is within a tenth of the allowed gap, or nothing prices in.

    Raises
    ------
    SolverError
        If the solver gives no usable answer.
    """
    columns = _first_columns(candidates, settings)
    best, bound = Duals(np.zeros(len(candidates.problem.groups)), np.zeros(len(candidates.problem.supply))), 0.0
    for _ in range(settings.rounds + 1):
        master = relax(candidates.problem, columns, settings, clock)
        duals = feasible_duals(candidates, master.duals)
        if dual_bound(candidates, duals) > bound:
            best, bound = duals, dual_bound(candidates, duals)
        if master.objective - bound <= (0.1 * settings.gap + _PRECISION) * abs(master.objective):
            break
        threshold = -_PRECISION * float(np.abs(master.duals.job).max(initial=0.0))
        priced = candidates.best_partners(master.duals, settings.columns_per_row, threshold)
        enlarged = candidates.union(columns, priced)
        if len(enlarged) == len(columns):
            break
        columns = enlarged
    return Relaxation(columns, master.uses, best, bound)


def feasible_duals(candidates: Candidates, duals: Duals) -> Duals:
    """Lower the prices of jobs until no column of the whole problem has a negative reduced cost.

    A violation v of a single is taken from its group, one of a pair in halves from both.
    """
    capped = Duals(np.minimum(duals.job, candidates.problem.groups.queue_cost), np.minimum(duals.gpu, 0.0))
    alone = candidates.alone_reduced(capped).min(axis=1, initial=np.inf)
    pair = candidates.pair_reduced(capped).min(axis=(0, 2), initial=np.inf) / 2
    return Duals(capped.job + np.minimum(0.0, np.minimum(alone, pair)), capped.gpu)


def dual_bound(candidates: Candidates, duals: Duals) -> float:
    """Lower bound on every placement's cost, by weak duality, from feasible prices."""
    problem = candidates.problem
    return float(duals.job @ problem.groups.count + duals.gpu @ problem.supply.gpus)


def _first_columns(candidates: Candidates, settings: SolveSettings) -> Columns:
    if candidates.size <= settings.all_columns_below:
        return candidates.all()
    cheapest = np.minimum(candidates.alone.min(axis=1, initial=np.inf), candidates.problem.groups.queue_cost)
    free = Duals(cheapest, np.zeros(len(candidates.problem.supply)))
    return candidates.best_partners(free, settings.columns_per_row, np.inf)
