"""Every column that could be priced in, by its cost: what a master problem draws its few columns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.placement.columns import NOBODY, Columns, Duals, ordered
from gogh_sim.placement.costs import alone_cost, pair_cost
from gogh_sim.placement.problem import MOST_MEMBERS, Problem
from gogh_sim.placement.trial import with_trials
from gogh_sim.placement.trios import Trios
from gogh_sim.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Candidates:
    """Every column of a problem: (G, T) costs alone and (T, G, G) in pairs, infinite where not allowed, and trios."""

    problem: Problem
    alone: FloatArray
    pair: FloatArray
    trios: Trios

    @classmethod
    def of(cls, problem: Problem) -> Candidates:
        """Price every column of `problem`."""
        alone, pair = alone_cost(problem), pair_cost(problem)
        if problem.trial is not None:
            alone, pair = with_trials(problem, problem.trial, alone, pair)
        return cls(problem, alone, pair, Trios.of(problem, pair))

    @cached_property
    def size(self) -> int:
        """How many columns there are."""
        mirrored = np.isfinite(self.pair)
        on_diagonal = int(np.isfinite(np.einsum("tgg->tg", self.pair)).sum())
        return int(np.isfinite(self.alone).sum()) + (int(mirrored.sum()) + on_diagonal) // 2 + len(self.trios)

    def alone_reduced(self, duals: Duals) -> FloatArray:
        """(G, T) reduced costs of columns with one member."""
        return self.alone - duals.job[:, np.newaxis] - duals.gang(self.problem)

    def pair_reduced(self, duals: Duals) -> FloatArray:
        """(T, G, G) reduced costs of pairs."""
        members = duals.job[:, np.newaxis] + duals.job
        return np.asarray(self.pair - members - duals.gang(self.problem).T[:, :, np.newaxis])

    def singles(self) -> Columns:
        """Every column with one member."""
        return self._singles(*np.nonzero(np.isfinite(self.alone)))

    def all(self) -> Columns:
        """Every column, singles first."""
        pairs = np.nonzero(np.isfinite(np.triu(self.pair) + _below_diagonal(self.pair)))
        return self.singles().followed_by(self._pairs(*pairs)).followed_by(self._trios(np.arange(len(self.trios))))

    def within(self, duals: Duals, slack: float, limit: int) -> tuple[Columns, bool]:
        """The columns whose reduced cost is at most `slack`, best first up to `limit`; and whether those are all."""
        alone, pair = self.alone_reduced(duals), np.triu(self.pair_reduced(duals)) + _below_diagonal(self.pair)
        trio = self.trios.reduced(duals, self.problem)
        singles, pairs, trios = np.nonzero(alone <= slack), np.nonzero(pair <= slack), np.flatnonzero(trio <= slack)
        reduced = np.concatenate([alone[singles], pair[pairs], trio[trios]])
        found = self._singles(*singles).followed_by(self._pairs(*pairs)).followed_by(self._trios(trios))
        if len(found) <= limit:
            return found, True
        return found.take(np.sort(np.argsort(reduced, kind="stable")[:limit])), False

    def best_partners(self, duals: Duals, each: int, below: float) -> Columns:
        """Columns of reduced cost under `below`: singles, and per group and type the `each` least pairs and trios."""
        alone, pair = self.alone_reduced(duals), self.pair_reduced(duals)
        keep = min(each, pair.shape[2])
        partner = np.argpartition(pair, keep - 1, axis=2)[:, :, :keep] if keep < pair.shape[2] else _ranks(pair)
        value = np.take_along_axis(pair, partner, axis=2)
        pair_type, row, rank = np.nonzero(value < below)
        column = partner[pair_type, row, rank]
        first, second = np.minimum(row, column), np.maximum(row, column)
        pairs = np.unique(np.stack([pair_type, first, second]), axis=1)
        trios = self.trios.best(self.trios.reduced(duals, self.problem), each, below)
        found = self._singles(*np.nonzero(alone < below)).followed_by(self._pairs(*pairs))
        return found.followed_by(self._trios(trios))

    def named(self, keys: IntArray) -> Columns:
        """The columns that (K, n) rows of type and groups (or `NOBODY`) name, as far as they are allowed."""
        gpu_type, members = keys[:, 0], ordered(keys[:, 1:])
        size = (members != NOBODY).sum(axis=1)
        one, two, three = (np.flatnonzero(size == n) for n in range(1, MOST_MEMBERS + 1))
        found = self._singles(members[one, 0], gpu_type[one])
        found = found.followed_by(self._pairs(gpu_type[two], members[two, 0], members[two, 1]))
        found = found.followed_by(self._trios(self.trios.find(gpu_type[three], members[three])))
        return self.union(self._nothing(), found.take(np.flatnonzero(np.isfinite(found.cost))))

    def reduced(self, columns: Columns, duals: Duals) -> FloatArray:
        """(K,) reduced costs."""
        job = np.append(duals.job, 0.0)
        # In the order in which the whole arrays are worked out, so that both agree to the last bit.
        cost = columns.cost - job[columns.members].sum(axis=1)
        return np.asarray(cost - duals.gang(self.problem)[columns.first, columns.gpu_type])

    def lowest(self, duals: Duals) -> FloatArray:
        """(G,) least reduced cost of a group's columns, shared out among their members."""
        lowest = self.alone_reduced(duals).min(axis=1, initial=np.inf)
        lowest = np.minimum(lowest, self.pair_reduced(duals).min(axis=(0, 2), initial=np.inf) / 2)
        reduced = self.trios.reduced(duals, self.problem)
        negative = np.flatnonzero(reduced < 0)
        np.minimum.at(lowest, self.trios.members[negative], reduced[negative, np.newaxis] / MOST_MEMBERS)
        return np.asarray(lowest)

    def union(self, one: Columns, other: Columns) -> Columns:
        """Both sets without doubles, those of `one` first and in place."""
        known, (new, where) = self._code(one), np.unique(self._code(other), return_index=True)
        return one.followed_by(other.take(np.sort(where[~np.isin(new, known)])))

    def _code(self, columns: Columns) -> IntArray:
        size = len(self.problem.groups) + 1
        code = columns.gpu_type
        for place in range(MOST_MEMBERS):
            code = code * size + columns.members[:, place] + 1
        return np.asarray(code)

    def _nothing(self) -> Columns:
        none = np.zeros(0, dtype=np.int64)
        return self._singles(none, none)

    def _singles(self, group: IntArray, gpu_type: IntArray) -> Columns:
        return self._columns(gpu_type, group[:, np.newaxis], self.alone[group, gpu_type])

    def _pairs(self, gpu_type: IntArray, first: IntArray, second: IntArray) -> Columns:
        return self._columns(gpu_type, np.column_stack([first, second]), self.pair[gpu_type, first, second])

    def _trios(self, index: IntArray) -> Columns:
        return self._columns(self.trios.gpu_type[index], self.trios.members[index], self.trios.cost[index])

    def _columns(self, gpu_type: IntArray, members: IntArray, cost: FloatArray) -> Columns:
        missing = MOST_MEMBERS - members.shape[1]
        full = np.pad(members, ((0, 0), (0, missing)), constant_values=NOBODY)
        return Columns(gpu_type, full, self.problem.groups.width[full[:, 0]], cost)


def _below_diagonal(pair: FloatArray) -> FloatArray:
    """Zero on and above the diagonal of the last two axes, infinite below: each pair counts once."""
    size = pair.shape[-1]
    mask = np.zeros((size, size))
    mask[np.tril_indices(size, -1)] = np.inf
    return mask


def _ranks(pair: FloatArray) -> IntArray:
    return np.broadcast_to(np.arange(pair.shape[2]), pair.shape)
