"""Room for jobs during one decision, by the rules of conventional policies: nothing is ever oversubscribed.

A whole job has its GPUs to itself. Jobs that can use a fraction of a GPU share one while their fractions sum to at
most 1, their memory fits and there are at most theta of them. A gang goes on one node where any has the room, else on
the fewest nodes of one GPU type.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from gogh_sim.policy import NOTHING, ActiveJob, ClusterView, Decision, Placement, PolicyContext, Shape
from gogh_sim.types import BoolArray, FloatArray, IntArray, Job, JobId

Costs: TypeAlias = tuple[FloatArray, ...]
"""Costs per GPU, least wanted first; the first array decides, the next break its ties, then cluster order does."""

Rank: TypeAlias = "Callable[[Capacity, ActiveJob], Costs]"
"""A policy's taste in GPUs for one job; for a gang, the cheapest free GPU of a node or type stands for it."""

_SLACK = 1e-9


def in_cluster_order(capacity: Capacity, active: ActiveJob) -> Costs:
    """Rank that takes the first free GPUs."""
    return ()


class Capacity:
    """Free capacity of a view, with the placements decided so far; the view itself is never changed.

    What does not fit is remembered by shape until something is given back, so a long queue costs its shapes.
    """

    def __init__(self, context: PolicyContext, view: ClusterView) -> None:
        self.cluster = view.cluster
        self._workloads = context.workloads
        self._view = view
        occupancy = view.occupancy
        self._jobs, self._fraction, self._memory = occupancy.jobs, occupancy.fraction, occupancy.memory_gib
        self._up = None if occupancy.up.all() else occupancy.up
        empty: BoolArray = self._jobs == 0
        self._empty = empty if self._up is None else empty & self._up
        self._empties = [int(np.count_nonzero(self._empty & of_type)) for of_type in self.cluster.of_type]
        self._owned = False
        self._changed: dict[int, list[Job]] = {}
        self._too_big: set[Shape] = set()

    @property
    def jobs(self) -> IntArray:
        """Jobs per GPU; to be read only."""
        return self._jobs

    @property
    def fraction(self) -> FloatArray:
        """Sum of the jobs' fractions per GPU; to be read only."""
        return self._fraction

    @property
    def unused(self) -> FloatArray:
        """What is left of each GPU beside the jobs' fractions; nothing of one that has broken down."""
        left: FloatArray = np.maximum(1.0 - self._fraction, 0.0)
        return left if self._up is None else np.where(self._up, left, 0.0)

    def shape(self, job: Job) -> Shape:
        """What decides where the job fits."""
        return Shape.of(job, self._workloads[job.workload].memory_gib, self.cluster)

    def residents(self, gpu: int) -> list[Job]:
        """Jobs on a GPU, those placed in this decision included."""
        if gpu in self._changed:
            return self._changed[gpu]
        return [self._view.running[job_id].job for job_id in self._view.occupancy.residents[gpu]]

    def eligible(self, job: Job) -> BoolArray:
        """Per GPU: whether it could take one member of the job's gang now."""
        return self._free(self.shape(job))

    def _free(self, shape: Shape) -> BoolArray:
        _, usable = self.cluster.holding(shape.memory_gib, shape.allowed)
        if self._up is not None:
            usable = usable & self._up
        if shape.fraction == 1:
            return usable & self._empty
        memory: BoolArray = self._memory + shape.memory_gib <= self.cluster.memory_limit_gib
        return usable & memory & (self._jobs < self.cluster.theta) & (self._fraction + shape.fraction <= 1 + _SLACK)

    def fit(self, active: ActiveJob, rank: Rank = in_cluster_order) -> Placement | None:
        """Cheapest place for the job's gang by `rank`, or None; nothing is taken yet."""
        shape = self.shape(active.job)
        if not self._may_fit(shape):
            return None
        free, costs = self._free(shape), rank(self, active)
        gpus = self._single(free, costs) if shape.num_gpus == 1 else self._gang(free, shape.num_gpus, costs)
        if gpus is None:
            self._too_big.add(shape)
            return None
        return tuple([self.cluster.gpu_ids[i] for i in gpus.tolist()])

    def queue(self) -> Iterator[ActiveJob]:
        """Pending jobs in order of submission, without those who cannot fit; asking `fit` about the others is enough.

        Costs the shapes that are pending and the jobs that it names, not the length of the queue.
        """
        heads = []
        for shape, jobs in self._by_shape().items():
            if self._may_fit(shape):
                rest = iter(jobs.values())
                heads.append(_Head.of(next(rest), shape, rest))
        heapq.heapify(heads)
        while heads:
            head = heads[0]
            following = None
            if self._may_fit(head.shape):
                yield head.active
                following = next(head.rest, None)
            if following is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, _Head.of(following, head.shape, head.rest))

    def _by_shape(self) -> Mapping[Shape, Mapping[JobId, ActiveJob]]:
        if self._view.by_shape is not None:
            return self._view.by_shape
        lines: defaultdict[Shape, dict[JobId, ActiveJob]] = defaultdict(dict)
        for job_id, active in self._view.pending.items():
            lines[self.shape(active.job)][job_id] = active
        return lines

    def _may_fit(self, shape: Shape) -> bool:
        """False once found too big, or while fewer GPUs than it needs, be they apart or of several types, have room."""
        if shape in self._too_big:
            return False
        if shape.fraction < 1:
            enough = bool(self._free(shape).any())
        else:
            types, _ = self.cluster.holding(shape.memory_gib, shape.allowed)
            enough = sum([self._empties[t] for t in types]) >= shape.num_gpus
        if not enough:
            self._too_big.add(shape)
        return enough

    def take(self, job: Job, placement: Placement) -> None:
        """Put the job there."""
        for gpu in self._own(placement):
            self._changed[gpu] = [*self.residents(gpu), job]
            self._count(gpu, job, 1)

    def give_back(self, job: Job, placement: Placement) -> None:
        """Take the job away from there."""
        for gpu in self._own(placement):
            self._changed[gpu] = [other for other in self.residents(gpu) if other.job_id != job.job_id]
            self._count(gpu, job, -1)
        self._too_big.clear()

    def node_load(self) -> FloatArray:
        """Per node: the sum of the fractions in use on its GPUs."""
        return np.add.reduceat(self._fraction, self.cluster.node_start[:-1])

    @cached_property
    def node_gpus(self) -> IntArray:
        """Per node: its GPUs that have not broken down."""
        if self._up is None:
            return np.diff(self.cluster.node_start)
        return np.add.reduceat(self._up.astype(np.int64), self.cluster.node_start[:-1])

    def holds(self, job: Job, placement: Placement) -> bool:
        """Whether exactly these GPUs could take the job now."""
        return bool(self.eligible(job)[[self.cluster.index_of[gpu] for gpu in placement]].all())

    def _own(self, placement: Placement) -> list[int]:
        if not self._owned:
            self._jobs, self._fraction = self._jobs.copy(), self._fraction.copy()
            self._memory = self._memory.copy()
            self._owned = True
        return [self.cluster.index_of[gpu] for gpu in placement]

    def _count(self, gpu: int, job: Job, sign: int) -> None:
        empty_before = self._jobs[gpu] == 0
        self._jobs[gpu] += sign
        empty = self._jobs[gpu] == 0
        if empty != empty_before:
            self._empty[gpu] = empty
            self._empties[self.cluster.type_of[gpu]] -= sign
        self._fraction[gpu] = 0.0 if empty else self._fraction[gpu] + sign * job.gpu_fraction
        self._memory[gpu] = 0.0 if empty else self._memory[gpu] + sign * self._workloads[job.workload].memory_gib

    def _single(self, free: BoolArray, costs: Costs) -> IntArray:
        return _cheapest(free.nonzero()[0], costs)[:1]

    def _gang(self, free: BoolArray, num_gpus: int, costs: Costs) -> IntArray | None:
        starts = self.cluster.node_start[:-1]
        counts = np.add.reduceat(free.astype(np.int64), starts)
        roomy = np.flatnonzero(counts >= num_gpus)
        if not roomy.size:
            return self._span(free, counts, num_gpus, costs)
        node_costs = tuple(np.minimum.reduceat(np.where(free, cost, np.inf), starts) for cost in costs)
        node = _cheapest(roomy, node_costs)[0]
        return np.flatnonzero(free & (self.cluster.node_of == node))[:num_gpus]

    def _span(self, free: BoolArray, counts: IntArray, num_gpus: int, costs: Costs) -> IntArray | None:
        """Fewest nodes of one type, fullest of free GPUs first; among types with equally few the cheapest."""
        node_type = self.cluster.type_of[self.cluster.node_start[:-1]]
        best: tuple[tuple[float, ...], IntArray] | None = None
        for number in range(len(self.cluster.gpu_types)):
            nodes = np.flatnonzero((node_type == number) & (counts > 0))
            nodes = nodes[np.argsort(-counts[nodes], kind="stable")]
            reach = np.cumsum(counts[nodes])
            if not reach.size or reach[-1] < num_gpus:
                continue
            nodes = nodes[: int(np.searchsorted(reach, num_gpus)) + 1]
            of_type = free & (self.cluster.type_of == number)
            key = (float(len(nodes)), *(float(cost[of_type].min()) for cost in costs))
            if best is None or key < best[0]:
                best = (key, nodes)
        if best is None:
            return None
        return np.concatenate([np.flatnonzero(free & (self.cluster.node_of == n)) for n in best[1]])[:num_gpus]


class _Head(NamedTuple):
    """The first job left of a shape, in order of submission; no two jobs share their place, so it alone is compared."""

    place: tuple[float, JobId]
    active: ActiveJob
    shape: Shape
    rest: Iterator[ActiveJob]

    @classmethod
    def of(cls, active: ActiveJob, shape: Shape, rest: Iterator[ActiveJob]) -> _Head:
        """Head of what is left of a line."""
        return cls((active.job.submit_s, active.job.job_id), active, shape, rest)


def _cheapest(candidates: IntArray, costs: Costs) -> IntArray:
    """Those of the candidates that no other undercuts, in order."""
    for cost in costs:
        values = cost[candidates]
        candidates = candidates[values == values.min()]
    return candidates


def start_who_fits(capacity: Capacity, queue: Iterable[ActiveJob], rank: Rank = in_cluster_order) -> Decision:
    """Go through the queue once; whoever fits starts, whoever does not is overtaken."""
    placed: dict[JobId, Placement] = {}
    for active in queue:
        placement = capacity.fit(active, rank)
        if placement is not None:
            capacity.take(active.job, placement)
            placed[active.job.job_id] = placement
    return Decision(place=placed) if placed else NOTHING
