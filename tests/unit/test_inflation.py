"""Filling a cluster task by task, on sites small enough for paper."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.placement.fragmentation import TaskMix
from gogh_sim.reproduce.inflation import (
    BestFit,
    DotProduct,
    FragmentationDescent,
    Policy,
    Random,
    Site,
    Task,
    inflate,
    usual_tasks,
)


def site(*nodes: list[float], cpus: float = 64.0) -> Site:
    """Nodes by the free part of each of their GPUs."""
    width = max(map(len, nodes))
    free = np.array([[*node, *[0.0] * (width - len(node))] for node in nodes])
    return Site(np.full(len(nodes), cpus), np.full(len(nodes), 1e6), free)


def task(gpus: int = 1, part: float = 1.0, cpus: float = 1.0) -> Task:
    return Task(cpus, 1.0, gpus, part)


HALVES = TaskMix(np.array([1]), np.array([0.5]), np.array([1.0]), np.array([1.0]))


def test_a_node_needs_the_gpus_the_cpus_and_the_memory() -> None:
    two = site([1.0, 0.4], [0.4, 0.4])
    assert two.fits(task()).tolist() == [True, False]
    assert two.fits(task(part=0.4)).tolist() == [True, True]
    assert two.fits(task(gpus=2)).tolist() == [False, False]
    assert two.fits(task(gpus=0, part=0.0)).tolist() == [True, True]
    assert not two.fits(task(part=0.4, cpus=65.0)).any()
    assert not two.fits(Task(1.0, 2e6, 1, 0.4)).any()


def test_best_fit_leaves_least_and_ties_go_to_the_first_node() -> None:
    three = site([1.0, 1.0], [1.0], [1.0])
    assert BestFit().node(three, task(), three.fits(task())) == 1
    used = site([1.0], [1.0])
    used.cpus[0] = 8.0
    assert BestFit().node(used, task(), used.fits(task())) == 0


def test_dot_product_takes_the_node_with_least_of_what_is_asked_for() -> None:
    # What is asked for is mostly GPUs: the node with fewer free has the smaller product.
    two = site([1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])
    assert DotProduct().node(two, task(), two.fits(task())) == 1


def test_fragmentation_descent_avoids_spoiling_what_usual_tasks_can_use() -> None:
    # 0.1 on 0.5 leaves 0.4 that no half task can use; on 0.6 nothing is lost. Best fit takes the 0.5.
    two = site([0.5], [0.6])
    small = task(part=0.1)
    assert FragmentationDescent(HALVES).node(two, small, two.fits(small)) == 1
    one = site([0.5, 0.6])
    policy = FragmentationDescent(HALVES)
    assert policy.node(one, small, one.fits(small)) == 0
    assert policy.slot(one, small, 0) == 1
    assert BestFit().slot(one, small, 0) == 0


def test_scores_of_changed_nodes_are_renewed() -> None:
    two, small = site([0.6], [0.6]), task(part=0.1)
    policy = FragmentationDescent(HALVES)
    assert policy.node(two, small, two.fits(small)) == 0
    two.take(small, 0, [0])
    # The first node has 0.5 left now, which the next small task would spoil.
    assert policy.node(two, small, two.fits(small)) == 1


@pytest.mark.parametrize("make", [BestFit, DotProduct, lambda: Random(np.random.default_rng(1))])
def test_levels_are_looked_at_before_the_task_that_passes_them(make: type[Policy]) -> None:
    tasks = [task(part=0.5)] * 3 + [task(gpus=4)] + [task()] * 3
    curve = inflate(site([1.0, 1.0]), tasks, make(), HALVES, [0.5, 0.75, 1.0])
    # Half of 2 GPUs after two tasks, three quarters after three; the gang of 4 never fits and passes 100 %.
    assert curve.allocated == pytest.approx({0.5: 0.5, 0.75: 0.75, 1.0: 0.75})
    assert curve.fragmented[1.0] == pytest.approx(0.0)


def test_usual_tasks_are_the_most_frequent_kinds() -> None:
    mix = usual_tasks([task()] * 6 + [task(part=0.5)] * 3 + [task(gpus=2)], popular=0.9)
    assert mix.share == pytest.approx([6 / 9, 3 / 9])
    assert mix.part.tolist() == [1.0, 0.5]
