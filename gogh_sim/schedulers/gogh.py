"""GOGH: two networks that learn throughputs around the placement optimiser.

After Raeisi et al., "GOGH: Correlation-Guided Orchestration of GPUs in Heterogeneous Clusters", arXiv:2510.15652, as
far as its abstract and summaries tell; the design notes of this project say what is reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gogh_sim.estimators import SHIPPED, EstimatedSource, load
from gogh_sim.policy import ClusterView, Decision, Learner, Observation, PolicyContext, Prediction, ThroughputSource
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings


class LearningSource(ThroughputSource, Learner, Protocol):
    """A source of throughputs that learns from what is measured."""


MakeSource: TypeAlias = Callable[[PolicyContext], LearningSource]


@dataclass(frozen=True, slots=True)
class Refined:
    """P1 estimates, measurements refine, and P2 spreads them to what was not tried.

    `weights` names a weights file, or the one in the package.
    """

    weights: str = SHIPPED

    def __call__(self, context: PolicyContext) -> LearningSource:
        """Source for one run."""
        return EstimatedSource.refined(context.workloads, context.cluster.gpu_types, load(self.weights))


@dataclass(frozen=True, slots=True)
class Unrefined:
    """P1 estimates; a measurement changes only what it measured."""

    weights: str = SHIPPED

    def __call__(self, context: PolicyContext) -> LearningSource:
        """Source for one run."""
        return EstimatedSource.unrefined(context.workloads, context.cluster.gpu_types, load(self.weights))


class Gogh:
    """Estimate, place, observe, refine.

    Parameters
    ----------
    estimator
        Makes the source of throughputs from the policy's context; `Unrefined` gives the policy without P2.
    settings
        Fields of `OptimiserSettings`; ``theta=1`` gives the policy without co-location.
    """

    def __init__(self, context: PolicyContext, estimator: MakeSource | None = None, **settings: object) -> None:
        self._optimiser = Optimiser(context, OptimiserSettings.of(**settings))
        self._source = (estimator or Refined())(context)

    def decide(self, view: ClusterView) -> Decision:
        """Place by the present estimates."""
        return self._optimiser.decide(view, self._source)

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Learn; tells what was believed just before. What a power cap held back shows no speed or watts of its own."""
        return self._source.observe([observation for observation in observations if not observation.capped])
