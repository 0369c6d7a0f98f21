"""The coordinates that the networks work in: log relative speed, and log pressure for normalised throughputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogh_sim.types import FloatArray

PRESSURE_FLOOR = 0.03
"""Pressure below which differences stop to matter: 3 % slowdown, about the run-to-run spread of a measured rate."""
MIN_NORM = 0.02
"""Least normalised throughput that is told apart from standing still."""


def pressure_of(norm: FloatArray) -> FloatArray:
    """Log pressure ``log(1 / norm - 1 + PRESSURE_FLOOR)`` of normalised throughputs; nan stays nan.

    Under the interference law ``norm = 1 / (1 + s * i)`` the pressure is ``s * i``, so its logarithm is a sum of what
    the job suffers and what the partner does: additive, and unbounded where norms are confined to (0, 1].
    """
    clipped = np.clip(norm, MIN_NORM, 1.0)
    result: FloatArray = np.log(1.0 / clipped - 1.0 + PRESSURE_FLOOR)
    return result


def norm_of(log_pressure: FloatArray) -> FloatArray:
    """Normalised throughput in (0, 1] of log pressures; inverse of `pressure_of`."""
    return 1.0 / (1.0 + raw_pressure(log_pressure))


def raw_pressure(log_pressure: FloatArray) -> FloatArray:
    """Pressure ``1 / norm - 1``, at least 0 and at most that of `MIN_NORM`."""
    result: FloatArray = np.clip(np.exp(np.minimum(log_pressure, 10.0)) - PRESSURE_FLOOR, 0.0, 1.0 / MIN_NORM - 1.0)
    return result


class Effects(NamedTuple):
    """A matrix as overall mean plus row plus column effects."""

    mean: float
    rows: FloatArray
    columns: FloatArray

    def table(self) -> FloatArray:
        """The matrix that these effects add up to."""
        return self.mean + self.rows[:, None] + self.columns


def additive_effects(values: FloatArray, rounds: int = 20) -> Effects:
    """Least-squares fit of row and column effects to the values that are not nan.

    Alternating means (backfitting) with a pull of half an observation towards no effect, which keeps empty rows and
    columns at the overall mean. A matrix without any value gets zeros.
    """
    known = np.isfinite(values)
    rows, columns = np.zeros(values.shape[0]), np.zeros(values.shape[1])
    if not known.any():
        return Effects(0.0, rows, columns)
    mean = float(values[known].mean())
    centred = np.where(known, values - mean, 0.0)
    for _ in range(rounds):
        rows = (centred.sum(axis=1) - (known * columns).sum(axis=1)) / (known.sum(axis=1) + 0.5)
        columns = (centred.sum(axis=0) - (known * rows[:, None]).sum(axis=0)) / (known.sum(axis=0) + 0.5)
    return Effects(mean, rows, columns)


def complete(values: FloatArray) -> FloatArray:
    """The matrix with its nans filled by `additive_effects`."""
    result: FloatArray = np.where(np.isfinite(values), values, additive_effects(values).table())
    return result
