"""The greedy answer: the fallback when the solver fails, the polish of its answers, and the cheap way in between."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import NOBODY, Columns, Duals
from gogh_sim.types import IntArray


def greedy_columns(candidates: Candidates) -> Columns:
    """Every single, and for every group and type the few pairs and trios that save most."""
    problem = candidates.problem
    return candidates.best_partners(Duals.of_jobs(problem, problem.groups.queue_cost), 4, np.inf)


def fill(candidates: Candidates, columns: Columns, uses: IntArray) -> IntArray:
    """Add uses of `columns` while they save cost, most saved per GPU first.

    A use saves the queue costs of the jobs it places, less its own cost. Ties go to the earlier column.

    Returns
    -------
    IntArray
        (K,) uses, at least `uses`, that keep every constraint if `uses` did.
    """
    problem, rows = candidates.problem, candidates.problem.rows
    left = problem.groups.count - columns.jobs_placed(uses, len(problem.groups))
    free = rows.room - columns.room_taken(uses, problem)
    queue_cost = np.append(problem.groups.queue_cost, 0.0)
    saved = queue_cost[columns.members].sum(axis=1) - columns.cost
    order = np.argsort(-saved / columns.width, kind="stable")
    order = order[saved[order] > 0]
    on_type = [np.flatnonzero(rows.gpu_type == gpu_type) for gpu_type in range(len(problem.supply))]
    more = uses.copy()
    for k in order.tolist():
        limits = on_type[columns.gpu_type[k]]
        taken = rows.taken[limits, columns.members[k, 0]]
        members = Counter(g for g in columns.members[k].tolist() if g != NOBODY)
        times = min(int(left[g]) // n for g, n in members.items())
        times = min(times, *(int(free[row]) // n for row, n in zip(limits, taken.tolist(), strict=True) if n))
        if times <= 0:
            continue
        more[k] += times
        for g, n in members.items():
            left[g] -= n * times
        free[limits] -= times * taken
        if not left.any() or not free.any():
            break
    return more
