"""The placement in force, and the bound that remembered prices prove: often an answer that is good enough already."""

from __future__ import annotations

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import NOBODY, Duals
from gogh_sim.placement.integers import Answer
from gogh_sim.placement.problem import PENDING
from gogh_sim.placement.relaxation import Relaxation, dual_bound, feasible_duals
from gogh_sim.types import IntArray

_WORTH = 0.02
"""Share of the allowed gap that a further raise of the prices must win."""


def standing(candidates: Candidates, prices: Duals, gap: float) -> Relaxation:
    """The columns in use now, as far as they may stay, and the bound that prices prove.

    Parameters
    ----------
    prices
        Those of a problem with many of the same jobs.
    gap
        Allowed gap between answer and bound, which tells how much a better bound is worth.
    """
    answer = _in_force(candidates)
    duals = feasible_duals(candidates, prices)
    bound, least = dual_bound(candidates, duals), -np.inf
    while bound > least:
        raised = raised_duals(candidates, duals)
        least = bound + _WORTH * gap * abs(answer.objective)
        duals, bound = raised, dual_bound(candidates, raised)
    return Relaxation(answer.positions, answer.uses.astype(np.float64), answer.objective, duals, bound)


def raised_duals(candidates: Candidates, duals: Duals) -> Duals:
    """Feasible prices of jobs raised, all at once, as far as the queue and their columns surely allow."""
    slack = candidates.least_parts(candidates.reduced(duals))
    job = np.minimum(duals.job + np.maximum(slack, 0.0), candidates.problem.groups.queue_cost)
    return Duals(np.maximum(job, duals.job), duals.row)


def _in_force(candidates: Candidates) -> Answer:
    """The columns in use now; without those for which there is no room any more."""
    problem, columns = candidates.problem, candidates.columns
    groups = problem.groups
    crews = _crews(groups.partners)
    here = np.flatnonzero(columns.gpu_type == groups.current_type[columns.first])
    here = here[(columns.members[here] == crews[columns.first[here]]).all(axis=1)]
    members, first, rows = columns.members[here], columns.first[here], problem.rows
    alike = (members[:, :, np.newaxis] == members[:, np.newaxis, :]).sum(axis=2)
    uses = np.where(members != NOBODY, groups.count[members] // alike, groups.count.max()).min(axis=1)
    taken = rows.taken[:, first] * (rows.gpu_type[:, np.newaxis] == columns.gpu_type[here]) * uses
    fits = (np.cumsum(taken, axis=1) <= rows.room[:, np.newaxis]).all(axis=0)
    return Answer.of(candidates, here[fits], uses[fits])


def _crews(partners: IntArray) -> IntArray:
    """(G, 3) who shares GPUs with each group, itself included: ascending, then `NOBODY`, as members of columns."""
    crews = np.column_stack([np.arange(len(partners)), partners])
    order = np.argsort(np.where(crews == PENDING, len(crews), crews), axis=1, kind="stable")
    return np.take_along_axis(crews, order, axis=1)
