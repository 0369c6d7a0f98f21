"""Spreading: keep every node equally busy."""

from __future__ import annotations

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits


class LeastLoaded:
    """In order of submission, whoever fits starts on the node with the smallest share of its GPU capacity in use.

    Within the node, on the GPU least in use; a GPU that has broken down is no capacity. The least-allocated spreading
    that Kubernetes' NodeResourcesFit plugin applies by default, with GPUs as the one resource.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), _load)


def _load(capacity: Capacity, active: ActiveJob) -> Costs:
    cluster = capacity.cluster
    load = capacity.node_load() / np.maximum(capacity.node_gpus, 1)
    # Sums of the same fractions in another order differ in the last bits; that must not decide between nodes.
    return (np.round(load, 9)[cluster.node_of], np.round(capacity.fraction, 9))
