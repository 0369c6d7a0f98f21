"""One session with the solver: its settings, the folder of its files, and the clock that times it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pulp
from pulp.constants import LpSolutionIntegerFeasible, LpSolutionOptimal

from gogh_sim.placement.settings import SolverName, SolveSettings

_CBC_OPTIONS = ("heuristicsOnOff off", "preprocess off")
"""What CBC leaves out: on set partitions whose relaxation is nearly integral it costs more than it saves (measured on
recorded instances of 60 groups: 59 ms instead of 143 ms at a smaller gap)."""

_PULP: Any = pulp
"""PuLP, whose annotations are partial."""


class SolverError(Exception):
    """The solver gave no usable answer; the message is a status for `SolveReport`."""


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


@dataclass(frozen=True)
class Session:
    """Runs models; files live in `folder`, times go to `clock`."""

    settings: SolveSettings
    folder: str
    clock: Clock

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

    def run(self, model: Any, *, integer: bool) -> bool:
        """Solve a PuLP model; returns whether the answer in it is proven optimal (within the gap).

        `sol_status` tells what `status` hides: PuLP calls an incumbent at a limit "Optimal".

        Raises
        ------
        SolverError
            If the solver is missing, fails, or finds no answer.
        """
        with self.clock.solving():
            try:
                model.solve(self._solver(integer=integer))
            except (_PULP.PulpError, OSError, ValueError, IndexError, KeyError, TypeError) as error:
                raise SolverError("solver failed") from error
        if model.sol_status not in (LpSolutionOptimal, LpSolutionIntegerFeasible):
            raise SolverError("time limit" if self.timed_out else "solver found no answer")
        return bool(model.sol_status == LpSolutionOptimal)

    @property
    def timed_out(self) -> bool:
        """Whether the last run took as long as the guard allows."""
        return self.clock.last_s >= self.settings.time_limit_s

    def _solver(self, *, integer: bool) -> Any:
        """PuLP's solver object, on one thread."""
        settings = self.settings
        common: dict[str, Any] = {"mip": integer, "msg": False, "threads": 1, "timeLimit": settings.time_limit_s}
        if integer:
            common["gapRel"] = settings.gap
        if settings.solver == SolverName.CBC:
            # PuLP 4 moves the bundled binary out of PULP_CBC_CMD; COIN_CMD with a path works in all versions.
            path = getattr(getattr(pulp, "PULP_CBC_CMD", None), "pulp_cbc_path", None)
            limits = {"maxNodes": settings.node_limit, "options": list(_CBC_OPTIONS)} if integer else {}
            solver = _PULP.COIN_CMD(path=path, **limits, **common)
            solver.tmpDir = self.folder
        else:
            solver = _PULP.HiGHS(**common, **({"mip_max_nodes": settings.node_limit} if integer else {}))
        if not solver.available():
            raise SolverError("solver missing")
        return solver
