"""Random placement problems, and their answers by means that share no code with the package."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
import pulp

from gogh_sim.placement import PENDING, Blocks, Groups, Knowledge, Objective, Problem, Solution, Supply, Tariff
from gogh_sim.series import HourlySeries
from gogh_sim.types import IntArray

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
    caps: tuple[float, ...] = (),
    blocks: int = 0,
) -> Problem:
    """A problem with floors, memory limits, forbidden types, services, running jobs and partners.

    Objectives that follow the grid get a series of three hours; `blocks` limits on the uses of wide columns are drawn.
    """
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
    remaining = rng.uniform(100, 5000, groups)
    floor = np.where(rng.random((groups, types)) < 0.5, 0.0, rng.uniform(0.2, 1.5, (groups, types)))
    scale = 400.0 * remaining if objective.to_completion else np.full(groups, 400.0)
    return Problem(
        Groups(
            count=count.astype(np.int64),
            width=width.astype(np.int64),
            memory_gib=rng.uniform(2, 20, groups),
            remaining_s=remaining,
            timed=rng.random(groups) < 0.2,
            allowed=rng.random((groups, types)) < 0.85,
            floor=floor,
            queue_cost=width * scale * rng.uniform(0.2, 3.0, groups),
            current_type=current.astype(np.int64),
            partners=_partners(rng, current, width, theta),
            move_cost=np.where(current == PENDING, 0.0, 0.1 * scale * rng.random(groups)),
        ),
        Supply(
            gpus=rng.integers(0, most_gpus + 1, types),
            memory_gib=rng.uniform(16, 60, types) if theta > 2 else rng.uniform(16, 40, types),
            idle_w=rng.uniform(20, 50, types),
            tdp_w=rng.uniform(300, 420, types),
            host_w=rng.uniform(20, 100, types),
            host_slope=rng.uniform(1.0, 1.2, types),
            theta=theta,
            caps=caps,
        ),
        Knowledge(speed, norm, power, pair_power, rng.uniform(0, 1, types), rng.uniform(0.1, 1, types)),
        objective,
        _tariff(rng, objective),
        _blocks(rng, width, types, blocks),
    )


def _partners(rng: np.random.Generator, current: IntArray, width: IntArray, theta: int) -> IntArray:
    """Who shares its GPUs with whom: neighbours by number on one type and of one width, by twos and at times threes."""
    partners = np.full((current.size, 2), PENDING)
    for first in range(0, current.size - 1, theta):
        crew = list(range(first, min(first + int(rng.integers(2, theta + 1)) if theta > 1 else 1, current.size)))
        alike = {(int(current[g]), int(width[g])) for g in crew}
        if len(alike) == 1 and current[first] != PENDING and rng.random() < 0.7:
            for g in crew:
                partners[g, : len(crew) - 1] = [other for other in crew if other != g]
    return partners


def _tariff(rng: np.random.Generator, objective: Objective) -> Tariff:
    if objective not in (Objective.CARBON, Objective.COST):
        return Tariff.flat()
    return Tariff(HourlySeries(tuple(rng.uniform(0.1, 2.0, 3).tolist())), now_s=float(rng.uniform(0, 20_000)))


def _blocks(rng: np.random.Generator, width: IntArray, types: int, number: int) -> Blocks | None:
    if number == 0:
        return None
    return Blocks(
        rng.integers(0, types, number), np.tile(width // 2, (number, 1)), rng.integers(0, 3, number).astype(np.int64)
    )


def column_cost(problem: Problem, gpu_type: int, members: tuple[int, ...]) -> float:
    """Cost of one to three jobs, by the formulas of the documentation in scalars; infinite where not allowed."""
    groups, supply = problem.groups, problem.supply
    if len(members) > supply.theta or len({int(groups.width[g]) for g in members}) > 1:
        return math.inf
    if sum(groups.memory_gib[g] for g in members) > supply.memory_gib[gpu_type]:
        return math.inf
    running = min(_running_cost(problem, gpu_type, members, cap) for cap in (None, *supply.caps))
    return running + _move_cost(problem, gpu_type, members)


def _rates(problem: Problem, t: int, members: tuple[int, ...], cap: float | None) -> list[float]:
    known = problem.knowledge
    rates = []
    for position, g in enumerate(members):
        slowdown = sum(1 / known.norm[t, g, h] - 1 for i, h in enumerate(members) if i != position)
        rates.append(float(known.speed[g, t] / (1 + slowdown)))
    if cap is None:
        return rates
    uncapped_w, idle_w = _gpu_w(problem, t, members, None), problem.supply.idle_w[t]
    if uncapped_w > cap * problem.supply.tdp_w[t]:
        room_w = cap * problem.supply.tdp_w[t] - idle_w
        factor = (room_w / (uncapped_w - idle_w)) ** known.cap_exponent[t] if room_w > 0 else math.nan
        rates = [rate * factor for rate in rates]
    return rates


def _gpu_w(problem: Problem, t: int, members: tuple[int, ...], cap: float | None) -> float:
    known, supply = problem.knowledge, problem.supply
    if len(members) == 1:
        watts = known.power_w[members[0], t]
    elif len(members) == 2:
        watts = known.pair_power_w[t, members[0], members[1]]
    else:
        dynamic = [known.power_w[g, t] - supply.idle_w[t] for g in members]
        rates = _rates(problem, t, members, None)
        load = sum(rate / known.speed[g, t] * d for g, rate, d in zip(members, rates, dynamic, strict=True))
        top = max(dynamic)
        watts = min(supply.tdp_w[t], supply.idle_w[t] + top * (load / top) ** known.share_exponent[t])
    return float(watts if cap is None else min(watts, cap * supply.tdp_w[t]))


def _running_cost(problem: Problem, t: int, members: tuple[int, ...], cap: float | None) -> float:
    groups, supply = problem.groups, problem.supply
    for g, rate in zip(members, _rates(problem, t, members, cap), strict=True):
        if not groups.allowed[g, t] or not rate > 0 or rate < groups.floor[g, t]:
            return math.inf
    width = float(groups.width[members[0]])

    def node_w(going: tuple[int, ...]) -> float:
        return width * float(supply.host_w[t] + supply.host_slope[t] * _gpu_w(problem, t, going, cap))

    if problem.objective is Objective.POWER:
        return node_w(members)
    left = {i: float(groups.remaining_s[g]) for i, g in enumerate(members)}
    now_s, cost = 0.0, 0.0
    while left:
        going = tuple(members[i] for i in left)
        pace = dict(zip(left, _rates(problem, t, going, cap), strict=True))
        pace = {i: 1.0 if groups.timed[members[i]] else rate for i, rate in pace.items()}
        first = min(left, key=lambda i: left[i] / pace[i])
        length_s = left[first] / pace[first]
        cost += node_w(going) * _weight(problem.tariff, now_s, now_s + length_s)
        now_s += length_s
        left = {i: max(0.0, rest - pace[i] * length_s) for i, rest in left.items() if i != first}
    return cost


def _weight(tariff: Tariff, start_s: float, end_s: float) -> float:
    """Integral of the tariff, hour by hour."""
    values, total = tariff.weight.values, 0.0
    at, end = tariff.now_s + start_s, tariff.now_s + end_s
    while at < end:
        hour = math.floor(at / 3600)
        until = min(end, (hour + 1) * 3600.0)
        total += values[hour % len(values)] * (until - at)
        at = until
    return total


def _move_cost(problem: Problem, t: int, members: tuple[int, ...]) -> float:
    groups = problem.groups
    price = groups.move_cost.tolist()
    cost = sum(price[g] for g in members if groups.current_type[g] not in (PENDING, t))
    here = [i for i, g in enumerate(members) if groups.current_type[g] == t]
    partners = {i: [h for h in groups.partners[members[i]].tolist() if h != PENDING] for i in here}
    for i in here:
        with_it = sum(members[j] in partners[i] for j in range(len(members)) if j != i)
        missing = len(partners[i]) - min(with_it, len(partners[i]))
        if missing:
            cheapest = min(price[g] for g in [members[i], *partners[i]])
            cost += 0.5 * cheapest * missing / len(partners[i])
    stay = [s for n in range(len(here) + 1) for s in itertools.combinations(here, n)]
    together = [s for s in stay if all(members[j] in partners[i] for i, j in itertools.combinations(s, 2))]
    return float(cost + min(sum(price[members[i]] for i in here if i not in s) for s in together))


def every_column(problem: Problem) -> list[tuple[int, tuple[int, ...], float]]:
    """All allowed columns as (type, members, cost)."""
    size, types = len(problem.groups), len(problem.supply)
    singles = [(g,) for g in range(size)]
    pairs = [
        (a, b)
        for a, b in itertools.combinations_with_replacement(range(size), 2)
        if a != b or problem.groups.count[a] >= 2
    ]
    trios = [
        trio
        for trio in itertools.combinations_with_replacement(range(size), 3)
        if all(trio.count(g) <= problem.groups.count[g] for g in trio)
    ]
    columns = [(t, m, column_cost(problem, t, m)) for t in range(types) for m in [*singles, *pairs, *trios]]
    return [column for column in columns if math.isfinite(column[2])]


def brute_force(problem: Problem) -> float:
    """Least cost by trying every number of uses of every column."""
    columns = every_column(problem)
    rows = _rows(problem)
    queue_cost = problem.groups.queue_cost.tolist()

    @functools.cache
    def best(k: int, left: tuple[int, ...], free: tuple[int, ...]) -> float:
        if k == len(columns):
            return sum(cost * n for cost, n in zip(queue_cost, left, strict=True))
        gpu_type, members, cost = columns[k]
        least, uses, now_left, now_free = math.inf, 0, list(left), list(free)
        while min(now_left) >= 0 and min(now_free) >= 0:
            least = min(least, uses * cost + best(k + 1, tuple(now_left), tuple(now_free)))
            uses += 1
            for g in members:
                now_left[g] -= 1
            for row, (limited, taken, _) in enumerate(rows):
                now_free[row] -= taken[members[0]] if limited == gpu_type else 0
        return least

    return best(0, tuple(problem.groups.count.tolist()), tuple(room for _, _, room in rows))


def _rows(problem: Problem) -> list[tuple[int, list[int], int]]:
    """Limits as (type, taken by a gang of each group, room): the GPUs of each type, and blocks."""
    width, blocks = problem.groups.width.tolist(), problem.blocks
    rows = [(t, width, gpus) for t, gpus in enumerate(problem.supply.gpus.tolist())]
    if blocks is not None:
        rows += zip(blocks.gpu_type.tolist(), blocks.taken.tolist(), blocks.room.tolist(), strict=True)
    return rows


def binary_model(problem: Problem) -> float:
    """Least cost by the un-collapsed program, solved to optimality: a binary per job, pair or trio, and type."""
    group_of = np.repeat(np.arange(len(problem.groups)), problem.groups.count).tolist()
    jobs = range(len(group_of))
    model = _PULP.LpProblem("binary", _PULP.LpMinimize)
    variable = getattr(model, "add_variable", _PULP.LpVariable)
    terms: list[tuple[Any, float]] = []
    of_job: dict[int, list[Any]] = {job: [] for job in jobs}
    rows = _rows(problem)
    of_row: list[list[tuple[Any, float]]] = [[] for _ in rows]
    cost_of = functools.cache(lambda t, members: column_cost(problem, t, members))
    crews = [crew for n in range(1, problem.supply.theta + 1) for crew in itertools.combinations(jobs, n)]
    for t in range(len(problem.supply)):
        for crew in crews:
            cost = cost_of(t, tuple(group_of[job] for job in crew))
            if math.isfinite(cost):
                use = variable(f"x_{t}_{'_'.join(map(str, crew))}", cat="Binary")
                terms.append((use, cost))
                for row, (limited, taken, _) in enumerate(rows):
                    if limited == t and taken[group_of[crew[0]]]:
                        of_row[row].append((use, float(taken[group_of[crew[0]]])))
                for job in crew:
                    of_job[job].append(use)
    for job in jobs:
        queued = variable(f"q_{job}", cat="Binary")
        terms.append((queued, float(problem.groups.queue_cost[group_of[job]])))
        model += _PULP.lpSum([*of_job[job], queued]) == 1
    for (_, _, room), uses in zip(rows, of_row, strict=True):
        if uses:
            model += _PULP.lpSum([w * use for use, w in uses]) <= room
    scale = max(cost for _, cost in terms)
    model.setObjective(_PULP.LpAffineExpression([(use, cost / scale) for use, cost in terms]))
    model.solve(_PULP.COIN_CMD(path=_PULP.PULP_CBC_CMD.pulp_cbc_path, msg=False, threads=1, gapRel=0.0, gapAbs=0.0))
    return float(_PULP.value(model.objective)) * scale


def check(problem: Problem, solution: Solution) -> None:
    """Recompute every constraint and the objective from the answer."""
    groups = problem.groups
    rows = _rows(problem)
    placed, used, cost = np.zeros(len(groups), dtype=int), [0] * len(rows), 0.0
    columns = solution.columns
    for k, uses in enumerate(solution.uses.tolist()):
        assert uses > 0
        members = tuple(g for g in columns.members[k].tolist() if g >= 0)
        assert list(members) == sorted(members)
        assert all(members.count(g) <= groups.count[g] for g in members)
        for g in members:
            placed[g] += uses
        gpu_type = int(columns.gpu_type[k])
        for row, (limited, taken, _) in enumerate(rows):
            used[row] += uses * taken[members[0]] if limited == gpu_type else 0
        cost += uses * column_cost(problem, gpu_type, members)
    assert (placed <= groups.count).all()
    assert all(use <= room for use, (_, _, room) in zip(used, rows, strict=True))
    cost += float(groups.queue_cost @ (groups.count - placed))
    report = solution.report
    assert math.isclose(cost, report.objective, rel_tol=1e-9, abs_tol=1e-9)
    assert report.bound <= report.objective * (1 + 1e-7) + 1e-9
    assert np.array_equal(solution.queued(problem), groups.count - placed)
