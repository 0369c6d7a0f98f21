"""Gavel's max-min fairness over heterogeneous GPUs."""

from __future__ import annotations

from gogh_sim.placement.allocation import equal_share, max_least
from gogh_sim.policy import ClusterView, Decision, PolicyContext, ThroughputSource
from gogh_sim.schedulers.round_turns import Question, RoundTurns
from gogh_sim.types import FloatArray


class GavelMaxMin:
    """Rounds that give the worst-off job as much progress as possible.

    A job's progress is its throughput over its throughput on an equal share of every type, times its GPUs: the
    heterogeneity-aware least attained service of Narayanan et al., "Heterogeneity-aware cluster scheduling policies for
    deep learning workloads" (OSDI 2020). With theta 2 it may also let pairs of jobs share GPUs ("space sharing").

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
    demands = question.demands
    return max_least(demands, equal_share(demands) / demands.width)[0]
