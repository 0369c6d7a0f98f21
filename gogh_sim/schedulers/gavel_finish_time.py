"""Gavel's finish-time fairness over heterogeneous GPUs."""

from __future__ import annotations

import numpy as np

from gogh_sim.placement.allocation import isolated_share, least_finish_ratio, throughput
from gogh_sim.placement.isolated import IsolatedClock
from gogh_sim.policy import ClusterView, Decision, PolicyContext, ThroughputSource
from gogh_sim.schedulers.round_turns import Question, RoundTurns
from gogh_sim.types import FloatArray


class GavelFinishTime:
    """Rounds that keep the greatest finish-time ratio least.

    A job's ratio is its time from submission to end over what that would be with an equal part of the cluster to itself
    (rho of Mahajan et al., "Themis", NSDI 2020), made aware of GPU types by Narayanan et al., "Heterogeneity-aware
    cluster scheduling policies for deep learning workloads" (OSDI 2020). The time on an equal part is counted as jobs
    go: work done, at the speed that the part would have had while it was done. With theta 2 pairs may share GPUs.

    Parameters
    ----------
    source
        Who says how fast jobs run.
    theta
        Most jobs per GPU that the policy wants: 1 or 2.
    """

    def __init__(self, context: PolicyContext, source: ThroughputSource, theta: int = 1) -> None:
        self._rounds = RoundTurns(context, source, self._shares, theta)
        self._alone = IsolatedClock()

    def decide(self, view: ClusterView) -> Decision:
        """Answer one wake-up."""
        return self._rounds.decide(view)

    def _shares(self, question: Question) -> FloatArray:
        demands = question.demands
        remaining = np.array([max(active.remaining_s, 1e-9) for active in question.jobs])
        elapsed_s = np.array([question.now_s - active.job.submit_s for active in question.jobs])
        speed = throughput(demands, isolated_share(demands))
        isolated_s = self._alone.total_s([active.job.job_id for active in question.jobs], remaining, speed)
        return least_finish_ratio(demands, elapsed_s, remaining, isolated_s)[0]
