"""Shortest job first."""

from __future__ import annotations

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, start_who_fits


class ShortestFirst:
    """Pending jobs by their duration on the reference type, shortest first; whoever fits starts and is not preempted.

    Durations are taken as known, as in the "SJF" of the simulator of Alibaba PAI (Weng et al., "MLaaS in the wild",
    NSDI 2022); equals go by submission.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once, shortest first."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, sorted(capacity.queue(), key=_duration))


def _duration(active: ActiveJob) -> float:
    return active.job.reference_s
