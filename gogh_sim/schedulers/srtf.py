"""Shortest remaining time first."""

from __future__ import annotations

from gogh_sim.policy import ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.preemption import PreemptivePriority


class ShortestRemainingTime:
    """Preemptive; the job with the least remaining time on the reference type runs.

    Schrage, "A proof of the optimality of the shortest remaining processing time discipline" (Operations Research
    1968); for gangs as the "SRTF" of Gu et al., "Tiresias" (NSDI 2019).
    """

    def __init__(self, context: PolicyContext) -> None:
        self._priority = PreemptivePriority(context, _remaining)

    def decide(self, view: ClusterView) -> Decision:
        """Serve the queue by remaining time."""
        return self._priority.decide(view)


def _remaining(active: ActiveJob) -> float:
    return active.remaining_s
