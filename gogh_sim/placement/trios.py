"""Columns of three members: found through the pairs that they hold, kept only where no smaller column is as good.

Slowdowns add up and footprints too, so three may share a GPU only if each two of them may: trios are triangles of the
graph of allowed pairs. A trio that costs no less than two of its members together and the third in the queue is never
needed, since those take the same GPUs: whatever placement uses it can be had without it, at no higher cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.columns import Duals
from gogh_sim.placement.costs import column_cost
from gogh_sim.placement.problem import MOST_MEMBERS, Problem
from gogh_sim.types import BoolArray, FloatArray, IntArray

_BATCH = 200_000
"""Trios priced in one go: their arrays stay within a few MiB."""


@dataclass(frozen=True, eq=False)
class Trios:
    """N trios, in order of type and members: `gpu_type` (N,), `members` (N, 3) ascending, `cost` (N,)."""

    gpu_type: IntArray
    members: IntArray
    cost: FloatArray
    num_groups: int

    @classmethod
    def of(cls, problem: Problem, pair: FloatArray) -> Trios:
        """The trios of a problem that are of use, given its (T, G, G) costs of pairs."""
        found = [cls._none(len(problem.groups))]
        if problem.supply.theta >= MOST_MEMBERS:
            for gpu_type in range(len(problem.supply)):
                found += [
                    cls._useful(problem, gpu_type, pair[gpu_type], members)
                    for members in _triangles(np.isfinite(pair[gpu_type]))
                ]
        return cls(
            np.concatenate([part.gpu_type for part in found]),
            np.concatenate([part.members for part in found]),
            np.concatenate([part.cost for part in found]),
            len(problem.groups),
        )

    @classmethod
    def _none(cls, num_groups: int) -> Trios:
        return cls(np.zeros(0, np.int64), np.zeros((0, MOST_MEMBERS), np.int64), np.zeros(0), num_groups)

    @classmethod
    def _useful(cls, problem: Problem, gpu_type: int, pair: FloatArray, members: IntArray) -> Trios:
        a, b, c = members.T
        queue_cost = problem.groups.queue_cost
        smaller = np.minimum(pair[a, b] + queue_cost[c], pair[a, c] + queue_cost[b])
        smaller = np.minimum(smaller, pair[b, c] + queue_cost[a])
        cost = column_cost(problem, gpu_type, [a, b, c])
        keep = np.flatnonzero(cost < smaller)
        return cls(np.full(keep.size, gpu_type), members[keep], cost[keep], len(problem.groups))

    def __len__(self) -> int:
        return int(self.cost.size)

    def reduced(self, duals: Duals, problem: Problem) -> FloatArray:
        """(N,) reduced costs."""
        price = duals.job[self.members].sum(axis=1) + duals.gang(problem)[self.members[:, 0], self.gpu_type]
        return np.asarray(self.cost - price)

    def best(self, reduced: FloatArray, each: int, below: float) -> IntArray:
        """Positions of trios of reduced cost under `below` that are among the `each` least of a member on a type."""
        under = np.flatnonzero(reduced < below)
        under = under[np.argsort(reduced[under], kind="stable")]
        chosen = np.zeros(under.size, dtype=np.bool_)
        for place in range(MOST_MEMBERS):
            row = self.gpu_type[under] * self.num_groups + self.members[under, place]
            chosen |= _rank_within(row) < each
        return np.sort(under[chosen])

    def find(self, gpu_type: IntArray, members: IntArray) -> IntArray:
        """Positions of those of the named trios that are here."""
        wanted = self._code(gpu_type, members)
        at = np.minimum(np.searchsorted(self._codes, wanted), max(len(self) - 1, 0))
        return np.unique(at[self._codes[at] == wanted]) if len(self) else np.zeros(0, dtype=np.int64)

    @cached_property
    def _codes(self) -> IntArray:
        return self._code(self.gpu_type, self.members)

    def _code(self, gpu_type: IntArray, members: IntArray) -> IntArray:
        code = gpu_type
        for place in range(MOST_MEMBERS):
            code = code * self.num_groups + members[:, place]
        return np.asarray(code)


def _triangles(allowed: BoolArray) -> Iterator[IntArray]:
    """(n, 3) ascending members of all triangles, in batches; loops of the graph count, so that members may repeat."""
    batch: list[IntArray] = []
    size = 0
    for a in range(len(allowed)):
        others = a + np.flatnonzero(allowed[a, a:])
        first, second = np.nonzero(np.triu(allowed[np.ix_(others, others)]))
        batch.append(np.column_stack([np.full(first.size, a), others[first], others[second]]))
        size += first.size
        if size >= _BATCH:
            yield np.concatenate(batch)
            batch, size = [], 0
    if batch:
        yield np.concatenate(batch)


def _rank_within(row: IntArray) -> IntArray:
    """(n,) how many earlier entries are equal."""
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    start = np.searchsorted(ordered, ordered)
    rank = np.empty(row.size, dtype=np.int64)
    rank[order] = np.arange(row.size) - start
    return rank
