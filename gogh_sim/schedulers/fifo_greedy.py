"""First come, first served without a line: whoever fits starts."""

from __future__ import annotations

from gogh_sim.policy import QUEUE_OR_ROOM, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, start_who_fits


class GreedyFifo:
    """In order of submission, whoever fits starts on the first free GPUs; nothing is reserved for who does not.

    The "FIFO" of the simulator of Alibaba PAI (Weng et al., "MLaaS in the wild", NSDI 2022).
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue())
