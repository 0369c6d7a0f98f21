"""The master problem in PuLP: a set partition over given columns, as a relaxation with prices or in integers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pulp
from scipy import sparse

from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.session import Phase, Session, SolverError
from gogh_sim.types import FloatArray, IntArray

_ROUNDING = 1e-4
"""How far from an integer an integer answer may lie: CBC's own tolerance is 1e-6, and its files have 8 digits."""

_PULP: Any = pulp
"""PuLP, whose annotations are partial."""


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


def relax(problem: Problem, columns: Columns, session: Session) -> Relaxed:
    """Solve the linear relaxation over `columns`.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or does not prove optimality.
    """
    with session.clock.phase(Phase.MODEL):
        model = _Master(problem, columns, integer=False)
    if not session.run(model, integer=False):
        raise SolverError("relaxation not solved")
    return Relaxed(model.cost_of_answer(), model.uses(), model.duals())


def integrate(problem: Problem, columns: Columns, session: Session) -> Integral:
    """Solve the integer program over `columns`.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or returns something that is no placement.
    """
    with session.clock.phase(Phase.MODEL):
        model = _Master(problem, columns, integer=True)
    proven = session.run(model, integer=True)
    values = model.uses()
    uses = np.rint(values).astype(np.int64)
    if np.abs(values - uses).max(initial=0.0) > _ROUNDING or not is_placement(problem, columns, uses):
        raise SolverError("garbage answer")
    return Integral(uses, proven, not proven and session.timed_out)


def is_placement(problem: Problem, columns: Columns, uses: IntArray) -> bool:
    """Whether these uses keep every constraint: no job placed twice, no room overbooked, none negative."""
    placed = columns.jobs_placed(uses, len(problem.groups))
    taken = columns.room_taken(uses, problem)
    return bool((uses >= 0).all() and (placed <= problem.groups.count).all() and (taken <= problem.rows.room).all())


