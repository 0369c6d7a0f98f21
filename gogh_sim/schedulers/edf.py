"""Earliest deadline first."""

from __future__ import annotations

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, start_who_fits


class EarliestDeadline:
    """Pending jobs by deadline, best effort last; whoever fits starts and is not preempted.

    The rule of Liu and Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment" (JACM
    1973), without its preemption; equals go by submission.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once, earliest deadline first."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, sorted(capacity.queue(), key=_deadline))


def _deadline(active: ActiveJob) -> float:
    return active.job.deadline_s
