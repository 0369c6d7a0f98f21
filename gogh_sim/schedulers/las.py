"""Least attained service, in two dimensions and a few queues."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gogh_sim.errors import InputError
from gogh_sim.policy import ActiveJob, ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.preemption import PreemptivePriority
from gogh_sim.types import JobId


class LeastAttainedService:
    """Preemptive; jobs sink to lower queues as their GPU seconds, not their seconds, pass the limits.

    Discretised 2D-LAS of Gu et al., "Tiresias: a GPU cluster manager for distributed deep learning" (NSDI 2019):
    nobody needs to know how long a job will take. Within a queue jobs go by submission and never preempt each other. A
    job that waited `patience` times as long as it ran since it last sank or rose starts again in the first queue.

    Parameters
    ----------
    limits_gpu_s
        Attained service at which a job sinks one queue further, in GPU seconds, ascending.
    patience
        Time waited over time served above which a job is starving (the paper's PROMOTEKNOB).
    """

    def __init__(self, context: PolicyContext, limits_gpu_s: Sequence[float], patience: float = 8.0) -> None:
        limits = [float(limit) for limit in limits_gpu_s]
        if not limits or limits != sorted(set(limits)) or limits[0] <= 0:
            raise InputError(f"limits_gpu_s must be positive and ascending, found {limits}")
        if not patience > 0:
            raise InputError(f"patience must be positive, found {patience}")
        self._limits, self._patience = limits, patience
        self._served_s: dict[JobId, float] = {}
        self._waited_s: dict[JobId, float] = {}
        self._asked_s = 0.0
        self._running: frozenset[JobId] = frozenset()
        self._priority = PreemptivePriority(context, self._queue)

    def decide(self, view: ClusterView) -> Decision:
        """Serve the queues, first to last."""
        self._account(view)
        decision = self._priority.decide(view)
        self._running = (frozenset(view.running) - decision.evict) | frozenset(decision.place)
        return decision

    def _account(self, view: ClusterView) -> None:
        """Add the time since the last wake-up to what each job was served or kept waiting."""
        elapsed_s, self._asked_s = view.now_s - self._asked_s, view.now_s
        active = {**view.pending, **view.running}
        before_served, before_waited = self._served_s, self._waited_s
        self._served_s, self._waited_s = {}, {}
        for job_id in active:
            runs = job_id in self._running
            known = job_id in before_served
            self._served_s[job_id] = before_served.get(job_id, 0.0) + (elapsed_s if runs else 0.0)
            self._waited_s[job_id] = 0.0 if runs or not known else before_waited[job_id] + elapsed_s
            if self._waited_s[job_id] > self._patience * self._served_s[job_id] > 0:
                self._served_s[job_id] = self._waited_s[job_id] = 0.0

    def _queue(self, active: ActiveJob) -> float:
        """Number of the queue, 0 the most urgent."""
        job = active.job
        attained = self._served_s[job.job_id] * job.num_gpus * job.gpu_fraction
        return float(bisect_right(self._limits, attained))
