"""Columns of one to three members, as far as they can be of use.

A column that costs no less than fewer of its members on the same GPUs and the others in the queue is never needed:
whatever placement uses it can be had without it, at no higher cost. Such columns are left out.

Slowdowns add up and footprints too, so three may share a GPU only if each two of them may: trios are triangles of the
graph of allowed pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogh_sim.placement.columns import Columns
from gogh_sim.placement.costs import alone_cost, column_cost
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.trial import with_trials
from gogh_sim.types import BoolArray, FloatArray, IntArray

_TILE = 128
"""Rows of the square of all pairs that are priced in one go: their arrays stay in the processor's cache."""
_BATCH = 200_000
"""Trios priced in one go: their arrays stay within a few MiB."""


def useful_columns(problem: Problem) -> Columns:
    """Every column of use: those of one member first, then two, then three, each by type and members."""
    alone, pair = alone_cost(problem), _pair_cost(problem)
    if problem.trial is not None:
        alone, pair = with_trials(problem, problem.trial, alone, np.minimum(pair, pair.transpose(0, 2, 1)))
    # Of a type of which there is no GPU no column is of use.
    there = np.flatnonzero(problem.supply.gpus).tolist()
    found = [Columns.none(), *(_singles(problem, t, alone[:, t]) for t in there)]
    found += [_useful_pairs(problem, t, pair[t], alone[:, t]) for t in there]
    if problem.supply.theta >= 3:
        found += [trios for t in there for trios in _useful_trios(problem, t, pair[t], alone[:, t])]
    return Columns.joined(found)


def _singles(problem: Problem, gpu_type: int, alone: FloatArray) -> Columns:
    group = np.flatnonzero(alone < problem.groups.queue_cost)
    return Columns.of(problem, gpu_type, group[:, np.newaxis], alone[group])


def _pair_cost(problem: Problem) -> FloatArray:
    """(T, G, G) cost of pairs, in ascending order; infinite where one is not allowed or the order is another.

    A group pairs with itself where it has two jobs.
    """
    groups, size = problem.groups, len(problem.groups)
    cost = np.full((len(problem.supply), size, size), np.inf)
    for gpu_type in np.flatnonzero(problem.supply.gpus).tolist() if problem.supply.theta >= 2 else []:
        able = np.flatnonzero(groups.allowed[:, gpu_type] & (problem.knowledge.speed[:, gpu_type] > 0))
        # Only equally wide ones pair: sorted by width, the partners of a row end where its width does.
        able = able[np.argsort(groups.width[able], kind="stable")]
        last = np.searchsorted(groups.width[able], groups.width[able], side="right")
        for start in range(0, able.size, _TILE):
            stop = min(start + _TILE, able.size)
            one, other = able[start:stop, np.newaxis], able[np.newaxis, start : last[stop - 1]]
            tile = column_cost(problem, gpu_type, [one, other])
            cost[gpu_type, one, other] = np.where(one <= other, tile, np.inf)
    return cost


def _fewer(problem: Problem, alone: FloatArray) -> FloatArray:
    """(G, G) least cost of one of two with the other in the queue, or of both there; `alone` (G,) on the type."""
    queue_cost = problem.groups.queue_cost
    least = np.minimum(alone, queue_cost)
    return np.asarray(np.minimum(np.add.outer(least, queue_cost), np.add.outer(queue_cost, least)))


def _useful_pairs(problem: Problem, gpu_type: int, pair: FloatArray, alone: FloatArray) -> Columns:
    one, other = np.nonzero(np.triu(pair < _fewer(problem, alone)))
    return Columns.of(problem, gpu_type, np.column_stack([one, other]), pair[one, other])


def _useful_trios(problem: Problem, gpu_type: int, pair: FloatArray, alone: FloatArray) -> Iterator[Columns]:
    queue_cost, allowed = problem.groups.queue_cost, np.triu(np.isfinite(pair))
    least = np.where(allowed, np.minimum(pair, _fewer(problem, alone)), np.inf)
    for members in _triangles(allowed):
        a, b, c = members.T
        fewer = np.minimum(least[a, b] + queue_cost[c], least[a, c] + queue_cost[b])
        fewer = np.minimum(fewer, least[b, c] + queue_cost[a])
        cost = column_cost(problem, gpu_type, [a, b, c])
        keep = np.flatnonzero(cost < fewer)
        yield Columns.of(problem, gpu_type, members[keep], cost[keep])


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
