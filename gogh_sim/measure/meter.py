"""What is read from a GPU while probes run: watts, clocks and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a GPU; `memory_gib` is what is in use on it, by whomever."""

    power_w: float
    sm_clock_mhz: float
    memory_clock_mhz: float
    memory_gib: float


class Meter(Protocol):
    """Reads one GPU."""

    def read(self) -> Reading | None:
        """A reading, or nothing where there is no sensor."""

    def describe(self) -> dict[str, str]:
        """What is metered, by what: names and versions."""


class NoMeter:
    """For devices without a sensor: rates are measured, watts are not."""

    def read(self) -> Reading | None:
        """Nothing."""
        return None

    def describe(self) -> dict[str, str]:
        """That there is no meter."""
        return {"meter": "none"}


@dataclass(frozen=True, slots=True)
class Draw:
    """Means over readings, and most memory in use; nan without any reading. `samples` are how many."""

    power_w: float
    sm_clock_mhz: float
    memory_clock_mhz: float
    peak_gib: float
    samples: int

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> Draw:
        """What the readings come to."""
        if not readings:
            return cls(np.nan, np.nan, np.nan, np.nan, 0)
        table = np.array([(r.power_w, r.sm_clock_mhz, r.memory_clock_mhz) for r in readings])
        power, sm, memory = table.mean(axis=0).tolist()
        return cls(power, sm, memory, max(r.memory_gib for r in readings), len(readings))
