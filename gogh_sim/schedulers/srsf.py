"""Shortest remaining service first."""

from __future__ import annotations

from gogh_sim.policy import ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.preemption import PreemptivePriority


class ShortestRemainingService:
    """Preemptive; the job with the least remaining time times GPUs runs.

    The "SRSF" of Gu et al., "Tiresias: a GPU cluster manager for distributed deep learning" (NSDI 2019).
    """

    def __init__(self, context: PolicyContext) -> None:
        self._priority = PreemptivePriority(context, _service)

    def decide(self, view: ClusterView) -> Decision:
        """Serve the queue by remaining service."""
        return self._priority.decide(view)


def _service(active: ActiveJob) -> float:
    return active.remaining_s * active.job.num_gpus * active.job.gpu_fraction
