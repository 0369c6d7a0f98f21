"""Every column that could be of use, as one list: what a master problem draws its few columns from, by position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.columns import NOBODY, Columns, Duals
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.sharing import useful_columns
from gogh_sim.types import FloatArray, IntArray

_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The (N,) columns of a problem; see `sharing` for their order and for what is left out."""

    problem: Problem
    columns: Columns

    @classmethod
    def of(cls, problem: Problem) -> Candidates:
        """Price every column of `problem`."""
        return cls(problem, useful_columns(problem))

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def size(self) -> IntArray:
        """(N,) members of each column."""
        return np.asarray((self.columns.members != NOBODY).sum(axis=1))

    @cached_property
    def _places(self) -> range:
        """Places of members that any column fills."""
        return range(int(self.size.max(initial=0)))

    def reduced(self, duals: Duals) -> FloatArray:
        """(N,) reduced costs."""
        job = np.append(duals.job, 0.0)
        cost = self.columns.cost - duals.gang(self.problem)[self.columns.first, self.columns.gpu_type]
        for place in self._places:
            cost -= job[self.columns.members[:, place]]
        return np.asarray(cost)

    def prices(self, row: FloatArray) -> Duals:
        """Prices of jobs that pay the given (R,) prices of room and share with nobody, or wait if that costs less."""
        problem, alone = self.problem, self.columns.take(np.flatnonzero(self.size == 1))
        nothing = Duals(np.zeros(len(problem.groups)), row)
        job = problem.groups.queue_cost.copy()
        np.minimum.at(job, alone.first, Candidates(problem, alone).reduced(nothing))
        return Duals(job, row)

    def lowest(self, reduced: FloatArray) -> FloatArray:
        """(G,) what each job's price exceeds by: the most negative reduced cost of its columns, in equal parts to their
        members; 0 where there is none."""
        return np.minimum(self.least_parts(reduced, np.flatnonzero(reduced < 0)), 0.0)

    def least_parts(self, reduced: FloatArray, among: IntArray | slice = _ALL) -> FloatArray:
        """(G,) least reduced cost of a job's columns, in equal parts to their members; infinite where it has none.

        `among` are the positions of the columns that count, by default all of them.
        """
        least = np.full(len(self.problem.groups), np.inf)
        members, part = self.columns.members[among], reduced[among] / self.size[among]
        for place in self._places:
            member = members[:, place]
            there = member != NOBODY
            np.minimum.at(least, member[there], part[there])
        return least

    def best(self, positions: IntArray, reduced: FloatArray, each: int) -> IntArray:
        """Those of `positions` that are among the `each` least reduced costs of a member and a size.

        Jobs large and small, and columns of every size, get their share: by reduced costs alone, the columns of small
        jobs would crowd out all others, and those of three the smaller ones that fill the gaps.
        """
        order = positions[np.argsort(reduced[positions], kind="stable")]
        chosen = np.zeros(order.size, dtype=np.bool_)
        for place in self._places:
            member = self.columns.members[order, place]
            there = np.flatnonzero(member != NOBODY)
            row = self.size[order[there]] * len(self.problem.groups) + member[there]
            chosen[there] |= _rank_within(row) < each
        return np.sort(order[chosen])

    def open_to(self, left: IntArray) -> IntArray:
        """Positions of the columns all of whose members have one of `left` (G,) jobs left, counted singly."""
        there = np.append(left > 0, True)
        return np.flatnonzero(there[self.columns.members].all(axis=1))


def _rank_within(row: IntArray) -> IntArray:
    """(n,) how many earlier entries are equal."""
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    start = np.searchsorted(ordered, ordered)
    rank = np.empty(row.size, dtype=np.int64)
    rank[order] = np.arange(row.size) - start
    return rank
