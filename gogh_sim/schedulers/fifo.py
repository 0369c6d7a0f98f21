"""Strict first in, first out."""

from __future__ import annotations

from gogh_sim.policy import NOTHING, QUEUE_OR_ROOM, ClusterView, Decision, Placement, PolicyContext
from gogh_sim.schedulers.capacity import Capacity
from gogh_sim.types import JobId


class Fifo:
    """Jobs start in order of submission on the first free GPUs; the first that does not fit blocks all behind it.

    The "FIFO strict" of batch systems (Feitelson, Rudolph and Schwiegelshohn, "Parallel job scheduling: a status
    report", JSSPP 2004): no job ever overtakes another.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Start the head of the line until one does not fit; the queue behind that one is not looked at."""
        capacity, waiting = Capacity(self._context, view), len(view.pending)
        placed: dict[JobId, Placement] = {}
        for active in view.pending.values():
            placement = capacity.fit(active)
            if placement is None:
                break
            placed[active.job.job_id] = placement
            if len(placed) < waiting:  # nobody looks at what the last one leaves
                capacity.take(active.job, placement)
        return Decision(place=placed) if placed else NOTHING
