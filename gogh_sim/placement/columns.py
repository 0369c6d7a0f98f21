"""Columns of the program: the few that a master problem holds, and the many that could be priced in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.costs import alone_cost, pair_cost
from gogh_sim.placement.problem import Problem
from gogh_sim.types import FloatArray, IntArray

NOBODY = -1
"""`Columns.second` of a column with one member."""


@dataclass(frozen=True, eq=False)
class Columns:
    """K columns: GPU type, first and second group (or `NOBODY`; `first <= second` otherwise), width and cost."""

    gpu_type: IntArray
    first: IntArray
    second: IntArray
    width: IntArray
    cost: FloatArray

    def __len__(self) -> int:
        return int(self.cost.size)

    def take(self, index: IntArray) -> Columns:
        """The columns at these positions."""
        return Columns(self.gpu_type[index], self.first[index], self.second[index], self.width[index], self.cost[index])

    @property
    def keys(self) -> IntArray:
        """(K, 3) rows of type, first and second, which name the columns."""
        return np.stack([self.gpu_type, self.first, self.second], axis=1)

    def members(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Entries of the matrix a_gk as (group, column, jobs), sorted by group and column."""
        pairs = np.flatnonzero(self.second != NOBODY)
        other = pairs[self.second[pairs] != self.first[pairs]]
        group = np.concatenate([self.first, self.second[other]])
        column = np.concatenate([np.arange(len(self)), other])
        jobs = np.ones(group.size)
        jobs[pairs[self.second[pairs] == self.first[pairs]]] = 2.0
        order = np.lexsort((column, group))
        return group[order], column[order], jobs[order]

    def jobs_placed(self, uses: IntArray, num_groups: int) -> IntArray:
        """(G,) jobs of each group in columns used `uses` (K,) times."""
        group, column, jobs = self.members()
        return np.rint(np.bincount(group, weights=jobs * uses[column], minlength=num_groups)).astype(np.int64)

    def gpus_used(self, uses: IntArray, num_types: int) -> IntArray:
        """(T,) GPUs of each type in columns used `uses` (K,) times."""
        return np.rint(np.bincount(self.gpu_type, weights=self.width * uses, minlength=num_types)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Duals:
    """Prices of the relaxation: (G,) of placing a job, (T,) of a GPU, which are not positive."""

    job: FloatArray
    gpu: FloatArray


@dataclass(frozen=True, eq=False)
class Candidates:
    """Every column of a problem, by its cost: (G, T) alone and (T, G, G) in pairs, infinite where not allowed."""

    problem: Problem
    alone: FloatArray
    pair: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> Candidates:
        """Price every column of `problem`."""
        return cls(problem, alone_cost(problem), pair_cost(problem))

    @cached_property
    def size(self) -> int:
        """How many columns there are."""
        mirrored = np.isfinite(self.pair)
        on_diagonal = int(np.isfinite(np.einsum("tgg->tg", self.pair)).sum())
        return int(np.isfinite(self.alone).sum()) + (int(mirrored.sum()) + on_diagonal) // 2

    def alone_reduced(self, duals: Duals) -> FloatArray:
        """(G, T) reduced costs of columns with one member."""
        width = self.problem.groups.width[:, np.newaxis]
        return self.alone - duals.job[:, np.newaxis] - width * duals.gpu

    def pair_reduced(self, duals: Duals) -> FloatArray:
        """(T, G, G) reduced costs of pairs."""
        members = duals.job[:, np.newaxis] + duals.job
        gpus = duals.gpu[:, np.newaxis, np.newaxis] * self.problem.groups.width[:, np.newaxis]
        return self.pair - members - gpus

    def singles(self) -> Columns:
        """Every column with one member."""
        group, gpu_type = np.nonzero(np.isfinite(self.alone))
        return self._columns(gpu_type, group, np.full(group.size, NOBODY))

    def all(self) -> Columns:
        """Every column, singles first."""
        group, alone_type = np.nonzero(np.isfinite(self.alone))
        pair_type, first, second = np.nonzero(np.isfinite(np.triu(self.pair) + _below_diagonal(self.pair)))
        return self._columns(
            np.concatenate([alone_type, pair_type]),
            np.concatenate([group, first]),
            np.concatenate([np.full(group.size, NOBODY), second]),
        )

    def within(self, duals: Duals, slack: float, limit: int) -> tuple[Columns, bool]:
        """The columns whose reduced cost is at most `slack`, best first up to `limit`; and whether those are all."""
        alone, pair = self.alone_reduced(duals), np.triu(self.pair_reduced(duals)) + _below_diagonal(self.pair)
        group, alone_type = np.nonzero(alone <= slack)
        pair_type, first, second = np.nonzero(pair <= slack)
        reduced = np.concatenate([alone[group, alone_type], pair[pair_type, first, second]])
        found = self._columns(
            np.concatenate([alone_type, pair_type]),
            np.concatenate([group, first]),
            np.concatenate([np.full(group.size, NOBODY), second]),
        )
        if len(found) <= limit:
            return found, True
        return found.take(np.sort(np.argsort(reduced, kind="stable")[:limit])), False

    def best_partners(self, duals: Duals, each: int, below: float) -> Columns:
        """Columns of reduced cost under `below`: all singles, and per group and type the `each` least pairs."""
        alone, pair = self.alone_reduced(duals), self.pair_reduced(duals)
        group, alone_type = np.nonzero(alone < below)
        keep = min(each, pair.shape[2])
        partner = np.argpartition(pair, keep - 1, axis=2)[:, :, :keep] if keep < pair.shape[2] else _ranks(pair)
        value = np.take_along_axis(pair, partner, axis=2)
        pair_type, row, rank = np.nonzero(value < below)
        column = partner[pair_type, row, rank]
        first, second = np.minimum(row, column), np.maximum(row, column)
        keys = np.unique(np.stack([pair_type, first, second]), axis=1)
        return self._columns(
            np.concatenate([alone_type, keys[0]]),
            np.concatenate([group, keys[1]]),
            np.concatenate([np.full(group.size, NOBODY), keys[2]]),
        )

    def named(self, keys: IntArray) -> Columns:
        """The columns that rows of (K, 3) keys (type, first, second or `NOBODY`) name, as far as they are allowed."""
        gpu_type, first, second = keys.reshape(-1, 3).T
        low, high = np.minimum(first, second), np.maximum(first, second)
        alone = low == NOBODY
        found = self._columns(gpu_type, np.where(alone, high, low), np.where(alone, NOBODY, high))
        return self.union(self._nothing(), found.take(np.flatnonzero(np.isfinite(found.cost))))

    def reduced(self, columns: Columns, duals: Duals) -> FloatArray:
        """(K,) reduced costs."""
        second = np.where(columns.second == NOBODY, 0.0, duals.job[columns.second])
        return np.asarray(
            columns.cost - duals.job[columns.first] - second - columns.width * duals.gpu[columns.gpu_type]
        )

    def _nothing(self) -> Columns:
        none = np.zeros(0, dtype=np.int64)
        return self._columns(none, none, none)

    def union(self, one: Columns, other: Columns) -> Columns:
        """Both sets without doubles, those of `one` first and in place."""
        known, (new, where) = self._keys(one), np.unique(self._keys(other), return_index=True)
        added = other.take(np.sort(where[~np.isin(new, known)]))
        return Columns(
            np.concatenate([one.gpu_type, added.gpu_type]),
            np.concatenate([one.first, added.first]),
            np.concatenate([one.second, added.second]),
            np.concatenate([one.width, added.width]),
            np.concatenate([one.cost, added.cost]),
        )

    def _keys(self, columns: Columns) -> IntArray:
        size = len(self.problem.groups)
        return np.asarray(((columns.gpu_type * size) + columns.first) * (size + 1) + columns.second + 1)

    def _columns(self, gpu_type: IntArray, first: IntArray, second: IntArray) -> Columns:
        alone = second == NOBODY
        cost = np.where(alone, self.alone[first, gpu_type], self.pair[gpu_type, first, second])
        return Columns(gpu_type, first, second, self.problem.groups.width[first], cost)


def _below_diagonal(pair: FloatArray) -> FloatArray:
    """Zero on and above the diagonal of the last two axes, infinite below: each pair counts once."""
    size = pair.shape[-1]
    mask = np.zeros((size, size))
    mask[np.tril_indices(size, -1)] = np.inf
    return mask


def _ranks(pair: FloatArray) -> IntArray:
    return np.broadcast_to(np.arange(pair.shape[2]), pair.shape)
