"""Parameters of the simulated world that do not depend on cluster, trace or policy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gogh_sim.engine.faults import Faults
from gogh_sim.errors import InputError


@dataclass(frozen=True, slots=True)
class Gating:
    """Power gating of empty nodes, a service of the cluster that is the same for every policy.

    A node empty for `idle_s` goes off; a placement on it wakes it, which takes `wake_s`. Infinite `idle_s`: never off.
    """

    idle_s: float = 600.0
    wake_s: float = 120.0

    def __post_init__(self) -> None:
        if self.idle_s < 0 or self.wake_s < 0:
            raise InputError(f"gating: idle_s and wake_s must not be negative, found {self.idle_s}, {self.wake_s}")


LARGEST_SIGMA = 3.0
"""Largest standard deviation of a logarithm: one job in twenty is then off by a factor of 400."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Clockwork and frictions of the simulated world; times in seconds.

    Attributes
    ----------
    round_s
        Period of round ticks, at multiples of it, while jobs are pending or running.
    checkpoint_s, restore_s
        What a job that already ran pays, without progress, each time it is placed again.
    measure_s
        Shortest stretch with constant partners that yields a measurement.
    noise_sigma
        Standard deviation of the log of a measured over the true rate.
    hidden_sigma
        Standard deviation of the log of a job's hidden factor, which has median 1.
    stall_s
        The run ends when pending jobs have found no place for this long with nothing running and nothing to come that
        could help them, be it a job, a repair or a change of a service's requests.
    horizon_s
        Simulated time at which the run ends whatever is left.
    """

    round_s: float = 300.0
    checkpoint_s: float = 30.0
    restore_s: float = 30.0
    measure_s: float = 60.0
    noise_sigma: float = 0.02
    hidden_sigma: float = 0.05
    stall_s: float = 86_400.0
    horizon_s: float = math.inf
    gating: Gating = field(default_factory=Gating)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        for name in ("round_s", "stall_s", "horizon_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"engine.{name} must be positive, found {getattr(self, name)}")
        for name in ("checkpoint_s", "restore_s", "measure_s", "noise_sigma", "hidden_sigma"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"engine.{name} must be finite and not negative, found {getattr(self, name)}")

        for name in ("noise_sigma", "hidden_sigma"):
            if getattr(self, name) > LARGEST_SIGMA:
                raise InputError(f"engine.{name} must be at most {LARGEST_SIGMA:g}, found {getattr(self, name)}")

    @property
    def restart_s(self) -> float:
        """Checkpoint and restore together."""
        return self.checkpoint_s + self.restore_s
