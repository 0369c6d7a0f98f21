"""The greedy answer: the fallback when the solver fails, the polish of its answers, and the cheap way in between."""

from __future__ import annotations

import numpy as np

from gogh_sim.placement.columns import NOBODY, Candidates, Columns, Duals
from gogh_sim.types import IntArray


def greedy_columns(candidates: Candidates) -> Columns:
    """Every single, and for every group and type the few pairs that save most."""
    groups = candidates.problem.groups
    prices = Duals(groups.queue_cost, np.zeros(len(candidates.problem.supply)))
    return candidates.best_partners(prices, 4, np.inf)


def fill(candidates: Candidates, columns: Columns, uses: IntArray) -> IntArray:
    """Add uses of `columns` while they save cost, most saved per GPU first.

    A use saves the queue costs of the jobs it places, less its own cost. Ties go to the earlier column.

    Returns
    -------
    IntArray
        (K,) uses, at least `uses`, that keep every constraint if `uses` did.
    """
    problem = candidates.problem
    left = problem.groups.count - columns.jobs_placed(uses, len(problem.groups))
    free = problem.supply.gpus - columns.gpus_used(uses, len(problem.supply))
    queue_cost = problem.groups.queue_cost
    paired = columns.second != NOBODY
    saved = queue_cost[columns.first] + np.where(paired, queue_cost[columns.second], 0.0) - columns.cost
    order = np.argsort(-saved / columns.width, kind="stable")
    order = order[saved[order] > 0]
    more = uses.copy()
    for k in order.tolist():
        first, second, gpu_type = columns.first[k], columns.second[k], columns.gpu_type[k]
        most = (
            left[first] if second == NOBODY else left[first] // 2 if first == second else min(left[first], left[second])
        )
        times = min(most, free[gpu_type] // columns.width[k])
        if times <= 0:
            continue
        more[k] += times
        left[first] -= times
        if second != NOBODY:
            left[second] -= times
        free[gpu_type] -= times * columns.width[k]
        if not left.any() or not free.any():
            break
    return more
