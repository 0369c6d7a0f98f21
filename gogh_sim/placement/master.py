"""The master problem in PuLP: a set partition over given columns, as a relaxation with prices or in integers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pulp
from pulp.constants import LpSolutionIntegerFeasible, LpSolutionOptimal

from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.settings import SolverName, SolveSettings
from gogh_sim.types import FloatArray, IntArray

_ROUNDING = 1e-4
"""How far from an integer an integer answer may lie: CBC's own tolerance is 1e-6, and its files have 8 digits."""

_PULP: Any = pulp
"""PuLP, whose annotations are partial."""


class SolverError(Exception):
    """The solver gave no usable answer; the message is a status for `SolveReport`."""


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


@dataclass
class Clock:
    """Wall-clock seconds spent in building models and in solving them, and in the last solve alone."""

    build_s: float = 0.0
    solve_s: float = 0.0
    last_s: float = 0.0

    @contextmanager
    def building(self) -> Iterator[None]:
        """Count a block as building."""
        began = time.perf_counter()
        yield
        self.build_s += time.perf_counter() - began

    @contextmanager
    def solving(self) -> Iterator[None]:
        """Count a block as solving, whether or not it succeeds."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.last_s = time.perf_counter() - began
            self.solve_s += self.last_s


def relax(problem: Problem, columns: Columns, settings: SolveSettings, clock: Clock) -> Relaxed:
    """Solve the linear relaxation over `columns`.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or does not prove optimality.
    """
    model = _Model(problem, columns, clock, integer=False)
    if not model.solve(settings, clock):
        raise SolverError("relaxation not solved")
    return Relaxed(model.objective(), model.values(), model.duals())


def integrate(problem: Problem, columns: Columns, settings: SolveSettings, clock: Clock) -> Integral:
    """Solve the integer program over `columns`.

    Raises
    ------
    SolverError
        If the solver is missing, fails, or returns something that is no placement.
    """
    model = _Model(problem, columns, clock, integer=True)
    proven = model.solve(settings, clock)
    values = model.values()
    uses = np.rint(values).astype(np.int64)
    if np.abs(values - uses).max(initial=0.0) > _ROUNDING or not is_placement(problem, columns, uses):
        raise SolverError("garbage answer")
    return Integral(uses, proven, model.timed_out)


def is_placement(problem: Problem, columns: Columns, uses: IntArray) -> bool:
    """Whether these uses keep every constraint: no job placed twice, no GPU type overbooked, none negative."""
    placed = columns.jobs_placed(uses, len(problem.groups))
    gpus = columns.gpus_used(uses, len(problem.supply))
    return bool((uses >= 0).all() and (placed <= problem.groups.count).all() and (gpus <= problem.supply.gpus).all())


class _Model:
    """One PuLP model, built from arrays; costs are scaled to the typical queue cost, for the solver's tolerances."""

    def __init__(self, problem: Problem, columns: Columns, clock: Clock, *, integer: bool) -> None:
        with clock.building():
            self._integer = integer
            self.timed_out = False
            queue_cost = problem.groups.queue_cost
            self._scale = float(np.median(queue_cost[queue_cost > 0])) if (queue_cost > 0).any() else 1.0
            self._model: Any = _PULP.LpProblem("placement", _PULP.LpMinimize)
            category = _PULP.LpInteger if integer else _PULP.LpContinuous
            # PuLP from 3.3 on makes variables by its models, before only by themselves.
            variable = getattr(self._model, "add_variable", _PULP.LpVariable)
            self._uses = [variable(f"n{k}", 0, None, category) for k in range(len(columns))]
            self._queued = [variable(f"s{g}", 0) for g in range(len(problem.groups))]
            self._cost = np.concatenate([columns.cost, queue_cost]) / self._scale
            terms = dict(zip([*self._uses, *self._queued], self._cost.tolist(), strict=True))
            self._model.setObjective(_PULP.LpAffineExpression(terms))
            self._job_rows = self._add_job_rows(problem, columns)
            self._gpu_rows = self._add_gpu_rows(problem, columns)

    def _add_job_rows(self, problem: Problem, columns: Columns) -> list[Any]:
        group, column, jobs = columns.members()
        starts = np.searchsorted(group, np.arange(len(problem.groups) + 1)).tolist()
        column_list, job_list, count = column.tolist(), jobs.tolist(), problem.groups.count.tolist()
        rows = []
        for g, queued in enumerate(self._queued):
            part = slice(starts[g], starts[g + 1])
            terms = {self._uses[k]: n for k, n in zip(column_list[part], job_list[part], strict=True)}
            terms[queued] = 1.0
            rows.append(self._add_row(terms, _PULP.LpConstraintEQ, f"j{g}", count[g]))
        return rows

    def _add_gpu_rows(self, problem: Problem, columns: Columns) -> list[Any]:
        rows = []
        for t, gpus in enumerate(problem.supply.gpus.tolist()):
            index = np.flatnonzero(columns.gpu_type == t).tolist()
            terms = {self._uses[k]: w for k, w in zip(index, columns.width[index].tolist(), strict=True)}
            rows.append(self._add_row(terms, _PULP.LpConstraintLE, f"t{t}", gpus) if terms else None)
        return rows

    def _add_row(self, terms: dict[Any, float], sense: int, name: str, rhs: float) -> Any:
        row = _PULP.LpConstraint(_PULP.LpAffineExpression(terms), sense, name, rhs)
        self._model.addConstraint(row)
        return row

    def solve(self, settings: SolveSettings, clock: Clock) -> bool:
        """Run the solver; whether it proved optimality (within the gap). `sol_status` tells what `status` hides."""
        with clock.solving(), tempfile.TemporaryDirectory(prefix="gogh-placement-") as folder:
            try:
                solver = _solver(settings, Path(folder), integer=self._integer)
                self._model.solve(solver)
            except (_PULP.PulpError, OSError, ValueError, IndexError, KeyError, TypeError) as error:
                raise SolverError("solver failed") from error
        self.timed_out = self._model.sol_status != LpSolutionOptimal and clock.last_s >= settings.time_limit_s
        if self._model.sol_status not in (LpSolutionOptimal, LpSolutionIntegerFeasible):
            raise SolverError("time limit" if self.timed_out else "solver found no answer")
        return bool(self._model.sol_status == LpSolutionOptimal)

    def values(self) -> FloatArray:
        return _numbers([variable.varValue for variable in self._uses])

    def objective(self) -> float:
        return float(_numbers([v.varValue for v in [*self._uses, *self._queued]]) @ self._cost) * self._scale

    def duals(self) -> Duals:
        job = _numbers([row.pi for row in self._job_rows])
        gpu = _numbers([0.0 if row is None else row.pi for row in self._gpu_rows])
        return Duals(job * self._scale, np.minimum(gpu, 0.0) * self._scale)


def _numbers(values: list[float | None]) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise SolverError("garbage answer")
    return array


def _solver(settings: SolveSettings, folder: Path, *, integer: bool) -> Any:
    """PuLP's solver object, on one thread, with its files in `folder`.

    Raises
    ------
    SolverError
        If the solver is not installed.
    """
    common: dict[str, Any] = {"mip": integer, "msg": False, "threads": 1, "timeLimit": settings.time_limit_s}
    if integer:
        common["gapRel"] = settings.gap
    if settings.solver == SolverName.CBC:
        # PuLP 4 moves the bundled binary out of PULP_CBC_CMD; COIN_CMD with a path works in all versions.
        path = getattr(getattr(pulp, "PULP_CBC_CMD", None), "pulp_cbc_path", None)
        solver = _PULP.COIN_CMD(path=path, maxNodes=settings.node_limit if integer else None, **common)
        solver.tmpDir = str(folder)
    else:
        solver = _PULP.HiGHS(**common, **({"mip_max_nodes": settings.node_limit} if integer else {}))
    if not solver.available():
        raise SolverError("solver missing")
    return solver
