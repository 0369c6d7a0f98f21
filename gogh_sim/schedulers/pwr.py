"""Fragmentation gradient descent that also minds what it switches on."""

from __future__ import annotations

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.policy import QUEUE_OR_ROOM, ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs, start_who_fits
from gogh_sim.schedulers.fragments import UsualJobs, growth
from gogh_sim.types import FloatArray, Job


class PowerAware:
    """In order of submission, whoever fits starts where added power and added fragmentation together are least.

    Power by datasheet: an empty GPU goes from idle to TDP, one in use adds nothing, a node that is off adds its base
    power. Both are put on a scale from the best to the worst choice and weighted. "PWR + FGD" of Lettich et al.,
    "Power- and fragmentation-aware online scheduling for GPU datacenters" (CCGRID 2025), without CPUs, which the
    clusters here do not describe.

    Parameters
    ----------
    weight
        Of power, in [0, 1]; the rest is fragmentation's.
    """

    attention = QUEUE_OR_ROOM

    def __init__(self, context: PolicyContext, weight: float = 0.1) -> None:
        if not 0 <= weight <= 1:
            raise InputError(f"weight must lie in [0, 1], found {weight}")
        self._context, self._weight = context, weight
        self._usual = UsualJobs()

    def decide(self, view: ClusterView) -> Decision:
        """Go through the queue once."""
        self._usual.learn(view)

        def cost(capacity: Capacity, active: ActiveJob) -> Costs:
            fragments = growth(capacity, active.job, self._usual)
            possible = np.isfinite(fragments)
            watts = _added_watts(capacity, active.job, view)[possible]
            both = np.full(len(possible), np.inf)
            both[possible] = self._weight * _scaled(watts) + (1 - self._weight) * _scaled(fragments[possible])
            return (np.round(both, 9),)

        capacity = Capacity(self._context, view)
        return start_who_fits(capacity, capacity.queue(), cost)


def _added_watts(capacity: Capacity, job: Job, view: ClusterView) -> FloatArray:
    """(GPUs,) watts that putting the job there adds, the same for every member of a gang."""
    cluster = capacity.cluster
    types = cluster.gpu_types
    busy = np.array([t.host.slope * (t.tdp_w - t.idle_bare_w) for t in types])[cluster.type_of]
    wake = np.array([t.host.base_w - t.host.off_w + t.host.slope * t.idle_bare_w for t in types])[cluster.type_of]
    # A job placed in this decision wakes its node as well.
    on = view.occupancy.node_on | (capacity.node_load() > 0)
    return np.where(capacity.jobs == 0, job.num_gpus * busy, 0.0) + np.where(on[cluster.node_of], 0.0, wake)


def _scaled(cost: FloatArray) -> FloatArray:
    """0 for the best, 1 for the worst; all 0 where all are equal."""
    spread = float(np.ptp(cost)) if cost.size else 0.0
    return (cost - cost.min()) / spread if spread > 0 else np.zeros(cost.shape)
