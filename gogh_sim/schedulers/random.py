"""Random choice of GPUs: the floor under every policy that thinks."""

from __future__ import annotations

from gogh_sim.policy import ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits


class Random:
    """In order of submission, whoever fits starts; its GPU is drawn evenly from those that could take it.

    A gang draws its node evenly from those that could take it. The "random" baseline of Weng et al., "Beware of
    Fragmentation" (USENIX ATC 2023).
    """

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), self._draw)

    def _draw(self, capacity: Capacity, active: ActiveJob) -> Costs:
        cluster, rng = capacity.cluster, self._context.rng
        if active.job.num_gpus == 1:
            return (rng.random(cluster.num_gpus),)
        return (rng.random(len(cluster.nodes))[cluster.node_of],)