class _Master(_PULP.LpProblem):  # type: ignore[misc]
    """The PuLP model: n_k uses of column k, s_g queued jobs of group g, a row j_g per group and r_i per capacity limit.

    Costs are scaled to the typical queue cost, for the solver's tolerances.
    """

    def __init__(self, problem: Problem, columns: Columns, *, integer: bool) -> None:
        super().__init__("placement", _PULP.LpMinimize)
        queue_cost = problem.groups.queue_cost
        self._scale = float(np.median(queue_cost[queue_cost > 0])) if (queue_cost > 0).any() else 1.0
        self._problem, self._columns, self._integer = problem, columns, integer
        self._cost = np.concatenate([columns.cost, queue_cost]) / self._scale
        category = _PULP.LpInteger if integer else _PULP.LpContinuous
        # PuLP from 3.3 on makes variables by its models, before only by themselves.
        variable = getattr(self, "add_variable", _PULP.LpVariable)
        self._uses = [variable(f"n{k}", 0, None, category) for k in range(len(columns))]
        self._queued = [variable(f"s{g}", 0) for g in range(len(problem.groups))]
        terms = dict(zip([*self._uses, *self._queued], self._cost.tolist(), strict=True))
        self.setObjective(_PULP.LpAffineExpression(terms))
        self._matrix = _matrix(problem, columns)
        self._job_rows, self._room_rows = self._add_rows()

    def _add_rows(self) -> tuple[list[Any], list[Any]]:
        """Rows of jobs, and rows of room; None in place of a row of room that no column takes anything of."""
        starts, columns, values = (a.tolist() for a in (self._matrix.indptr, self._matrix.indices, self._matrix.data))
        terms = [
            {self._uses[k]: value for k, value in zip(columns[first:last], values[first:last], strict=True)}
            for first, last in pairwise(starts)
        ]
        counts, rooms = self._problem.groups.count.tolist(), self._problem.rows.room.tolist()
        jobs = [
            self._add_row({**row, self._queued[g]: 1}, _PULP.LpConstraintEQ, f"j{g}", counts[g])
            for g, row in enumerate(terms[len(rooms) :])
        ]
        room = [
            self._add_row(row, _PULP.LpConstraintLE, f"r{i}", rooms[i]) if row else None
            for i, row in enumerate(terms[: len(rooms)])
        ]
        return jobs, room

    def _add_row(self, terms: dict[Any, float], sense: int, name: str, rhs: float) -> Any:
        row = _PULP.LpConstraint(_PULP.LpAffineExpression(terms), sense, name, rhs)
        self.addConstraint(row)
        return row

    def uses(self) -> FloatArray:
        return _numbers([variable.varValue for variable in self._uses])

    def cost_of_answer(self) -> float:
        return float(_numbers([v.varValue for v in [*self._uses, *self._queued]]) @ self._cost) * self._scale

    def duals(self) -> Duals:
        job = _numbers([row.pi for row in self._job_rows])
        room = _numbers([0.0 if row is None else row.pi for row in self._room_rows])
        return Duals(job * self._scale, np.minimum(room, 0.0) * self._scale)

    def writeMPS(self, filename: str, *args: object, **kwargs: object) -> tuple[Any, ...]:  # noqa: N802
        """PuLP's method, which solvers call for their input file; from arrays it takes a fifth of the time.

        Returns what PuLP returns with ``rename=1``: variables, and the names of variables, rows and objective.
        """
        rows = [row.name for row in [*self._job_rows, *self._room_rows] if row is not None]
        lines = chain(
            ["NAME placement FREE\nROWS\n N  OBJ\n"],
            (f" E  {row.name}\n" for row in self._job_rows),
            (f" L  {row.name}\n" for row in self._room_rows if row is not None),
            ["COLUMNS\n"],
            self._column_lines(),
            ["RHS\n"],
            (f" RHS j{g} {count}\n" for g, count in enumerate(self._problem.groups.count.tolist())),
            (f" RHS {row.name} {-row.constant}\n" for row in self._room_rows if row is not None),
            ["BOUNDS\n"],
            (f" PL BND n{k}\n" for k in range(len(self._uses))),
            ["ENDATA\n"],
        )
        Path(filename).write_text("".join(lines), encoding="ascii")
        variables = [*self._uses, *self._queued]
        return variables, {v.name: v.name for v in variables}, {name: name for name in rows}, "OBJ"

    def _column_lines(self) -> list[str]:
        by_column = self._matrix.tocsc()
        starts, rows, values = (a.tolist() for a in (by_column.indptr, by_column.indices, by_column.data))
        names = [f"r{i}" for i in range(len(self._room_rows))] + [f"j{g}" for g in range(len(self._job_rows))]
        cost = [f"{value:.15e}" for value in self._cost.tolist()]
        lines = [" MARK 'MARKER' 'INTORG'\n"] if self._integer else []
        for k, (first, last) in enumerate(pairwise(starts)):
            lines.append(f" n{k} OBJ {cost[k]}\n")
            lines += [f" n{k} {names[rows[i]]} {values[i]}\n" for i in range(first, last)]
        if self._integer:
            lines.append(" MARK 'MARKER' 'INTEND'\n")
        lines += [f" s{g} OBJ {value} j{g} 1\n" for g, value in enumerate(cost[len(starts) - 1 :])]
        return lines


def _matrix(problem: Problem, columns: Columns) -> sparse.csr_array:
    """(R + G, K) room that a use of a column takes, and the jobs that it places."""
    group, column, jobs = columns.entries
    rows = problem.rows
    taken = rows.taken[:, columns.first] * (rows.gpu_type[:, np.newaxis] == columns.gpu_type)
    row, taker = np.nonzero(taken)
    where = (np.concatenate([row, rows.room.size + group]), np.concatenate([taker, column]))
    shape = (rows.room.size + len(problem.groups), len(columns))
    return sparse.csr_array((np.concatenate([taken[row, taker], jobs]), where), shape=shape)


def _numbers(values: list[float | None]) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise SolverError("garbage answer")
    return array
