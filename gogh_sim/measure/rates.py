"""From the times at which blocks of iterations ended to a rate with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from gogh_sim.types import FloatArray

LEAST_BLOCKS = 3
"""Blocks below which no interval is given."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Iterations per second over a window, with 95 % limits by Student's t over blocks; nan limits for few blocks."""

    per_s: float
    low: float
    high: float
    blocks: int


def rate_within(ends_s: FloatArray, per_block: int, begin_s: float, end_s: float) -> Rate:
    """Rate over the blocks that began and ended within a window.

    Parameters
    ----------
    ends_s
        (n,) ascending times at which blocks ended, on the clock of the window.
    per_block
        Iterations in each.
    begin_s, end_s
        The window. A block that began before it, or was not done when it closed, does not count.

    Returns
    -------
    Rate
        nan without a whole block in the window.
    """
    inside = ends_s[(ends_s >= begin_s) & (ends_s <= end_s)]
    if len(inside) < 2:
        return Rate(np.nan, np.nan, np.nan, 0)
    seconds = np.diff(inside)
    mean = float(seconds.mean())
    blocks = len(seconds)
    if blocks < LEAST_BLOCKS:
        return Rate(per_block / mean, np.nan, np.nan, blocks)
    half = float(stdtrit(blocks - 1, 0.975) * seconds.std(ddof=1) / np.sqrt(blocks))
    # Limits of the mean block time turn over into limits of the rate; a lower one at or below 0 bounds nothing.
    high = per_block / (mean - half) if half < mean else np.inf
    return Rate(per_block / mean, per_block / (mean + half), high, blocks)
