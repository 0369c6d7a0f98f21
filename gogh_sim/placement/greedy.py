"""The greedy answer: the fallback when the solver fails, the polish of its answers, and the cheap way in between."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import NOBODY, Columns, Duals
from gogh_sim.placement.problem import Problem
from gogh_sim.types import FloatArray, IntArray

_BATCH = 64
"""Columns tried one by one before those that have become impossible are sifted out of the rest."""
TO_FILL = 12
"""Columns of each size that a group may choose from to fill up greedily."""


def greedy_positions(candidates: Candidates) -> IntArray:
    """For every group the few columns of each size that save most."""
    problem = candidates.problem
    reduced = candidates.reduced(Duals.of_jobs(problem, problem.groups.queue_cost))
    return candidates.best(np.flatnonzero(reduced < 0), reduced, TO_FILL)


def saved(problem: Problem, columns: Columns) -> FloatArray:
    """(K,) what a use of each column saves: the queue costs of the jobs that it places, less its own cost."""
    return np.asarray(np.append(problem.groups.queue_cost, 0.0)[columns.members].sum(axis=1) - columns.cost)


def fill(problem: Problem, columns: Columns, uses: IntArray, score: FloatArray | None = None) -> IntArray:
    """Add uses of `columns` while they save cost, least `score` (K,) first: by default most saved per GPU.

    Ties go to the earlier column.

    Returns
    -------
    IntArray
        (K,) uses, at least `uses`, that keep every constraint if `uses` did.
    """
    rows = problem.rows
    left = problem.groups.count - columns.jobs_placed(uses, len(problem.groups))
    free = rows.room - columns.room_taken(uses, problem)
    gain = saved(problem, columns)
    order = np.argsort(-gain / columns.width if score is None else score, kind="stable")
    order = order[gain[order] > 0]
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
