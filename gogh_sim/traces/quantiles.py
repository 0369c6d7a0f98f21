"""Distributions held as tables of quantiles, and how they are drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogh_sim.types import FloatArray

LEVELS: FloatArray = np.array(
    [0, 0.01, 0.02, *(k / 20 for k in range(1, 19)), 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1]
)
"""Levels of every table of quantiles: every 5 %, closer in the tails, where most of the GPU time is."""


@dataclass(frozen=True)
class QuantileTable:
    """A distribution by its quantiles at `LEVELS`, straight between them (`log`: straight in logarithms).

    Positive values that span decades, such as durations, are closer to straight in logarithms.
    """

    values: FloatArray
    log: bool = True

    def draw(self, uniform: FloatArray, least: float = -math.inf, most: float = math.inf) -> FloatArray:
        """Inverse of the distribution function, conditional on ``least <= value <= most``, at numbers in [0, 1)."""
        low, high = (float(np.interp(bound, self.values, LEVELS)) for bound in (least, most))
        levels = low + uniform * (high - low)
        scale = np.log(self.values) if self.log else self.values
        drawn = np.interp(levels, LEVELS, scale)
        return np.clip(np.exp(drawn) if self.log else drawn, least, most)


def persistent_uniforms(count: int, persistence: float, rng: np.random.Generator) -> FloatArray:
    """Numbers in (0, 1), equally spread, whose order follows a Gaussian AR(1) process with this coefficient.

    Fed into `QuantileTable.draw` they give exactly the table's distribution, with neighbours alike.
    """
    steps = rng.standard_normal(count) * math.sqrt(1 - persistence**2)
    path = np.empty(count)
    level = float(rng.standard_normal())
    for i, step in enumerate(steps.tolist()):
        level = persistence * level + step
        path[i] = level
    ranks = np.empty(count)
    ranks[np.argsort(path, kind="stable")] = np.arange(count)
    return (ranks + 0.5) / count
