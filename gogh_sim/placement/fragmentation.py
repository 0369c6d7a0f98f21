"""Fragmentation of free GPU capacity: how much of it a mix of tasks cannot use.

The measure of Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
Descent" (USENIX ATC 2023, section 4). To one task, a node that cannot take it is all fragment; on a node that can, the
GPUs with less free than the task needs of one are. A node's fragmentation is the mean over a mix of tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.types import BoolArray, FloatArray, IntArray

_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class TaskMix:
    """M kinds of tasks.

    Attributes
    ----------
    gpus
        (M,) GPUs that a task needs; 0 for tasks without any, to which every free GPU is a fragment.
    part
        (M,) how much of each GPU, in (0, 1].
    other
        (M,) need of the node's other resource (CPUs); zeros where that does not count.
    share
        (M,) how frequent the kind is, adding up to 1.
    """

    gpus: IntArray
    part: FloatArray
    other: FloatArray
    share: FloatArray

    def __post_init__(self) -> None:
        if not len(self.gpus) == len(self.part) == len(self.other) == len(self.share):
            raise InputError("task mix: expected columns of equal length")
        if not np.isclose(self.share.sum(), 1.0):
            raise InputError(f"task mix: shares must add up to 1, found {self.share.sum():g}")

    def suits(self, free: FloatArray, other: FloatArray) -> BoolArray:
        """(S, M) whether each node state can take a task of each kind; see `fragmentation`."""
        roomy = (free[:, np.newaxis, :] >= self.part[:, np.newaxis] - _SLACK).sum(axis=2)
        return np.asarray((self.gpus > 0) & (roomy >= self.gpus) & (other[:, np.newaxis] >= self.other - _SLACK))


def fragmentation(free: FloatArray, other: FloatArray, mix: TaskMix, allowed: BoolArray | None = None) -> FloatArray:
    """(S,) expected fragmented GPUs of S node states.

    Parameters
    ----------
    free
        (S, G) free part of each GPU; 0 beyond a node's last GPU.
    other
        (S,) free amount of the other resource.
    allowed
        (S, M) whether tasks of a kind may use the node at all; by default they may.
    """
    suits = mix.suits(free, other) if allowed is None else mix.suits(free, other) & allowed
    too_small = np.where(free[:, np.newaxis, :] < mix.part[:, np.newaxis] - _SLACK, free[:, np.newaxis, :], 0.0)
    lost = np.where(suits, too_small.sum(axis=2), free.sum(axis=1, keepdims=True))
    return np.asarray(lost @ mix.share)
