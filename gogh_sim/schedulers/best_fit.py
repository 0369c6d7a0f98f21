"""Packing: fill the nodes that are fullest already."""

from __future__ import annotations

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits
from gogh_sim.types import FloatArray


class BestFit:
    """In order of submission, whoever fits starts on the node that it leaves with the least free GPU capacity.

    Within the node, on the GPU that it leaves with the least room. The "best-fit" (packing) baseline of Weng et al.,
    "Beware of Fragmentation" (USENIX ATC 2023), with GPUs as the one resource.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), _room)


def _room(capacity: Capacity, active: ActiveJob) -> Costs:
    cluster = capacity.cluster
    free: FloatArray = np.add.reduceat(capacity.unused, cluster.node_start[:-1])
    # Sums of the same fractions in another order differ in the last bits; that must not decide between nodes.
    return (np.round(free, 9)[cluster.node_of], -np.round(capacity.fraction, 9))
