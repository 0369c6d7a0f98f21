"""First come, fastest GPU."""

from __future__ import annotations

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits


class Fastest:
    """In order of submission, whoever fits starts on the fastest type with room, by its datasheet's fp16 throughput.

    The greedy choice of heterogeneity-aware schedulers' FIFO (Narayanan et al., "Heterogeneity-aware cluster scheduling
    policies for deep learning workloads", OSDI 2020), but for one order of types for every job, which needs no profile.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context
        self._cost = -np.array([t.fp16_tflops for t in context.cluster.gpu_types])[context.cluster.type_of]

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), self._slowness)

    def _slowness(self, capacity: Capacity, active: ActiveJob) -> Costs:
        return (self._cost,)
