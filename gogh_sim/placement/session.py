"""One session with the solver: its settings, the folder of its files, and the clock that times it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pulp
from pulp.constants import LpSolutionIntegerFeasible, LpSolutionOptimal

from gogh_sim.placement.clock import Clock, Phase
from gogh_sim.placement.models import Cbc, FileModel, ObjectModel
from gogh_sim.placement.program import Program
from gogh_sim.placement.settings import SolverName, SolveSettings

_PULP: Any = pulp
"""PuLP, whose annotations are partial."""


class SolverError(Exception):
    """The solver gave no usable answer; the message is a status for `SolveReport`."""


@dataclass(frozen=True)
class Session:
    """Runs programs; files live in `folder`, times go to `clock`, and the seconds of each run to `runs`."""

    settings: SolveSettings
    folder: str
    clock: Clock
    runs: list[float] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, settings: SolveSettings, clock: Clock) -> Iterator[Session]:
        """A session whose folder is private and gone at the end.

        Raises
        ------
        SolverError
            If there is no room for the folder.
        """
        try:
            folder = tempfile.TemporaryDirectory(prefix="gogh-placement-", ignore_cleanup_errors=True)
        except OSError as error:
            raise SolverError("no temporary folder") from error
        with folder as path:
            yield cls(settings, path, clock)

    def run(self, program: Program, gap: float | None = None) -> bool:
        """Solve a program; returns whether the answer in it is proven optimal (within the gap).

        `gap` is between objective and bound, in the program's scale; None stands for the relative one of the settings.
        `sol_status` tells what `status` hides: PuLP calls an incumbent at a limit "Optimal".

        Raises
        ------
        SolverError
            If the solver is missing, fails, or finds no answer.
        """
        through_files = self.settings.solver == SolverName.CBC
        with self.clock.phase(Phase.MODEL):
            model = FileModel(program) if through_files else ObjectModel(program)
        began = time.perf_counter()
        with self.clock.phase(Phase.FILES if through_files else Phase.SOLVER):
            try:
                model.solve(self._solver(integer=program.integer, gap=gap))
                if isinstance(model, ObjectModel):
                    model.collect()
            except (_PULP.PulpError, OSError, ValueError, IndexError, KeyError, TypeError) as error:
                raise SolverError("solver failed") from error
            finally:
                self.runs.append(time.perf_counter() - began)
        if model.sol_status not in (LpSolutionOptimal, LpSolutionIntegerFeasible):
            raise SolverError("time limit" if self.timed_out else "solver found no answer")
        return bool(model.sol_status == LpSolutionOptimal)

    @property
    def timed_out(self) -> bool:
        """Whether the last run took as long as the guard allows."""
        return bool(self.runs) and self.runs[-1] >= self.settings.time_limit_s

    def _solver(self, *, integer: bool, gap: float | None) -> Any:
        """PuLP's solver object, on one thread."""
        settings = self.settings
        common: dict[str, Any] = {"mip": integer, "msg": False, "timeLimit": settings.time_limit_s}
        if integer:
            common |= {"gapRel": settings.gap} if gap is None else {"gapRel": 0.0, "gapAbs": gap}
        if settings.solver == SolverName.CBC:
            # PuLP 4 moves the bundled binary out of PULP_CBC_CMD; COIN_CMD with a path works in all versions.
            path = getattr(getattr(pulp, "PULP_CBC_CMD", None), "pulp_cbc_path", None)
            # Told to use one thread, CBC starts a second one to hand nodes to: now and then that misses its call and
            # wakes 10 s later, and the search takes another course. Told nothing, it has just the one.
            limits = {"maxNodes": settings.node_limit} if integer else {}
            solver = Cbc(self.clock, self.folder, path=path, **limits, **common)
        else:
            solver = _PULP.HiGHS(threads=1, **common, **({"mip_max_nodes": settings.node_limit} if integer else {}))
        if not solver.available():
            raise SolverError("solver missing")
        return solver
