"""Filling a cluster until nothing fits: tasks arrive one by one, none leaves, and what does not fit is dropped.

The experiment of Weng et al., "Beware of Fragmentation" (USENIX ATC 2023, section 6), as their simulator runs it
(hkust-adsl/kubernetes-scheduler-simulator 8f3d6417353c): a node is chosen by a whole-number score from 0 to 100, and of
equal scores the first node in order has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gogh_sim.placement.fragmentation import TaskMix, fragmentation
from gogh_sim.types import BoolArray, FloatArray, IntArray

_SLACK = 1e-9
_MANY = 300
_MOST_CPUS, _MOST_GPUS = 128.0, 8.0
"""Largest node of the simulator's world, by which scores are normalised there."""


class Task(NamedTuple):
    """What a task asks of one node; `part` is how much of each of its `gpus`."""

    cpus: float
    memory: float
    gpus: int
    part: float

    @property
    def demand(self) -> float:
        """GPUs in all."""
        return self.gpus * self.part


@dataclass
class Site:
    """Free capacity: (N,) CPUs and memory, (N, G) part of each GPU, 0 beyond a node's last; `changed` logs nodes."""

    cpus: FloatArray
    memory: FloatArray
    free: FloatArray
    changed: list[int] = field(default_factory=list)

    def fits(self, task: Task) -> BoolArray:
        """(N,) which nodes can take the task."""
        room = (self.cpus >= task.cpus - _SLACK) & (self.memory >= task.memory - _SLACK)
        if task.gpus:
            room &= (self.free >= task.part - _SLACK).sum(axis=1) >= task.gpus
        return room

    def take(self, task: Task, node: int, slots: Sequence[int]) -> None:
        """Put the task there."""
        self.cpus[node] -= task.cpus
        self.memory[node] -= task.memory
        for slot in slots:
            # Parts are thousandths: kept exact, so that a GPU given out in pieces ends at nothing.
            self.free[node, slot] = round(self.free[node, slot] - task.part, 6)
        self.changed.append(node)


class Policy:
    """A way to choose among nodes that fit, and among the GPUs of the node."""

    def node(self, site: Site, task: Task, fits: BoolArray) -> int:
        """The node; `fits` has at least one."""
        raise NotImplementedError

    def slot(self, site: Site, task: Task, node: int) -> int:
        """The GPU for a task that takes part of one: the one with least left that is enough."""
        left = np.where(site.free[node] >= task.part - _SLACK, site.free[node], np.inf)
        return int(np.argmin(left))


class Random(Policy):
    """Any node, any GPU."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def node(self, site: Site, task: Task, fits: BoolArray) -> int:
        """Drawn evenly."""
        return int(self._rng.choice(np.flatnonzero(fits)))

    def slot(self, site: Site, task: Task, node: int) -> int:
        """Drawn evenly."""
        return int(self._rng.choice(np.flatnonzero(site.free[node] >= task.part - _SLACK)))


class DotProduct(Policy):
    """Where what is free and what is asked for have the least product: nodes in use, and used otherwise."""

    def node(self, site: Site, task: Task, fits: BoolArray) -> int:
        """By the simulator's score."""
        cpus = site.cpus / _MOST_CPUS * task.cpus / _MOST_CPUS
        gpus = site.free.sum(axis=1) / _MOST_GPUS * task.demand / _MOST_GPUS
        return _first_best(1 - (cpus + gpus) / 2, fits)


class BestFit(Policy):
    """Where least is left of CPUs and GPUs together."""

    def node(self, site: Site, task: Task, fits: BoolArray) -> int:
        """By the simulator's score."""
        cpus, gpus = (site.cpus - task.cpus) / _MOST_CPUS, (site.free.sum(axis=1) - task.demand) / _MOST_GPUS
        return _first_best(1 - (cpus + gpus) / 2, fits)


