"""The master problem in PuLP: as a file for CBC, as PuLP's variables and rows for solvers that read those."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pulp

from gogh_sim.placement.clock import Clock, Phase
from gogh_sim.placement.program import Program

_PULP: Any = pulp
"""PuLP, whose annotations are partial."""


class FileModel(_PULP.LpProblem):  # type: ignore[misc]
    """A program that goes to the solver and back as files: PuLP's objects, which would take longer than CBC, are left
    out."""

    def __init__(self, program: Program) -> None:
        super().__init__("placement", _PULP.LpMinimize)
        self.program = program

    def writeMPS(self, filename: str, *args: object, **kwargs: object) -> tuple[Any, ...]:  # noqa: N802
        """PuLP's method, which solvers call for their input file; variables and names stay with the program."""
        self.program.write(Path(filename))
        return [], {}, {}, "OBJ"


class Cbc(_PULP.COIN_CMD):  # type: ignore[misc]
    """PuLP's CBC for a `FileModel`, with the solver's time told from that of files by what PuLP calls around it."""

    def __init__(self, clock: Clock, folder: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.tmpDir = folder
        self._clock = clock

    def get_pipe(self) -> Any:
        """PuLP's method, called just before the solver starts."""
        self._clock.switch(Phase.SOLVER)
        return super().get_pipe()

    def readsol_MPS(self, filename: str, model: FileModel, *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        """PuLP's method, called when the solver has ended; values and prices stay with the program."""
        self._clock.switch(Phase.FILES)
        status, sol_status = self.get_status(filename)
        model.program.read(Path(filename))
        return status, {}, {}, {}, {}, sol_status


class ObjectModel(_PULP.LpProblem):  # type: ignore[misc]
    """A program in PuLP's own terms."""

    def __init__(self, program: Program) -> None:
        super().__init__("placement", _PULP.LpMinimize)
        self._program = program
        category = _PULP.LpInteger if program.integer else _PULP.LpContinuous
        # PuLP from 3.3 on makes variables by its models, before only by themselves.
        variable = getattr(self, "add_variable", _PULP.LpVariable)
        self._uses = [variable(f"n{k}", 0, None, category) for k in range(len(program))]
        self._queued = [variable(f"s{g}", 0) for g in range(len(program.problem.groups))]
        costs = [*program.cost.tolist(), *program.queue_cost.tolist()]
        self.setObjective(_PULP.LpAffineExpression(dict(zip([*self._uses, *self._queued], costs, strict=True))))
        self._room_rows, self._job_rows = self._add_rows()

    def _add_rows(self) -> tuple[list[Any], list[Any]]:
        """Rows of room, None in place of one that no column takes anything of, and rows of jobs."""
        problem, matrix = self._program.problem, self._program.matrix
        starts, columns, values = (a.tolist() for a in (matrix.indptr, matrix.indices, matrix.data))
        terms = [
            {self._uses[k]: value for k, value in zip(columns[first:last], values[first:last], strict=True)}
            for first, last in pairwise(starts)
        ]
        counts, rooms = problem.groups.count.tolist(), problem.rows.room.tolist()
        room = [
            self._add_row(row, _PULP.LpConstraintLE, f"r{i}", rooms[i]) if row else None
            for i, row in enumerate(terms[: len(rooms)])
        ]
        jobs = [
            self._add_row({**row, self._queued[g]: 1}, _PULP.LpConstraintEQ, f"j{g}", counts[g])
            for g, row in enumerate(terms[len(rooms) :])
        ]
        return room, jobs

    def _add_row(self, terms: dict[Any, float], sense: int, name: str, rhs: float) -> Any:
        row = _PULP.LpConstraint(_PULP.LpAffineExpression(terms), sense, name, rhs)
        self.addConstraint(row)
        return row

    def collect(self) -> None:
        """Hand the answer to the program."""
        program = self._program
        program.uses = np.array([v.varValue for v in self._uses], dtype=np.float64)
        program.queued = np.array([v.varValue for v in self._queued], dtype=np.float64)
        program.job_price = np.array([row.pi for row in self._job_rows], dtype=np.float64)
        program.room_price = np.array([0.0 if row is None else row.pi for row in self._room_rows], dtype=np.float64)
