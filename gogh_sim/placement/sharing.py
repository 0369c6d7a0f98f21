"""Columns of one to three members, as far as they can be of use.

A column that costs no less than fewer of its members on the same GPUs and the others in the queue is never needed:
whatever placement uses it can be had without it, at no higher cost. Such columns are left out.

Slowdowns add up and footprints too, so three may share a GPU only if each two of them may: trios are triangles of the
graph of allowed pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gogh_sim.placement.columns import Columns
from gogh_sim.placement.costs import alone_cost, column_cost
from gogh_sim.placement.problem import Problem, Trial
from gogh_sim.placement.running import Running
from gogh_sim.placement.trial import with_trials
from gogh_sim.types import BoolArray, FloatArray, IntArray

_BATCH = 200_000
"""Trios priced in one go: their arrays stay within a few MiB."""


def useful_columns(problem: Problem) -> Columns:
    """Every column of use: those of one member first, then two, then three, each by type and members."""
    alone = alone_cost(problem)
    by_type = range(len(problem.supply))
    pairs = [_Pairs.of(problem, t) for t in by_type] if problem.supply.theta >= 2 else []
    if problem.trial is not None:
        alone, pairs = _tried(problem, problem.trial, alone, pairs)
    found = [_singles(problem, t, alone[:, t]) for t in by_type]
    found += [of_type.useful(problem, alone) for of_type in pairs]
    if problem.supply.theta >= 3:
        found += [trios for of_type in pairs for trios in _useful_trios(problem, of_type, alone)]
    return Columns.joined(found)


def _singles(problem: Problem, gpu_type: int, alone: FloatArray) -> Columns:
    group = np.flatnonzero(alone < problem.groups.queue_cost)
    return Columns.of(problem, gpu_type, group[:, np.newaxis], alone[group])


@dataclass(frozen=True, eq=False)
class _Pairs:
    """All pairs that are allowed on a type: (n, 2) `members` and (n,) `cost`; a group pairs with itself where it has
    two jobs."""

    gpu_type: int
    members: IntArray
    cost: FloatArray

    @classmethod
    def of(cls, problem: Problem, gpu_type: int) -> _Pairs:
        groups = problem.groups
        able = np.flatnonzero(groups.allowed[:, gpu_type] & (problem.knowledge.speed[:, gpu_type] > 0))
        alike = np.triu(np.equal.outer(groups.width[able], groups.width[able]))
        members = able[np.column_stack(np.nonzero(alike))]
        # Most that may not share are told by their floors, before anything dear is worked out.
        members = members[Running(problem, gpu_type).feasible(list(members.T))]
        cost = column_cost(problem, gpu_type, list(members.T))
        allowed = np.isfinite(cost)
        return cls(gpu_type, members[allowed], cost[allowed])

    def fewer(self, problem: Problem, alone: FloatArray) -> FloatArray:
        """(n,) least cost of one of the two with the other in the queue, or of both there; `alone` (G, T)."""
        queue_cost = problem.groups.queue_cost
        least = np.minimum(alone[:, self.gpu_type], queue_cost)
        a, b = self.members.T
        return np.asarray(np.minimum(least[a] + queue_cost[b], least[b] + queue_cost[a]))

    def useful(self, problem: Problem, alone: FloatArray) -> Columns:
        keep = np.flatnonzero(self.cost < self.fewer(problem, alone))
        return Columns.of(problem, self.gpu_type, self.members[keep], self.cost[keep])


def _tried(
    problem: Problem, trial: Trial, alone: FloatArray, pairs: Sequence[_Pairs]
) -> tuple[FloatArray, list[_Pairs]]:
    """Costs of columns of one and two members where what can be learned in them counts."""
    size = len(problem.groups)
    square = np.full((len(problem.supply), size, size), np.inf)
    for of_type in pairs:
        a, b = of_type.members.T
        square[of_type.gpu_type, a, b] = square[of_type.gpu_type, b, a] = of_type.cost
    alone, square = with_trials(problem, trial, alone, square)
    return alone, [replace(one, cost=square[one.gpu_type, one.members[:, 0], one.members[:, 1]]) for one in pairs]


def _useful_trios(problem: Problem, pairs: _Pairs, alone: FloatArray) -> Iterator[Columns]:
    queue_cost, size = problem.groups.queue_cost, len(problem.groups)
    least = np.full((size, size), np.inf)
    least[pairs.members[:, 0], pairs.members[:, 1]] = np.minimum(pairs.cost, pairs.fewer(problem, alone))
    for members in _triangles(np.isfinite(least)):
        a, b, c = members.T
        fewer = np.minimum(least[a, b] + queue_cost[c], least[a, c] + queue_cost[b])
        fewer = np.minimum(fewer, least[b, c] + queue_cost[a])
        cost = column_cost(problem, pairs.gpu_type, [a, b, c])
        keep = np.flatnonzero(cost < fewer)
        yield Columns.of(problem, pairs.gpu_type, members[keep], cost[keep])


def _triangles(allowed: BoolArray) -> Iterator[IntArray]:
    """(n, 3) ascending members of all triangles, in batches, of a graph given by its upper triangle; loops count, so
    that members may repeat."""
    batch: list[IntArray] = []
    size = 0
    for a in range(len(allowed)):
        others = np.flatnonzero(allowed[a])
        first, second = np.nonzero(allowed[np.ix_(others, others)])
        batch.append(np.column_stack([np.full(first.size, a), others[first], others[second]]))
        size += first.size
        if size >= _BATCH:
            yield np.concatenate(batch)
            batch, size = [], 0
    if batch:
        yield np.concatenate(batch)
