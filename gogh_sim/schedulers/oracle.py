"""The optimiser on a given source of throughputs: on the true profile, the bound that learning works towards."""

from __future__ import annotations

from gogh_sim.policy import ClusterView, Decision, PolicyContext, ThroughputSource
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings


class Oracle:
    """GOGH's integer program on what `source` says.

    Parameters
    ----------
    source
        Who says how fast jobs run and what they draw; the truth where the policy is to be the oracle.
    settings
        Fields of `OptimiserSettings`.
    """

    def __init__(self, context: PolicyContext, source: ThroughputSource, **settings: object) -> None:
        self._source = source
        self._optimiser = Optimiser(context, OptimiserSettings.of(**settings))

    def decide(self, view: ClusterView) -> Decision:
        """Answer one wake-up."""
        return self._optimiser.decide(view, self._source)
