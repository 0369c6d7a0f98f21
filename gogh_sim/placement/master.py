"""Answers of the master problem: its relaxation with prices, and its integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.clock import Phase
from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.program import Program
from gogh_sim.placement.session import Session, SolverError
from gogh_sim.types import FloatArray, IntArray

_ROUNDING = 1e-4
"""How far from an integer an integer answer may lie: CBC's own tolerance is 1e-6, and its files have 8 digits."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Optimum of the relaxation: objective, (K,) uses of the columns, prices."""

    objective: float
    uses: FloatArray
    duals: Duals


@dataclass(frozen=True, eq=False)
class Integral:
    """Answer of the integer step: (K,) uses, whether it is proven optimal within the gap, or stopped by the guard."""

    uses: IntArray
    proven: bool
    timed_out: bool


def relax(program: Program, session: Session) -> Relaxed:
    """Solve a linear relaxation.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or does not prove optimality.
    """
    if not session.run(program):
        raise SolverError("relaxation not solved")
    job, room = _finite(program.job_price), np.minimum(_finite(program.room_price), 0.0)
    return Relaxed(program.objective, _finite(program.uses), Duals(job * program.scale, room * program.scale))


def integrate(problem: Problem, columns: Columns, session: Session, within: float | None = None) -> Integral:
    """Solve the integer program over `columns`.

    Parameters
    ----------
    within
        Gap between answer and solver's bound at which to stop, in the unit of the costs; by default the settings'
        relative one.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or returns something that is no placement.
    """
    with session.clock.phase(Phase.MODEL):
        program = Program(problem, columns, integer=True)
    proven = session.run(program, gap=None if within is None else within / program.scale)
    values = _finite(program.uses)
    uses = np.rint(values).astype(np.int64)
    if np.abs(values - uses).max(initial=0.0) > _ROUNDING or not is_placement(problem, columns, uses):
        raise SolverError("garbage answer")
    return Integral(uses, proven, not proven and session.timed_out)


def is_placement(problem: Problem, columns: Columns, uses: IntArray) -> bool:
    """Whether these uses keep every constraint: no job placed twice, no room overbooked, none negative."""
    placed = columns.jobs_placed(uses, len(problem.groups))
    taken = columns.room_taken(uses, problem)
    return bool((uses >= 0).all() and (placed <= problem.groups.count).all() and (taken <= problem.rows.room).all())


def _finite(values: FloatArray) -> FloatArray:
    if not np.isfinite(values).all():
        raise SolverError("garbage answer")
    return values
