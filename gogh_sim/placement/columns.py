"""Columns of the program, and the prices that a relaxation puts on jobs and capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.problem import MOST_MEMBERS, Problem
from gogh_sim.types import FloatArray, IntArray

NOBODY = -1
"""Fills `Columns.members` behind the last member."""


@dataclass(frozen=True, eq=False)
class Columns:
    """K columns.

    `gpu_type` (K,); `members` (K, 3) groups in ascending order, then `NOBODY`; `width` (K,) GPUs of each member, the
    same ones; `cost` (K,).
    """

    gpu_type: IntArray
    members: IntArray
    width: IntArray
    cost: FloatArray

    @classmethod
    def none(cls) -> Columns:
        """No column."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, np.zeros((0, MOST_MEMBERS), dtype=np.int64), nothing, np.zeros(0))

    @classmethod
    def of(cls, problem: Problem, gpu_type: int, members: IntArray, cost: FloatArray) -> Columns:
        """Columns on one type, given their (K, n) members in ascending order."""
        full = np.full((cost.size, MOST_MEMBERS), NOBODY)
        full[:, : members.shape[1]] = members
        return cls(np.full(cost.size, gpu_type), full, problem.groups.width[members[:, 0]], cost)

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """The columns of all parts, one after the other."""
        names = ("gpu_type", "members", "width", "cost")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def __len__(self) -> int:
        return int(self.cost.size)

    def take(self, index: IntArray) -> Columns:
        """The columns at these positions."""
        return Columns(self.gpu_type[index], self.members[index], self.width[index], self.cost[index])

    @property
    def first(self) -> IntArray:
        """(K,) first member, who is always there."""
        return np.asarray(self.members[:, 0])

    @property
    def shared(self) -> IntArray:
        """Positions of the columns with more than one member."""
        return np.flatnonzero(self.members[:, 1] != NOBODY)

    @property
    def keys(self) -> IntArray:
        """(K, 4) rows of type and members, which name the columns."""
        return np.column_stack([self.gpu_type, self.members])

    @cached_property
    def entries(self) -> tuple[IntArray, IntArray, IntArray]:
        """Entries of the matrix a_gk as (group, column, jobs), sorted by group and column."""
        there = self.members != NOBODY
        code = self.members[there] * len(self) + np.nonzero(there)[0]
        code, jobs = np.unique(code, return_counts=True)
        group, column = np.divmod(code, max(len(self), 1))
        return group, column, jobs

    def jobs_placed(self, uses: IntArray, num_groups: int) -> IntArray:
        """(G,) jobs of each group in columns used `uses` (K,) times."""
        group, column, jobs = self.entries
        return np.rint(np.bincount(group, weights=jobs * uses[column], minlength=num_groups)).astype(np.int64)

    def room_taken(self, uses: IntArray, problem: Problem) -> IntArray:
        """(R,) room that they take of every capacity row of the problem."""
        rows = problem.rows
        used = np.flatnonzero(uses)
        taken = rows.taken[:, self.first[used]] * (rows.gpu_type[:, np.newaxis] == self.gpu_type[used])
        return np.asarray(taken @ uses[used])


@dataclass(frozen=True, eq=False)
class Duals:
    """Prices of the relaxation: (G,) of placing a job, (R,) of the room in a capacity row, which are not positive."""

    job: FloatArray
    row: FloatArray

    @classmethod
    def of_jobs(cls, problem: Problem, job: FloatArray) -> Duals:
        """Prices of jobs as given, where room costs nothing."""
        return cls(job, np.zeros(problem.rows.room.size))

    def gang(self, problem: Problem) -> FloatArray:
        """(G, T) price of what a gang of the group takes of a type."""
        rows = problem.rows
        on_type = np.equal.outer(rows.gpu_type, np.arange(len(problem.supply)))
        return np.asarray(rows.taken.T @ (self.row[:, np.newaxis] * on_type))
