"""Turns: which rows of an allocation run in the next round, so that over time each gets the share it was allocated.

The round mechanism of Narayanan et al. (OSDI 2020, section 5): priority is the share allocated over the share of time
received, and each GPU type is filled greedily in order of priority.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogh_sim.placement.allocation import ALONE
from gogh_sim.types import BoolArray, FloatArray, IntArray

UNTRIED = 1e9
"""Priority per allocated share of a row that has received no time at all: above any that has."""


class Turn(NamedTuple):
    """A row (see `allocation.Demands`) that runs on a GPU type in the next round."""

    row: int
    gpu_type: int


def priorities(shares: FloatArray, received_s: FloatArray, type_s: FloatArray) -> FloatArray:
    """(R, K) share allocated over share of the type's time received.

    Parameters
    ----------
    shares
        (R, K) allocation.
    received_s
        (R, K) seconds that each row has had on each type.
    type_s
        (K,) seconds that all rows have had on each type.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(type_s > 0, received_s / type_s, 0.0)
        return np.where(part > 0, shares / part, shares * UNTRIED)


def choose(
    keys: tuple[FloatArray, ...],
    may_run: BoolArray,
    members: IntArray,
    width: IntArray,
    gpus: IntArray,
    order: tuple[int, ...],
) -> list[Turn]:
    """Fill the types one after the other with the rows that come first; what does not fit is skipped.

    Parameters
    ----------
    keys
        (R, K) arrays, greatest first; the first decides, the next break its ties, then row order does.
    may_run
        (R, K) whether a row may run on a type at all.
    members
        (R, 2) jobs of a row; a job runs at most once a round.
    width
        (R,) GPUs that a row takes.
    gpus
        (K,) GPUs of each type.
    order
        Types in the order in which they are filled.
    """
    chosen: list[Turn] = []
    busy: set[int] = set()
    jobs = [[job for job in row if job != ALONE] for row in members.tolist()]
    for kind in order:
        left = int(gpus[kind])
        for row in np.lexsort([-key[:, kind] for key in reversed(keys)]).tolist():
            if left == 0:
                break
            if may_run[row, kind] and width[row] <= left and busy.isdisjoint(jobs[row]):
                left -= int(width[row])
                busy.update(jobs[row])
                chosen.append(Turn(row, kind))
    return chosen
