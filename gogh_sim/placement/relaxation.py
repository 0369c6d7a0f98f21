"""The relaxation over all columns by column generation, and the bound that its prices prove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.clock import Phase
from gogh_sim.placement.columns import Duals
from gogh_sim.placement.master import relax
from gogh_sim.placement.program import Program
from gogh_sim.placement.session import Session
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import FloatArray, IntArray

_PRECISION = 1e-8
"""Relative precision of prices in solvers' files; what prices in by less is noise."""
_ENOUGH = 0.25
"""Share of the allowed gap that the relaxation may leave."""
_NEAR = 0.1
"""Share of its cost by which a column may be too dear by the prices to begin with and yet enter at once."""
_FIRST, _MORE = 4, 3
"""Columns of each size that enter for a group: to begin with, and in every round those that price in."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A master problem: (K,) positions of its columns among the candidates, their uses, and the objective.

    `duals` are feasible for every column and prove `bound`.
    """

    positions: IntArray
    uses: FloatArray
    objective: float
    duals: Duals
    bound: float

    @property
    def gap(self) -> float:
        """What is left of the objective above the bound, as a share of it."""
        return (self.objective - self.bound) / abs(self.objective) if self.objective else 0.0

    @property
    def used(self) -> IntArray:
        """Positions of the columns in use."""
        return np.asarray(self.positions[self.uses > 0])


def relaxations(candidates: Candidates, start: Duals, session: Session) -> Iterator[Relaxation]:
    """Ever better relaxations, one per pricing round, up to one whose bound is within a quarter of the allowed gap.

    Parameters
    ----------
    start
        Prices to begin with; good ones save pricing rounds.

    Raises
    ------
    SolverError
        If the solver gives no usable answer.
    """
    settings = session.settings
    reduced = candidates.reduced(start)
    best = feasible_duals(candidates, start)
    bound = dual_bound(candidates, best)
    positions = _first(candidates, reduced, settings)
    with session.clock.phase(Phase.MODEL):
        program = Program(candidates.problem, candidates.columns.take(positions), integer=False)
    for _ in range(settings.rounds + 1):
        master = relax(program, session)
        duals = _capped(candidates, master.duals)
        reduced = candidates.reduced(duals)
        feasible = Duals(duals.job + candidates.lowest(reduced), duals.row)
        if dual_bound(candidates, feasible) > bound:
            best, bound = feasible, dual_bound(candidates, feasible)
        relaxation = Relaxation(positions, master.uses, master.objective, best, bound)
        yield relaxation
        if relaxation.gap <= _ENOUGH * settings.gap + _PRECISION:
            return
        threshold = -_PRECISION * float(np.abs(duals.job).max(initial=0.0))
        priced = candidates.best(np.flatnonzero(reduced < threshold), reduced, _MORE)
        new = np.setdiff1d(priced, positions)
        if new.size == 0:
            return
        positions = np.concatenate([positions, new])
        with session.clock.phase(Phase.MODEL):
            program.add(candidates.columns.take(new))


def _first(candidates: Candidates, reduced: FloatArray, settings: SolveSettings) -> IntArray:
    if len(candidates) <= settings.all_columns_below:
        return np.arange(len(candidates))
    near = np.flatnonzero((reduced <= _NEAR * candidates.columns.cost) | (candidates.size == 1))
    return candidates.best(near, reduced, _FIRST)


def feasible_duals(candidates: Candidates, duals: Duals) -> Duals:
    """Lower the prices of jobs until no column of the whole problem has a negative reduced cost.

    A violation v of a single is taken from its group, one of n members in n-ths from each.
    """
    capped = _capped(candidates, duals)
    return Duals(capped.job + candidates.lowest(candidates.reduced(capped)), capped.row)


def dual_bound(candidates: Candidates, duals: Duals) -> float:
    """Lower bound on every placement's cost, by weak duality, from feasible prices."""
    problem = candidates.problem
    return float(duals.job @ problem.groups.count + duals.row @ problem.rows.room)


def _capped(candidates: Candidates, duals: Duals) -> Duals:
    """No job dearer than the queue, no room that is paid for being taken."""
    return Duals(np.minimum(duals.job, candidates.problem.groups.queue_cost), np.minimum(duals.row, 0.0))
