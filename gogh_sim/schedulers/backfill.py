"""EASY backfill: the head of the line has a reservation, others may use what it does not need."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from gogh_sim.policy import ActiveJob, ClusterView, Decision, Placement, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, Costs
from gogh_sim.types import GpuId, JobId


class Backfill:
    """First come, first served, but a job may overtake that does not delay the head of the line.

    The head is promised the first GPUs that could take it as running jobs end. Others start on GPUs outside that
    promise, or inside it if they end before. Ends are estimated as remaining time on the reference type.

    Lifka, "The ANL/IBM SP scheduling system" (JSSPP 1995); Mu'alem and Feitelson, "Utilization, predictability,
    workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling" (IEEE TPDS 2001).
    """

    def __init__(self, context: PolicyContext) -> None:
        self._context = context

    def decide(self, view: ClusterView) -> Decision:
        """Start the line until its head does not fit, then fill behind it."""
        capacity = Capacity(self._context, view)
        placed: dict[JobId, Placement] = {}
        line = iter(view.pending.values())
        for active in line:
            placement = capacity.fit(active)
            if placement is None:
                self._fill(capacity, view, active, line, placed)
                break
            capacity.take(active.job, placement)
            placed[active.job.job_id] = placement
        return Decision(place=placed)

    def _fill(
        self,
        capacity: Capacity,
        view: ClusterView,
        head: ActiveJob,
        rest: Iterable[ActiveJob],
        placed: dict[JobId, Placement],
    ) -> None:
        seconds, promised = self._promise(view, head, placed)
        indices = [view.cluster.index_of[gpu] for gpu in promised]
        cost = np.zeros(view.cluster.num_gpus)
        cost[indices] = 1.0

        def outside_first(capacity: Capacity, active: ActiveJob) -> Costs:
            return (cost,)

        for active in rest:
            placement = capacity.fit(active, outside_first)
            if placement is not None and (active.remaining_s <= seconds or promised.isdisjoint(placement)):
                capacity.take(active.job, placement)
                placed[active.job.job_id] = placement

    def _promise(
        self, view: ClusterView, head: ActiveJob, placed: dict[JobId, Placement]
    ) -> tuple[float, frozenset[GpuId]]:
        """Seconds until the head can start, and on which GPUs; never and none if not even an empty cluster takes it."""
        later = Capacity(self._context, view)
        busy = list(view.running.values())
        for job_id, gpus in placed.items():
            later.take(view.pending[job_id].job, gpus)
            busy.append(view.pending[job_id])
        for active in sorted(busy, key=_remaining):
            later.give_back(active.job, placed.get(active.job.job_id, active.gpus))
            placement = later.fit(head)
            if placement is not None:
                return active.remaining_s, frozenset(placement)
        return math.inf, frozenset()


def _remaining(active: ActiveJob) -> float:
    return active.remaining_s
