"""Breakdowns of GPUs, nodes and racks, and slow spells of GPUs: when each unit is out, whatever the policy does."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.types import Cluster, Gpus


@dataclass(frozen=True, slots=True)
class Renewal:
    """A unit works for `mtbf_s` and is out for `mttr_s`, in turn: means of exponential times, in seconds.

    It is there for ``mtbf_s / (mtbf_s + mttr_s)`` of the time in the long run. Infinite `mtbf_s`: always.
    """

    mtbf_s: float = math.inf
    mttr_s: float = 3600.0

    def __post_init__(self) -> None:
        if not (self.mtbf_s > 0 and 0 < self.mttr_s < math.inf):
            raise InputError(
                f"faults: mtbf_s must be positive and mttr_s positive and finite, found {self.mtbf_s}, {self.mttr_s}"
            )


class Level(StrEnum):
    """What breaks down together."""

    GPU = "gpu"
    NODE = "node"
    RACK = "rack"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong in the simulated world; by default nothing.

    Attributes
    ----------
    gpu, node, rack
        Breakdowns of one unit. Each takes its GPUs out; a node or rack that breaks down loses its power as well.
    nodes_per_rack
        Racks are runs of so many nodes in cluster order.
    straggler
        Slow spells of one GPU.
    straggler_speed
        Factor in (0, 1] on the speed of all jobs on a GPU while it is slow.
    checkpoint_every_s
        Seconds of running after which a training job saves its progress, again and again, at no cost in time. A job
        whose GPU breaks down loses what it did since; infinite: since it last started.
    """

    gpu: Renewal = field(default_factory=Renewal)
    node: Renewal = field(default_factory=Renewal)
    rack: Renewal = field(default_factory=Renewal)
    nodes_per_rack: int = 4
    straggler: Renewal = field(default_factory=Renewal)
    straggler_speed: float = 0.5
    checkpoint_every_s: float = math.inf

    def __post_init__(self) -> None:
        if self.nodes_per_rack < 1:
            raise InputError(f"faults.nodes_per_rack must be at least 1, found {self.nodes_per_rack}")
        if not 0 < self.straggler_speed <= 1:
            raise InputError(f"faults.straggler_speed must lie in (0, 1], found {self.straggler_speed}")
        if not self.checkpoint_every_s > 0:
            raise InputError(f"faults.checkpoint_every_s must be positive, found {self.checkpoint_every_s}")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Faults:
        """Faults of a configuration: names as above, each law a mapping.

        Raises
        ------
        InputError
            If a value is missing, unknown or out of range.
        """
        laws = ("gpu", "node", "rack", "straggler")
        try:
            made: dict[str, Any] = {
                key: Renewal(**config[key]) if key in laws else value for key, value in config.items()
            }
            return cls(**made)
        except TypeError as error:
            raise InputError(f"faults: {error}") from error

    def law(self, level: Level) -> Renewal:
        """Of one unit of the level."""
        return {Level.GPU: self.gpu, Level.NODE: self.node, Level.RACK: self.rack}[level]

    def units(self, level: Level, cluster: Cluster) -> list[Gpus]:
        """GPUs of each unit of the level, in cluster order."""
        size = {Level.GPU: 0, Level.NODE: 1, Level.RACK: self.nodes_per_rack}[level]
        if not size:
            return [(gpu,) for gpu in range(cluster.num_gpus)]
        first = [*cluster.node_start[:-1:size].tolist(), cluster.num_gpus]
        return [tuple(range(start, end)) for start, end in pairwise(first)]


class Outage(NamedTuple):
    """A unit is out from `start_s` for `length_s` seconds."""

    start_s: float
    length_s: float
    unit: int


def outages(law: Renewal, units: int, rng: np.random.Generator) -> Iterator[Outage]:
    """Outages of so many like and independent units, in order of their start, without end.

    Draws are made in that order, so the same generator gives the same outages however far they are followed.
    """
    if not math.isfinite(law.mtbf_s) or not units:
        return
    queue: list[tuple[float, int]] = [(start, unit) for unit, start in enumerate(_times(law.mtbf_s, units, rng))]
    heapq.heapify(queue)
    while True:
        start_s, unit = queue[0]
        (length_s,), (works_s,) = _times(law.mttr_s, 1, rng), _times(law.mtbf_s, 1, rng)
        heapq.heapreplace(queue, (start_s + length_s + works_s, unit))
        yield Outage(start_s, length_s, unit)


def _times(mean_s: float, count: int, rng: np.random.Generator) -> Sequence[float]:
    times: list[float] = rng.exponential(mean_s, count).tolist()
    return times
