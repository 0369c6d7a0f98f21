"""Preemptive priority: whoever ranks first has the GPUs, whoever ranks behind gives them up."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from gogh_sim.policy import ActiveJob, ClusterView, Decision, Placement, PolicyContext, Shape
from gogh_sim.schedulers.capacity import Capacity
from gogh_sim.types import JobId


class _Entry(NamedTuple):
    """A job in order of rank; no two share their turn, so comparing never gets to `active`."""

    key: float
    turn: int
    active: ActiveJob


class PreemptivePriority:
    """Decides by one number per job, least first; equals go by submission and never preempt each other.

    A job that does not fit takes the GPUs of running jobs that rank behind it, the last in rank first and no more than
    it needs. Who loses its GPUs joins the queue of the same decision, so that it may move to GPUs still free.

    Parameters
    ----------
    key
        The number; smaller is more urgent.
    """

    def __init__(self, context: PolicyContext, key: Callable[[ActiveJob], float]) -> None:
        self._context = context
        self._key = key

    def decide(self, view: ClusterView) -> Decision:
        """Serve the queue by rank."""
        floor = _Floor(Capacity(self._context, view), view, self._key)
        queue = [_Entry(self._key(active), turn, active) for turn, active in enumerate(view.pending.values())]
        heapq.heapify(queue)
        while queue:
            for victim in floor.admit(heapq.heappop(queue)):
                heapq.heappush(queue, victim)
        return floor.decision()


class _Floor:
    """Who holds which GPUs while the queue is served."""

    def __init__(self, capacity: Capacity, view: ClusterView, key: Callable[[ActiveJob], float]) -> None:
        self._capacity = capacity
        self._before: dict[JobId, Placement] = {job_id: active.gpus for job_id, active in view.running.items()}
        self._held = dict(self._before)
        running = enumerate(view.running.values(), start=len(view.pending))
        self._running = sorted(_Entry(key(active), turn, active) for turn, active in running)
        self._hopeless: set[Shape] = set()

    def admit(self, entry: _Entry) -> list[_Entry]:
        """Give the job its GPUs if that is possible; return who had to leave for it."""
        shape = self._capacity.shape(entry.active.job)
        # All who come later may push out no more jobs than this one, so what was hopeless once stays so.
        if shape in self._hopeless:
            return []
        placement = self._capacity.fit(entry.active)
        left: list[_Entry] = []
        if placement is None:
            for other in reversed(self._running):
                if placement is not None or other.key <= entry.key:
                    break
                left.append(other)
                self._capacity.give_back(other.active.job, self._held[other.active.job.job_id])
                placement = self._capacity.fit(entry.active)
        if placement is None:
            self._hopeless.add(shape)
        else:
            self._capacity.take(entry.active.job, placement)
            self._held[entry.active.job.job_id] = placement
        return self._settle(left)

    def _settle(self, left: list[_Entry]) -> list[_Entry]:
        """Put back who left in vain, first in rank first; return who cannot be put back."""
        gone = []
        for entry in reversed(left):
            job = entry.active.job
            if self._capacity.holds(job, self._held[job.job_id]):
                self._capacity.take(job, self._held[job.job_id])
            else:
                gone.append(entry)
                del self._held[job.job_id]
                del self._running[bisect_left(self._running, entry)]
        return gone

    def decision(self) -> Decision:
        """The way from who held what to who holds what now."""
        return Decision(
            place={job_id: gpus for job_id, gpus in self._held.items() if self._before.get(job_id) != gpus},
            evict=frozenset(self._before.keys() - self._held.keys()),
        )
