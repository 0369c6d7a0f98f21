"""The queue by shape starts the same jobs, in the same order, as a walk through everybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gogh_sim.engine.jobs import JobState
from gogh_sim.engine.queue import Line, Queue
from gogh_sim.policy import ClusterView, Decision, PolicyContext, Shape
from gogh_sim.schedulers.capacity import Capacity, start_who_fits
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.testing import random_world
from gogh_sim.testing.worlds import World
from gogh_sim.types import Cluster, GpuType, HostPower, Job, JobKind, Node

ANY: frozenset[str] = frozenset()


def gpu_type(name: str, memory_gib: float) -> GpuType:
    return GpuType(name, "test", memory_gib, 300.0, 40.0, 50.0, 15.0, 125.0, 900.0, HostPower(300.0, 1.2))


TYPES = (gpu_type("V100", 16.0), gpu_type("A100", 40.0))
TWO_SIZES = Cluster("two", TYPES, (Node("a", "V100", 2), Node("b", "A100", 4)))
SMALL = Shape(1, 1.0, 16.0, ANY)


def state(number: int, shape: Shape = SMALL) -> JobState:
    job = Job(f"j{number}", float(number), "w0", JobKind.TRAINING, 1.0, 1.0)
    return JobState(job, number, 0, 1.0, shape)


def test_who_comes_back_takes_its_old_place() -> None:
    line, states = Line(), [state(i) for i in range(4)]
    for one in states[1:]:
        line.add(one)
    assert list(line) == ["j1", "j2", "j3"]
    line.remove(states[2])
    line.add(states[0])
    line.add(states[2])
    assert list(line) == ["j0", "j1", "j2", "j3"]
    assert (len(line), "j2" in line, line["j2"]) == (4, True, states[2])


def test_shapes_nobody_has_any_more_are_forgotten() -> None:
    wide = Shape(8, 1.0, 16.0, ANY)
    queue, first, second = Queue(), state(0), state(1, wide)
    queue.add(first)
    queue.add(second)
    assert list(queue.by_shape) == [first.shape, wide]
    queue.remove(first)
    assert list(queue.by_shape) == [wide]
    assert list(queue.line) == ["j1"]


def test_footprints_of_whole_jobs_are_told_apart_by_who_holds_them_only() -> None:
    whole = Job("a", 0.0, "w0", JobKind.TRAINING, 1.0, 1.0)
    part = replace(whole, gpu_fraction=0.5)
    assert Shape.of(whole, 3.0, TWO_SIZES) == Shape.of(whole, 16.0, TWO_SIZES) == Shape(1, 1.0, 16.0, ANY)
    assert Shape.of(whole, 17.0, TWO_SIZES).memory_gib == 40.0
    assert Shape.of(whole, 41.0, TWO_SIZES).memory_gib == 41.0
    assert Shape.of(part, 3.0, TWO_SIZES).memory_gib == 3.0


@pytest.mark.parametrize(
    ("memory_gib", "allowed", "types"),
    [
        (16.0, ANY, (0, 1)),
        (17.0, ANY, (1,)),
        (41.0, ANY, ()),
        (1.0, frozenset({"V100", "K80"}), (0,)),
        (17.0, frozenset({"V100"}), ()),
    ],
)
def test_types_that_hold_a_footprint(memory_gib: float, allowed: frozenset[str], types: tuple[int, ...]) -> None:
    numbers, gpus = TWO_SIZES.holding(memory_gib, allowed)
    assert numbers == types
    assert gpus.tolist() == [t in types for t in (0, 0, 1, 1, 1, 1)]
    with pytest.raises(ValueError, match="read-only"):
        gpus[0] = True


class WalkThrough:
    """The same rule as `GreedyFifo`, but everybody who is pending is asked about."""

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        return start_who_fits(Capacity(self._context, view), view.pending.values())


class Ungrouped:
    """The rule on a view for which nobody keeps shapes."""

    def __init__(self, context: PolicyContext) -> None:
        self._policy = GreedyFifo(context)

    def decide(self, view: ClusterView) -> Decision:
        return self._policy.decide(replace(view, by_shape=None))


def crowded(seed: int) -> World:
    """Long queues of jobs of all sizes, half of them particular about types."""
    world = random_world(seed, memory_gib=10.0, num_jobs=80)
    choosy = [
        replace(one, submit_s=one.submit_s / 4, deadline_s=float("inf"), allowed_gpu_types=frozenset(kinds))
        for one, kinds in zip(world.jobs, [(), ("A100",), ("V100",), ("A100", "V100")] * 20, strict=True)
    ]
    return replace(world, jobs=tuple(choosy))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("other", [WalkThrough, Ungrouped])
def test_the_same_jobs_start_in_the_same_order(seed: int, other: type[WalkThrough | Ungrouped]) -> None:
    world = crowded(seed)
    here, there = world.run(GreedyFifo(world.context())), world.run(other(world.context()))
    assert here.timeline.pending.max() > 30
    assert here.events.equals(there.events)
