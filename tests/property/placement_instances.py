"""Random placement problems, and their answers by means that share no code with the package."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
import pulp

from gogh_sim.placement import PENDING, Groups, Knowledge, Objective, Problem, Solution, Supply

_PULP: Any = pulp


def random_problem(
    rng: np.random.Generator,
    *,
    groups: int,
    types: int = 2,
    most_jobs: int = 2,
    most_gpus: int = 5,
    widths: tuple[int, ...] = (1, 1, 2),
    objective: Objective = Objective.ENERGY,
    theta: int = 2,
) -> Problem:
    """A problem with floors, memory limits, forbidden types, running jobs and partners."""
    width = rng.choice(widths, groups)
    count = rng.integers(1, most_jobs + 1, groups)
    speed = rng.uniform(0.3, 3.0, (groups, types))
    speed[rng.random((groups, types)) < 0.1] = math.nan
    norm = rng.uniform(0.4, 1.0, (types, groups, groups))
    norm[rng.random(norm.shape) < 0.1] = math.nan
    power = rng.uniform(50, 300, (groups, types))
    pair_power = np.maximum(power.T[:, :, None], power.T[:, None, :]) * rng.uniform(1.0, 1.4, norm.shape)
    pair_power = np.maximum(pair_power, pair_power.transpose(0, 2, 1))
    current = rng.integers(-1, types, groups)
    partner = np.full(groups, PENDING)
    for first in range(0, groups - 1, 2):
        second = first + 1
        if current[first] == current[second] != PENDING and width[first] == width[second] and rng.random() < 0.7:
            partner[[first, second]] = second, first
    remaining = rng.uniform(100, 5000, groups)
    floor = np.where(rng.random((groups, types)) < 0.5, 0.0, rng.uniform(0.2, 1.5, (groups, types)))
    scale = 400.0 if objective is Objective.POWER else 400.0 * remaining
    return Problem(
        Groups(
            count=count.astype(np.int64),
            width=width.astype(np.int64),
            memory_gib=rng.uniform(2, 20, groups),
            remaining_s=remaining,
            allowed=rng.random((groups, types)) < 0.85,
            floor=floor,
            queue_cost=width * scale * rng.uniform(0.2, 3.0, groups),
            current_type=current.astype(np.int64),
            partner=partner.astype(np.int64),
            move_cost=np.where(current == PENDING, 0.0, 0.1 * scale * rng.random(groups)),
        ),
        Supply(
            gpus=rng.integers(0, most_gpus + 1, types),
            memory_gib=rng.uniform(16, 40, types),
            host_w=rng.uniform(20, 100, types),
            host_slope=rng.uniform(1.0, 1.2, types),
            theta=theta,
        ),
        Knowledge(speed, norm, power, pair_power),
        objective,
    )


def column_cost(problem: Problem, gpu_type: int, members: tuple[int, ...]) -> float:
    """Cost of one or two jobs, by the formulas of the documentation in scalars; infinite where not allowed."""
    groups, supply, known = problem.groups, problem.supply, problem.knowledge
    if len(members) > supply.theta or len({int(groups.width[g]) for g in members}) > 1:
        return math.inf
    if sum(groups.memory_gib[g] for g in members) > supply.memory_gib[gpu_type]:
        return math.inf
    rates = []
    for position, g in enumerate(members):
        others = [h for i, h in enumerate(members) if i != position]
        rate = known.speed[g, gpu_type] * (known.norm[gpu_type, g, others[0]] if others else 1.0)
        if not groups.allowed[g, gpu_type] or not rate > 0 or rate < groups.floor[g, gpu_type]:
            return math.inf
        rates.append(rate)
    cost = _running_cost(problem, gpu_type, members, rates)
    here = [g for g in members if groups.current_type[g] == gpu_type]
    if len(here) == 2 and groups.partner[here[0]] == here[1]:
        return float(cost)
    for g in members:
        partner = int(groups.partner[g])
        if groups.current_type[g] not in (PENDING, gpu_type):
            cost += groups.move_cost[g]
        elif partner != PENDING and g in here:
            cost += min(groups.move_cost[g], groups.move_cost[partner]) / 2
    if len(here) == 2:
        cost += min(groups.move_cost[g] for g in here)
    return float(cost)


def _running_cost(problem: Problem, t: int, members: tuple[int, ...], rates: list[float]) -> float:
    groups, supply, known = problem.groups, problem.supply, problem.knowledge
    width = groups.width[members[0]]

    def node_w(gpu_w: float) -> float:
        return float(width * (supply.host_w[t] + supply.host_slope[t] * gpu_w))

    shared = known.power_w[members[0], t] if len(members) == 1 else known.pair_power_w[t, members[0], members[1]]
    if problem.objective is Objective.POWER:
        return node_w(shared)
    ends = sorted((groups.remaining_s[g] / rate, g, rate) for g, rate in zip(members, rates, strict=True))
    first_end_s = ends[0][0]
    energy = node_w(shared) * first_end_s
    for _, g, rate in ends[1:]:
        left = groups.remaining_s[g] - rate * first_end_s
        energy += node_w(known.power_w[g, t]) * left / known.speed[g, t]
    return energy


def every_column(problem: Problem) -> list[tuple[int, tuple[int, ...], float]]:
    """All allowed columns as (type, members, cost)."""
    size, types = len(problem.groups), len(problem.supply)
    singles = [(g,) for g in range(size)]
    pairs = [
        (a, b)
        for a, b in itertools.combinations_with_replacement(range(size), 2)
        if a != b or problem.groups.count[a] >= 2
    ]
    columns = [(t, m, column_cost(problem, t, m)) for t in range(types) for m in [*singles, *pairs]]
    return [column for column in columns if math.isfinite(column[2])]


def brute_force(problem: Problem) -> float:
    """Least cost by trying every number of uses of every column."""
    columns = every_column(problem)
    width = problem.groups.width.tolist()
    queue_cost = problem.groups.queue_cost.tolist()

    @functools.cache
    def best(k: int, left: tuple[int, ...], free: tuple[int, ...]) -> float:
        if k == len(columns):
            return sum(cost * n for cost, n in zip(queue_cost, left, strict=True))
        gpu_type, members, cost = columns[k]
        least, uses, now_left, now_free = math.inf, 0, list(left), list(free)
        while min(now_left) >= 0 and now_free[gpu_type] >= 0:
            least = min(least, uses * cost + best(k + 1, tuple(now_left), tuple(now_free)))
            uses += 1
            for g in members:
                now_left[g] -= 1
            now_free[gpu_type] -= width[members[0]]
        return least

    return best(0, tuple(problem.groups.count.tolist()), tuple(problem.supply.gpus.tolist()))


def binary_model(problem: Problem) -> float:
    """Least cost by the un-collapsed program, solved to optimality: a binary per job, or pair of jobs, and type."""
    group_of = np.repeat(np.arange(len(problem.groups)), problem.groups.count).tolist()
    jobs = range(len(group_of))
    model = _PULP.LpProblem("binary", _PULP.LpMinimize)
    variable = getattr(model, "add_variable", _PULP.LpVariable)
    terms: list[tuple[Any, float]] = []
    of_job: dict[int, list[Any]] = {job: [] for job in jobs}
    of_type: dict[int, list[tuple[Any, float]]] = {t: [] for t in range(len(problem.supply))}
    cost_of = functools.cache(lambda t, members: column_cost(problem, t, members))
    for t in of_type:
        for crew in [*((job,) for job in jobs), *itertools.combinations(jobs, 2)]:
            cost = cost_of(t, tuple(group_of[job] for job in crew))
            if math.isfinite(cost):
                use = variable(f"x_{t}_{'_'.join(map(str, crew))}", cat="Binary")
                terms.append((use, cost))
                of_type[t].append((use, float(problem.groups.width[group_of[crew[0]]])))
                for job in crew:
                    of_job[job].append(use)
    for job in jobs:
        queued = variable(f"q_{job}", cat="Binary")
        terms.append((queued, float(problem.groups.queue_cost[group_of[job]])))
        model += _PULP.lpSum([*of_job[job], queued]) == 1
    for t, uses in of_type.items():
        if uses:
            model += _PULP.lpSum([w * use for use, w in uses]) <= int(problem.supply.gpus[t])
    scale = max(cost for _, cost in terms)
    model.setObjective(_PULP.LpAffineExpression([(use, cost / scale) for use, cost in terms]))
    model.solve(_PULP.COIN_CMD(path=_PULP.PULP_CBC_CMD.pulp_cbc_path, msg=False, threads=1, gapRel=0.0, gapAbs=0.0))
    return float(_PULP.value(model.objective)) * scale


def check(problem: Problem, solution: Solution) -> None:
    """Recompute every constraint and the objective from the answer."""
    groups = problem.groups
    placed, used, cost = np.zeros(len(groups), dtype=int), np.zeros(len(problem.supply), dtype=int), 0.0
    columns = solution.columns
    for k, uses in enumerate(solution.uses.tolist()):
        assert uses > 0
        members = tuple(g for g in (int(columns.first[k]), int(columns.second[k])) if g >= 0)
        for g in members:
            placed[g] += uses
        gpu_type = int(columns.gpu_type[k])
        used[gpu_type] += uses * int(groups.width[members[0]])
        cost += uses * column_cost(problem, gpu_type, members)
    assert (placed <= groups.count).all()
    assert (used <= problem.supply.gpus).all()
    cost += float(groups.queue_cost @ (groups.count - placed))
    report = solution.report
    assert math.isclose(cost, report.objective, rel_tol=1e-9, abs_tol=1e-9)
    assert report.bound <= report.objective * (1 + 1e-7) + 1e-9
    assert np.array_equal(solution.queued(problem), groups.count - placed)
