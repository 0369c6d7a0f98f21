"""GPUs in turn."""

from __future__ import annotations

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs


class RoundRobin:
    """In order of submission, whoever fits starts on the next node in turn that has room.

    The turn passes to the node behind the last that took a job; nodes without room are skipped. The cyclic splitting of
    Wang and Morris, "Load sharing in distributed systems" (IEEE Transactions on Computers 1985).
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context
        self._next = 0

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once; the turn is kept between decisions."""
        capacity = Capacity(self._context, view)
        number = {node.node_id: i for i, node in enumerate(view.cluster.nodes)}
        placed = {}
        for active in capacity.queue():
            placement = capacity.fit(active, self._turn)
            if placement is not None:
                capacity.take(active.job, placement)
                placed[active.job.job_id] = placement
                self._next = (number[placement[-1].node_id] + 1) % len(view.cluster.nodes)
        return Decision(place=placed)

    def _turn(self, capacity: Capacity, active: ActiveJob) -> Costs:
        cluster = capacity.cluster
        turns = (np.arange(len(cluster.nodes)) - self._next) % len(cluster.nodes)
        return (turns[cluster.node_of].astype(np.float64),)
