"""One session with the solver: its settings, the folder of its files, and the clock that times it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
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


class Phase(StrEnum):
    """What a solve spends its time on.

    `columns`: costs of every column; `pricing`: which of them enter, bounds, hints; `model`: PuLP's objects; `files`:
    writing the program for the solver and reading its answer; `solver`: the solver itself, its start included;
    `rounding`: integers near the relaxation, and greedy answers.
    """

    COLUMNS = "columns"
    PRICING = "pricing"
    MODEL = "model"
    FILES = "files"
    SOLVER = "solver"
    ROUNDING = "rounding"


class Clock:
    """Wall-clock seconds by phase: at any time at most one of them runs, and an inner one interrupts the outer."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(Phase, 0.0)
        self._phase: Phase | None = None
        self._since = time.perf_counter()

    @property
    def build_s(self) -> float:
        """Seconds until there was a program to solve."""
        return self.spent[Phase.COLUMNS] + self.spent[Phase.MODEL]

    @property
    def solve_s(self) -> float:
        """All other seconds."""
        return sum(self.spent.values()) - self.build_s

    def seconds(self) -> dict[str, float]:
        """Seconds by the names of the phases, the one that runs included."""
        self.switch(self._phase)
        return {phase.value: spent for phase, spent in self.spent.items()}

    def switch(self, phase: Phase | None) -> Phase | None:
        """Let another phase run, or none; returns the one that ran."""
        now, before = time.perf_counter(), self._phase
        if before is not None:
            self.spent[before] += now - self._since
        self._phase, self._since = phase, now
        return before

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Count a block, whether or not it succeeds."""
        before = self.switch(phase)
        try:
            yield
        finally:
            self.switch(before)


class _Cbc(_PULP.COIN_CMD):  # type: ignore[misc]
    """PuLP's CBC through files, with its own time told apart from PuLP's, by what PuLP calls before and after it."""

    def __init__(self, clock: Clock, folder: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.tmpDir = folder
        self._clock = clock

    def get_pipe(self) -> Any:
        self._clock.switch(Phase.SOLVER)
        return super().get_pipe()

    def readsol_MPS(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        self._clock.switch(Phase.FILES)
        return super().readsol_MPS(*args, **kwargs)


@dataclass(frozen=True)
class Session:
    """Runs models; files live in `folder`, times go to `clock`, and the seconds of each run to `runs`."""

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

    def run(self, model: Any, *, integer: bool) -> bool:
        """Solve a PuLP model; returns whether the answer in it is proven optimal (within the gap).

        `sol_status` tells what `status` hides: PuLP calls an incumbent at a limit "Optimal".

        Raises
        ------
        SolverError
            If the solver is missing, fails, or finds no answer.
        """
        through_files = self.settings.solver == SolverName.CBC
        began = time.perf_counter()
        with self.clock.phase(Phase.FILES if through_files else Phase.SOLVER):
            try:
                model.solve(self._solver(integer=integer))
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
            solver = _Cbc(self.clock, self.folder, path=path, **limits, **common)
        else:
            solver = _PULP.HiGHS(**common, **({"mip_max_nodes": settings.node_limit} if integer else {}))
        if not solver.available():
            raise SolverError("solver missing")
        return solver
