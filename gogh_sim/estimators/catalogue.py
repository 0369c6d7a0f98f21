"""The catalogue: what is known or believed of every situation, and from where.

A situation is (GPU type, workload, partner or none). Arrays have shape (T, W, W + 1): the last column is the workload
alone. Alone, an estimate is the log relative speed; beside a partner it is the log pressure (`coordinates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from gogh_sim.estimators.coordinates import norm_of
from gogh_sim.types import BoolArray, FloatArray, GpuType, IntArray, Workload


class Source(IntEnum):
    """Where an estimate comes from, in order of how much is behind it."""

    P1 = 0
    P2 = 1
    MEASURED = 2

    @property
    def label(self) -> str:
        """Its name in results: "P1", "P2" or "measured"."""
        return "measured" if self is Source.MEASURED else self.name


@dataclass(frozen=True)
class Catalogue:
    """Estimates of all situations of a fixed set of workloads and types, so its size is bounded from the start.

    Attributes
    ----------
    estimate
        (T, W, W + 1) log relative speed (last column) or log pressure on the row workload.
    variance
        Of the estimate's error, in the same coordinate.
    source, count
        `Source` of the estimate, and how many measurements of this very situation went into it.
    touches
        How many refinements by P2 the estimate has seen.
    """

    estimate: FloatArray
    variance: FloatArray
    source: IntArray
    count: IntArray
    touches: IntArray

    @property
    def alone(self) -> int:
        """Column of "no partner"."""
        return int(self.estimate.shape[2]) - 1

    def copy(self) -> Catalogue:
        """Catalogue with arrays of its own."""
        return Catalogue(*(getattr(self, f.name).copy() for f in fields(self)))

    def speed(self) -> FloatArray:
        """(T, W) relative speed alone."""
        result: FloatArray = np.exp(self.estimate[:, :, self.alone])
        return result

    def norm(self) -> FloatArray:
        """(T, W, W) normalised throughput of the row workload beside the column workload."""
        return norm_of(self.estimate[:, :, : self.alone])


def situations_of(workload: int, types: int, workloads: int) -> IntArray:
    """(S, 3) every situation that a workload is part of: its own, alone and beside each, then as a partner of others.

    ``S = types * (workloads + 1 + workloads - 1)``; a workload beside itself appears once.
    """
    columns = np.arange(workloads + 1)
    others = np.delete(np.arange(workloads), workload)
    own = [np.broadcast_to(workload, columns.shape), columns]
    beside = [others, np.broadcast_to(workload, others.shape)]
    pairs = np.stack([np.concatenate([own[0], beside[0]]), np.concatenate([own[1], beside[1]])], axis=1)
    kinds = np.repeat(np.arange(types), len(pairs))
    return np.column_stack([kinds, np.tile(pairs, (types, 1))]).astype(np.int64)


def memory_fits(workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> BoolArray:
    """(T, W, W + 1) whether the situation fits the memory of one GPU."""
    own = np.array([w.memory_gib for w in workloads])
    together = own[:, None] + np.append(own, 0.0)
    room = np.array([t.memory_gib for t in gpu_types])
    result: BoolArray = room[:, None, None] >= together
    return result
