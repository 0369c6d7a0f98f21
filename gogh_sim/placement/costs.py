"""Cost of every column, as arrays over groups and types; infinite where a column is not allowed.

A column is a set of up to three groups that share GPUs of one type, one job of each (or several of one group). It may
be used only if every member is allowed there, all fit the memory, and each keeps its floor: ``speed * norm >= floor``.
How members slow each other, and what they draw together, is in `running`.

With ``W(t, P) = host_w[t] + host_slope[t] * P``, the node watts that a GPU of type t causes when it draws P watts, w
the gang's width, R the work left in reference seconds, and v = speed * norm the rate at which it shrinks (1 for a job
that ends by the clock):

power (watts, the form of the GOGH paper)
    ``w * W(t, P)`` of all members together.
energy (joules to completion)
    alone: ``w * W(t, P_a) * R_a / v_a``;
    shared: ``w * W(t, P) * d`` with ``d = min_i R_i / v_i``, plus the cost of those who then still have work, without
    the one that ends first: three, then two, then one.
carbon, cost (grams of CO2 equivalent, money, to completion)
    as energy, but a second counts what a joule costs then: ``W * d`` becomes ``W * integral of PUE(s) c(s) ds`` over
    the d seconds, c being the grid's carbon intensity or price per joule (`tariff`).

Moving costs extra. A member whose jobs run on another type now adds its `move_cost`. Of the members that run on this
type, those of one place can stay: the others add theirs, the stayers chosen so that the sum is least. A job that shares
its GPUs now and would stay on the type without (some of) its partners adds half of the cheapest one's `move_cost`,
by the share of partners missing: where all of them stay apart, someone has to move.

A capped GPU is another column. It takes the same GPUs as the uncapped one of the same members, so that the cheaper of
the two makes the other useless: the cost of a column is the least over the caps that keep its floors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogh_sim.placement.columns import NOBODY
from gogh_sim.placement.problem import MOST_MEMBERS, PENDING, Problem
from gogh_sim.placement.running import Running
from gogh_sim.types import BoolArray, FloatArray, IntArray

UNCAPPED = 1.0
"""Cap, as a share of the TDP, that stands for none."""


def alone_cost(problem: Problem) -> FloatArray:
    """(G, T) cost of one job of the group alone on its gang of GPUs of the type."""
    everyone = np.arange(len(problem.groups))
    costs = [column_cost(problem, gpu_type, [everyone]) for gpu_type in range(len(problem.supply))]
    return np.stack(costs, axis=1) if costs else np.zeros((everyone.size, 0))


def column_cost(problem: Problem, gpu_type: int, members: Sequence[IntArray]) -> FloatArray:
    """Cost of columns on one type by their members, one to three arrays of groups that broadcast."""
    cost = _running_cost(problem, gpu_type, members, None)
    for cap in problem.supply.caps:
        cost = np.minimum(cost, _running_cost(problem, gpu_type, members, cap))
    return np.asarray(cost + _move_cost(problem, gpu_type, members))


def best_caps(problem: Problem, gpu_type: IntArray, members: IntArray) -> FloatArray:
    """(n,) share of the TDP at which columns cost least, `UNCAPPED` for none; among equals the highest.

    Parameters
    ----------
    gpu_type, members
        (n,) types and (n, 3) groups, with `NOBODY` behind the last.
    """
    caps = sorted(problem.supply.caps, reverse=True)
    shares = np.full(gpu_type.size, UNCAPPED)
    size = (members != NOBODY).sum(axis=1)
    for kind in np.unique(np.column_stack([gpu_type, size]), axis=0).tolist() if caps else []:
        here = np.flatnonzero((gpu_type == kind[0]) & (size == kind[1]))
        crews = [members[here, place] for place in range(kind[1])]
        costs = [_running_cost(problem, kind[0], crews, cap) for cap in (None, *caps)]
        shares[here] = np.array([UNCAPPED, *caps])[np.argmin(costs, axis=0)]
    return shares


def _running_cost(problem: Problem, gpu_type: int, members: Sequence[IntArray], cap: float | None) -> FloatArray:
    running = Running(problem, gpu_type, cap)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = running.rates(members)
        feasible = running.feasible(members, rates)
        to_completion = problem.objective.to_completion
        cost = running.to_completion(members, rates) if to_completion else running.node_w(members)
        return np.where(feasible & np.isfinite(cost), cost, np.inf)


def _move_cost(problem: Problem, gpu_type: int, members: Sequence[IntArray]) -> FloatArray:
    groups = problem.groups
    at_home = groups.current_type == gpu_type
    leaving = np.where((groups.current_type != PENDING) & ~at_home, groups.move_cost, 0.0)
    among_strangers = leaving + at_home * groups.parting_cost
    cost = np.asarray(sum(among_strangers[m] for m in members))
    # Only where two are at home may they know each other, and few are.
    met = np.nonzero(np.asarray(sum(at_home[m].astype(np.int64) for m in members)) > 1)
    if met[0].size:
        crews = [np.broadcast_to(m, cost.shape)[met] for m in members]
        cost[met] = _meeting_cost(problem, at_home, leaving, crews)
    return cost


def _meeting_cost(problem: Problem, at_home: BoolArray, leaving: FloatArray, members: Sequence[IntArray]) -> FloatArray:
    """Move costs of members of whom several are at home, on the column's type; `at_home` and `leaving` are by group."""
    cost: FloatArray = np.zeros(1)
    for i, member in enumerate(members):
        others = [other for j, other in enumerate(members) if j != i]
        cost = cost + leaving[member] + at_home[member] * _parting_cost(problem, member, others)
    homes = [np.where(at_home[m], problem.groups.move_cost[m], 0.0) for m in members]
    return np.asarray(cost + _joining_cost(problem, members, homes))


def _share_now(problem: Problem, one: IntArray, other: IntArray) -> BoolArray:
    """Whether jobs of the two groups share their GPUs now."""
    partners = problem.groups.partners
    return np.asarray(np.logical_or.reduce([partners[one, place] == other for place in range(MOST_MEMBERS - 1)]))


def _parting_cost(problem: Problem, member: IntArray, others: Sequence[IntArray]) -> FloatArray:
    """What a job adds for the partners that it has now and would not have in the column."""
    partners = (problem.groups.partners != PENDING).sum(axis=1)[member]
    kept = sum(_share_now(problem, member, other).astype(np.int64) for other in others)
    missing = 1.0 - np.minimum(kept, partners) / np.maximum(partners, 1)
    return np.asarray(problem.groups.parting_cost[member] * missing)


def _joining_cost(problem: Problem, members: Sequence[IntArray], homes: Sequence[FloatArray]) -> FloatArray:
    """Least move costs of members on this type now, given as `homes`, so that the rest stays in one place."""
    if len(members) == 1:
        return np.zeros(1)
    if len(members) == 2:
        return np.where(_share_now(problem, *members), 0.0, np.minimum(*homes))
    a, b, c = homes
    least = np.minimum(np.minimum(b + c, a + c), a + b)
    together = []
    for i, alone in enumerate(homes):
        share = _share_now(problem, members[i - 1], members[i - 2])
        least = np.where(share, np.minimum(least, alone), least)
        together.append(share)
    return np.where(np.logical_and.reduce(together), 0.0, least)
