"""Gavel's greatest total throughput over heterogeneous GPUs."""

from __future__ import annotations

from gogh_sim.placement.allocation import max_sum
from gogh_sim.policy import ClusterView, Decision, PolicyContext, ThroughputSource
from gogh_sim.schedulers.round_turns import Question, RoundTurns
from gogh_sim.types import FloatArray


class GavelMaxSum:
    """Rounds that get the most work done per second, whoever does it.

    The greatest sum of throughputs of Narayanan et al., "Heterogeneity-aware cluster scheduling policies for deep
    learning workloads" (OSDI 2020). Throughputs are relative speeds here, so that a job does not count more for having
    short iterations. Jobs without a share fill gaps. With theta 2 pairs of jobs may share GPUs.

    Parameters
    ----------
    source
        Who says how fast jobs run.
    theta
        Most jobs per GPU that the policy wants: 1 or 2.
    """

    def __init__(self, context: PolicyContext, source: ThroughputSource, theta: int = 1) -> None:
        self._rounds = RoundTurns(context, source, _shares, theta)

    def decide(self, view: ClusterView) -> Decision:
        """Answer one wake-up."""
        return self._rounds.decide(view)


def _shares(question: Question) -> FloatArray:
    return max_sum(question.demands)[0]
