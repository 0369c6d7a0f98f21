"""Fragmentation gradient descent."""

from __future__ import annotations

import numpy as np

from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits
from gogh_sim.schedulers.fragments import UsualJobs, growth


class FragmentationDescent:
    """In order of submission, whoever fits starts where expected fragmentation grows least.

    Fragmentation is what the usual mix of jobs cannot use of the free GPUs, not what is unused; the mix is that of the
    jobs submitted so far. "FGD" of Weng et al., "Beware of Fragmentation" (USENIX ATC 2023), with GPUs as the one
    resource.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext) -> None:
        self._context = context
        self._usual = UsualJobs()

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        self._usual.learn(view)
        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), self._cost)

    def _cost(self, capacity: Capacity, active: ActiveJob) -> Costs:
        # Sums of the same fractions in another order differ in the last bits; that must not decide between GPUs.
        return (np.round(growth(capacity, active.job, self._usual), 9),)
