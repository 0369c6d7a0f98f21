"""Allocation rules of the round mechanism: from the jobs there are to shares of time on each GPU type."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gogh_sim.placement.allocation import Demands, isolated_share
from gogh_sim.rounds.jobs import RoundJob
from gogh_sim.types import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class RoundView:
    """What an allocation rule sees: J jobs by number, what they ask for, and how far they are.

    `steps_left` and `elapsed_s` (since submission) are (J,) arrays in the order of `jobs`.
    """

    now_s: float
    jobs: tuple[RoundJob, ...]
    demands: Demands
    steps_left: FloatArray
    elapsed_s: FloatArray

    @property
    def weight(self) -> FloatArray:
        """(J,) priorities of the jobs."""
        return np.array([job.weight for job in self.jobs])


Allocate: TypeAlias = Callable[[RoundView], FloatArray]
"""(R, K) shares for the rows of ``view.demands``."""

TypeOrder: TypeAlias = Callable[[], tuple[int, ...]]
"""GPU types in the order in which a round fills them."""


@dataclass(frozen=True)
class Rule:
    """A policy of the round mechanism.

    Attributes
    ----------
    allocate
        Who gets how much of what.
    order
        In which order types are filled; asked once a round.
    sharing
        Whether two jobs may share their GPUs.
    may_run
        From (R, K) priorities to who may run at all; by default also who has no share, to fill gaps.
    """

    allocate: Allocate
    order: TypeOrder
    sharing: bool = False
    may_run: Callable[[FloatArray], BoolArray] = lambda priority: np.ones(priority.shape, dtype=np.bool_)


def in_type_order(order: tuple[int, ...]) -> TypeOrder:
    """The same order every round."""
    return lambda: order


def shuffled(order: tuple[int, ...], seed: int) -> TypeOrder:
    """A new order every round, for policies that do not tell types apart.

    Drawn by Python's own generator, whose draws the reference results rest on.
    """
    draw = random.Random(seed)

    def shuffle() -> tuple[int, ...]:
        types = list(order)
        draw.shuffle(types)
        return tuple(types)

    return shuffle


def best_first(view: RoundView) -> FloatArray:
    """Whole types in order of submission: each job takes its fastest type with room, the first without room ends it.

    Ties between types go to the first.
    """
    demands = view.demands
    left = demands.gpus.copy()
    shares = np.zeros((len(demands.members), len(left)))
    for number, width in enumerate(demands.width.tolist()):
        room = left >= width
        if not room.any():
            break
        kind = int(np.argmax(np.where(room, demands.solo[number], -1.0)))
        left[kind] -= width
        shares[number, kind] = 1.0
    return shares


def isolated(view: RoundView) -> FloatArray:
    """Every job an equal part of every type."""
    return isolated_share(view.demands)


def solved(allocate: Callable[[RoundView], tuple[FloatArray, float]]) -> Allocate:
    """Rule of a linear program, whose objective nobody needs during a simulation."""
    return lambda view: allocate(view)[0]
