"""Capacity and memory hold on every GPU, whatever is placed where now and whatever the program answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from placement_instances import random_problem

from gogh_sim.placement import PENDING, Assignment, Fleet, Problem, assign, solve_greedily
from gogh_sim.types import IntArray


def random_fleet(rng: np.random.Generator, types: int) -> Fleet:
    node_type = np.repeat(np.arange(types), rng.integers(1, 4, types))
    sizes = rng.integers(1, 5, node_type.size)
    return Fleet(
        np.repeat(node_type, sizes),
        np.repeat(np.arange(node_type.size), sizes),
        rng.random(sizes.sum()) < 0.9,
        rng.random(node_type.size) < 0.7,
    )


def present_placement(rng: np.random.Generator, problem: Problem, fleet: Fleet) -> list[tuple[int, ...]]:
    """Jobs of running groups on GPUs of their type, at times on top of each other, at times with no room left."""
    present: list[tuple[int, ...]] = []
    for g in range(len(problem.groups)):
        for _ in range(int(problem.groups.count[g])):
            width, gpu_type = int(problem.groups.width[g]), int(problem.groups.current_type[g])
            gpus = np.flatnonzero((fleet.type_of == gpu_type) & fleet.available)
            if gpu_type == PENDING or gpus.size < width:
                present.append(())
            elif present and len(present[-1]) == width and rng.random() < 0.4:
                present.append(present[-1])
            else:
                present.append(tuple(sorted(rng.choice(gpus, width, replace=False).tolist())))
    return present


def scenario(seed: int) -> tuple[Problem, Fleet, list[tuple[int, ...]], list[int], Assignment, IntArray]:
    rng = np.random.default_rng(seed)
    types = int(rng.integers(1, 4))
    fleet = random_fleet(rng, types)
    problem = random_problem(
        rng, groups=int(rng.integers(1, 9)), types=types, most_jobs=4, widths=(1, 1, 2, 3, 5), theta=1 + seed % 2
    )
    problem = replace(problem, supply=replace(problem.supply, gpus=fleet.gpus_per_type(types)))
    group_of = np.repeat(np.arange(len(problem.groups)), problem.groups.count).tolist()
    members = [[j for j, h in enumerate(group_of) if h == g] for g in range(len(problem.groups))]
    present = present_placement(rng, problem, fleet)
    solution = solve_greedily(problem)
    assignment = assign(problem, solution.columns, solution.uses, members, present, fleet)
    return problem, fleet, present, group_of, assignment, solution.queued(problem)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=300)
def test_no_gpu_over_capacity_or_memory(seed: int) -> None:
    problem, fleet, present, group_of, assignment, _ = scenario(seed)
    groups, supply = problem.groups, problem.supply
    jobs, memory = np.zeros(fleet.type_of.size), np.zeros(fleet.type_of.size)
    for job, gpus in assignment.gpus.items():
        g = group_of[job]
        assert len(set(gpus)) == len(gpus) == groups.width[g]
        assert list(gpus) == sorted(gpus)
        gpu_types = set(fleet.type_of[list(gpus)].tolist())
        assert len(gpu_types) == 1
        assert fleet.available[list(gpus)].all()
        if gpus != present[job]:
            assert groups.allowed[g, gpu_types.pop()]
        jobs[list(gpus)] += 1
        memory[list(gpus)] += groups.memory_gib[g]
    assert (jobs <= supply.theta).all()
    shared = jobs > 1
    assert (memory[shared] <= supply.memory_gib[fleet.type_of][shared] * (1 + 1e-6)).all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_every_job_is_placed_or_accounted_for(seed: int) -> None:
    _, _, _, group_of, assignment, queued = scenario(seed)
    assert len(group_of) - len(assignment.gpus) <= int(queued.sum()) + assignment.unpacked


def test_assignment_is_reproducible() -> None:
    one, other = scenario(12345)[4], scenario(12345)[4]
    assert one.gpus == other.gpus
    assert list(one.gpus) == list(other.gpus)
