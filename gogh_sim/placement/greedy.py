"""The greedy answer: the fallback when the solver fails, the polish of its answers, and the cheap way in between."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import NOBODY, Columns, Duals
from gogh_sim.types import IntArray

_BATCH = 64
"""Columns tried one by one before those that have become impossible are sifted out of the rest."""


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
    taken = rows.taken[:, columns.first] * (rows.gpu_type[:, np.newaxis] == columns.gpu_type)
    more = uses.copy()
    while order.size:
        # Most columns soon lack a job or room: they are sifted out together, a batch at a time.
        waits = np.append(left, 1)[columns.members[order]].min(axis=1) > 0
        order = order[waits & (taken[:, order] <= free[:, np.newaxis]).all(axis=0)]
        batch, order = order[:_BATCH].tolist(), order[_BATCH:]
        for k in batch:
            members = Counter(g for g in columns.members[k].tolist() if g != NOBODY)
            times = min(int(left[g]) // n for g, n in members.items())
            if times > 0:
                limited = np.flatnonzero(taken[:, k])
                times = min(times, int((free[limited] // taken[limited, k]).min()))
                more[k] += times
                for g, n in members.items():
                    left[g] -= n * times
                free -= times * taken[:, k]
    return more
