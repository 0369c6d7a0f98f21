"""Cost of every column, as arrays over groups and types; infinite where a column is not allowed.

A column is a set of groups that share GPUs of one type, one job of each (or two of one group). It may be used only if
every member is allowed there, fits the memory beside the others, and keeps its floor: ``speed * norm >= floor``.

With ``W(t, P) = host_w[t] + host_slope[t] * P``, the node watts that a GPU of type t causes when it draws P watts, w
the gang's width, R the work left in reference seconds, and v = speed * norm the rate at which it shrinks:

power (watts, the form of the GOGH paper)
    alone: ``w * W(t, P_a)``; pair: ``w * W(t, P_ab)``.
energy (joules to completion)
    alone: ``w * W(t, P_a) * R_a / v_a``;
    pair: with ``d_i = R_i / v_i``, ``d = min(d_a, d_b)`` and z the member that then still has work,
    ``w * (W(t, P_ab) * d + W(t, P_z) * (R_z - v_z * d) / speed_z)``: the survivor is reckoned alone.

Moving costs extra: every member whose jobs run on another type now, and the cheaper member of a pair that runs on this
type but not together, adds its `move_cost`. A job that now shares its GPUs and would stay on the type without its
partner adds half of the cheaper one's `move_cost`: where both stay apart, one of them has to move.
"""

from __future__ import annotations

import numpy as np

from gogh_sim.placement.problem import PENDING, Objective, Problem
from gogh_sim.types import BoolArray, FloatArray

_TOLERANCE = 1e-9
"""Relative slack in floors and memory, for rounding in what callers compute."""


def alone_cost(problem: Problem) -> FloatArray:
    """(G, T) cost of one job of the group alone on its gang of GPUs of the type."""
    groups, knowledge = problem.groups, problem.knowledge
    power = groups.width[:, np.newaxis] * _node_watts_alone(problem)
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = power if problem.objective is Objective.POWER else power * alone_duration_s(problem)
    cost = cost + _type_change_cost(problem) + _here(problem) * _parting_cost(problem)[:, np.newaxis]
    runs = knowledge.speed > 0
    meets = knowledge.speed >= groups.floor * (1 - _TOLERANCE)
    fits = groups.memory_gib[:, np.newaxis] <= problem.supply.memory_gib * (1 + _TOLERANCE)
    return np.where(groups.allowed & runs & meets & fits & np.isfinite(cost), cost, np.inf)


def pair_cost(problem: Problem) -> FloatArray:
    """(T, G, G) cost of one job of the row group beside one of the column group; symmetric.

    The diagonal stands for two jobs of one group, and is infinite where the group has only one.
    """
    if problem.supply.theta < 2:
        return np.full(problem.knowledge.norm.shape, np.inf)
    shape = problem.knowledge.norm.shape
    cost = np.full(shape, np.inf)
    for gpu_type in range(shape[0]):
        feasible = _pair_feasible(problem, gpu_type)
        with np.errstate(divide="ignore", invalid="ignore"):
            watts = _pair_watts(problem, gpu_type)
            value = watts if problem.objective is Objective.POWER else _pair_energy(problem, gpu_type, watts)
        value = value + _pair_move_cost(problem, gpu_type)
        cost[gpu_type] = np.where(feasible & np.isfinite(value), value, np.inf)
    return cost


def alone_duration_s(problem: Problem) -> FloatArray:
    """(G, T) seconds that a job of the group still needs alone on the type."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return problem.groups.remaining_s[:, np.newaxis] / problem.knowledge.speed


def _node_watts_alone(problem: Problem) -> FloatArray:
    return problem.supply.host_w + problem.supply.host_slope * problem.knowledge.power_w


def _here(problem: Problem) -> BoolArray:
    """(G, T) whether the group runs on the type now."""
    return np.equal.outer(problem.groups.current_type, np.arange(len(problem.supply)))


def _type_change_cost(problem: Problem) -> FloatArray:
    groups = problem.groups
    stays = _here(problem) | (groups.current_type == PENDING)[:, np.newaxis]
    return np.where(stays, 0.0, groups.move_cost[:, np.newaxis])


def _parting_cost(problem: Problem) -> FloatArray:
    """(G,) half of what the cheaper of two present partners pays for a move; 0 for jobs that share nothing."""
    groups = problem.groups
    cheaper = np.minimum(groups.move_cost, groups.move_cost[groups.partner])
    return np.where(groups.partner == PENDING, 0.0, 0.5 * cheaper)


def _pair_feasible(problem: Problem, gpu_type: int) -> BoolArray:
    groups, norm = problem.groups, problem.knowledge.norm[gpu_type]
    rate = problem.knowledge.speed[:, gpu_type, np.newaxis] * norm
    keeps = (rate > 0) & (rate >= groups.floor[:, gpu_type, np.newaxis] * (1 - _TOLERANCE))
    keeps &= groups.allowed[:, gpu_type, np.newaxis]
    together = groups.memory_gib[:, np.newaxis] + groups.memory_gib
    fits = together <= problem.supply.memory_gib[gpu_type] * (1 + _TOLERANCE)
    same_width = groups.width[:, np.newaxis] == groups.width
    feasible = keeps & keeps.T & fits & same_width
    np.fill_diagonal(feasible, feasible.diagonal() & (groups.count >= 2))
    return np.asarray(feasible)


def _pair_watts(problem: Problem, gpu_type: int) -> FloatArray:
    supply = problem.supply
    gpu_w = problem.knowledge.pair_power_w[gpu_type]
    gpu_w = 0.5 * (gpu_w + gpu_w.T)
    node_w = supply.host_w[gpu_type] + supply.host_slope[gpu_type] * gpu_w
    return np.asarray(problem.groups.width[:, np.newaxis] * node_w)


def _pair_energy(problem: Problem, gpu_type: int, watts: FloatArray) -> FloatArray:
    groups = problem.groups
    speed = problem.knowledge.speed[:, gpu_type]
    rate = speed[:, np.newaxis] * problem.knowledge.norm[gpu_type]
    duration_s = groups.remaining_s[:, np.newaxis] / rate
    shared_s = np.minimum(duration_s, duration_s.T)
    left_s = np.maximum(groups.remaining_s[:, np.newaxis] - rate * shared_s, 0.0) / speed[:, np.newaxis]
    alone_j = (groups.width * _node_watts_alone(problem)[:, gpu_type])[:, np.newaxis] * left_s
    return np.asarray(watts * shared_s + alone_j + alone_j.T)


def _pair_move_cost(problem: Problem, gpu_type: int) -> FloatArray:
    groups, change = problem.groups, _type_change_cost(problem)[:, gpu_type]
    here = _here(problem)[:, gpu_type]
    change = change + here * _parting_cost(problem)
    together = here & (groups.partner[:, np.newaxis] == np.arange(len(groups)))
    apart = here[:, np.newaxis] & here
    joining = np.minimum(groups.move_cost[:, np.newaxis], groups.move_cost)
    moving = change[:, np.newaxis] + change + np.where(apart, joining, 0.0)
    return np.where(together, 0.0, moving)