class FragmentationDescent(Policy):
    """Where fragmentation grows least; scores are kept by kind of task, and renewed for nodes that have changed."""

    def __init__(self, mix: TaskMix) -> None:
        self._mix = mix
        self._known: dict[Task, tuple[FloatArray, IntArray]] = {}
        self._upto: dict[Task, int] = {}

    def node(self, site: Site, task: Task, fits: BoolArray) -> int:
        """By the simulator's score: a sigmoid of the loss of fragmentation in GPUs."""
        kind = task._replace(memory=0.0)
        if kind not in self._known:
            nodes = len(site.cpus)
            self._known[kind] = np.zeros(nodes), np.zeros(nodes, dtype=np.int64)
            stale = np.arange(nodes)
        else:
            stale = np.unique(np.array(site.changed[self._upto[kind] :], dtype=np.int64))
        self._upto[kind] = len(site.changed)
        score, slot = self._known[kind]
        if stale.size:
            score[stale], slot[stale] = self._scores(site, kind, stale)
        return _first_best(score, fits)

    def slot(self, site: Site, task: Task, node: int) -> int:
        """The GPU that scored best on the node."""
        return int(self._known[task._replace(memory=0.0)][1][node])

    def _scores(self, site: Site, task: Task, nodes: IntArray) -> tuple[FloatArray, IntArray]:
        free, cpus = site.free[nodes], site.cpus[nodes]
        before = self._fragments(free, cpus)
        if task.gpus == 1 and task.part < 1:
            width = free.shape[1]
            after = np.repeat(free[:, np.newaxis, :], width, axis=1)
            after[:, np.arange(width), np.arange(width)] -= task.part
            cost = self._fragments(after.reshape(-1, width), np.repeat(cpus - task.cpus, width)).reshape(-1, width)
            cost = np.where(free >= task.part - _SLACK, _percent(_sigmoid(before[:, np.newaxis] - cost)), -1.0)
            slot = np.argmax(cost, axis=1)
            return cost[np.arange(len(nodes)), slot] / 100, slot.astype(np.int64)
        whole = (free >= 1 - _SLACK) if task.gpus else np.zeros(free.shape, dtype=np.bool_)
        taken = whole & (np.cumsum(whole, axis=1) <= task.gpus)
        after = np.where(taken, 0.0, free)
        gain = before - self._fragments(after, cpus - task.cpus)
        return _sigmoid(gain), np.zeros(len(nodes), dtype=np.int64)

    def _fragments(self, free: FloatArray, cpus: FloatArray) -> FloatArray:
        """Fragmentation of node states; of many, equal ones are computed once."""
        if len(free) <= _MANY:
            return fragmentation(free, cpus, self._mix)
        states: FloatArray = np.column_stack([cpus, -np.sort(-free, axis=1)]).round(6)
        _, first, inverse = np.unique(states, axis=0, return_index=True, return_inverse=True)
        unique = states[first]
        return np.asarray(fragmentation(unique[:, 1:], unique[:, 0], self._mix)[inverse.reshape(-1)])


@dataclass(frozen=True)
class Curve:
    """Per level of arrived load: GPUs allocated and GPUs fragmented, both as a share of all."""

    allocated: dict[float, float]
    fragmented: dict[float, float]


def inflate(site: Site, tasks: Sequence[Task], policy: Policy, mix: TaskMix, levels: Sequence[float]) -> Curve:
    """Put the tasks in order on the site and look at it whenever arrived demand passes a level.

    Parameters
    ----------
    levels
        Shares of the site's GPUs, ascending.
    """
    total = float(site.free.sum())
    ahead = list(reversed(levels))
    allocated, fragmented = {}, {}
    arrived = 0.0
    for task in tasks:
        arrived += task.demand
        while ahead and arrived > ahead[-1] * total + _SLACK:
            level = ahead.pop()
            allocated[level] = 1 - float(site.free.sum()) / total
            fragmented[level] = float(fragmentation(site.free, site.cpus, mix).sum()) / total
        if not ahead:
            break
        fits = site.fits(task)
        if fits.any():
            node = policy.node(site, task, fits)
            site.take(task, node, _slots(site, task, node, policy))
    return Curve(allocated, fragmented)


def _slots(site: Site, task: Task, node: int, policy: Policy) -> list[int]:
    if task.gpus == 1 and task.part < 1:
        return [policy.slot(site, task, node)]
    whole: list[int] = np.flatnonzero(site.free[node] >= 1 - _SLACK).tolist()
    return whole[: task.gpus]


def usual_tasks(tasks: Sequence[Task], popular: float = 0.95) -> TaskMix:
    """Mix of the most frequent kinds of tasks that together make up the share `popular`; memory does not count."""
    kinds, counts = np.unique([(t.cpus, t.part, t.gpus) for t in tasks], axis=0, return_counts=True)
    order = np.lexsort((*(-kinds.T[::-1]), -counts))
    enough = int(np.searchsorted(np.cumsum(counts[order]), popular * len(tasks))) + 1
    cpus, part, gpus = kinds[order[:enough]].T
    share = counts[order[:enough]] / counts[order[:enough]].sum()
    return TaskMix(gpus.astype(np.int64), part, cpus, share)


def _first_best(score: FloatArray, fits: BoolArray) -> int:
    return int(np.argmax(np.where(fits, _percent(score), -1.0)))


def _percent(score: FloatArray) -> FloatArray:
    """Whole points; a score within rounding of the next point has it."""
    return np.floor(np.round(100 * score, 6))


def _sigmoid(gain: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-gain)))
