"""Where the seconds of a solve go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Phase(StrEnum):
    """What a solve spends its time on.

    `columns`: costs of every column; `pricing`: which of them enter, and bounds; `model`: the program for the solver;
    `files`: writing it and reading the answer; `solver`: the solver itself, its start included; `rounding`: integers
    near the relaxation, and greedy answers.
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
