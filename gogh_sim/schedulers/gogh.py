"""GOGH: two networks that learn throughputs around the placement optimiser.

After Raeisi et al., "GOGH: Correlation-Guided Orchestration of GPUs in Heterogeneous Clusters", arXiv:2510.15652, as
far as its abstract and summaries tell; the design notes of this project say what is reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeAlias

from gogh_sim.errors import InputError, require
from gogh_sim.estimators import SHIPPED, EstimatedSource, TuningSettings, load
from gogh_sim.policy import (
    Beliefs,
    ClusterView,
    Decision,
    DoubtfulSource,
    Learner,
    Observation,
    PolicyContext,
    Prediction,
)
from gogh_sim.schedulers.exploration import Exploration, NoExploration
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings
from gogh_sim.types import Job


class LearningSource(DoubtfulSource, Learner, Protocol):
    """A source of throughputs that learns from what is measured, and tells how sure it is."""


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


@dataclass(frozen=True, slots=True)
class Tuned:
    """As `Refined`, with a copy of P2 that goes on learning during the run, from a bounded replay buffer.

    `tuning` has the fields of `TuningSettings`; those left out keep their defaults.
    """

    weights: str = SHIPPED
    tuning: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, context: PolicyContext) -> LearningSource:
        """Source for one run; draws from the buffer by the policy's own random stream."""
        workloads, gpu_types = context.workloads, context.cluster.gpu_types
        return EstimatedSource.tuned(workloads, gpu_types, load(self.weights), context.rng, self._settings())

    def _settings(self) -> TuningSettings:
        known = {f.name for f in fields(TuningSettings)}
        if unknown := sorted(set(self.tuning) - known):
            raise InputError(f"estimator.tuning: expected some of {sorted(known)}, found {unknown}")
        return TuningSettings(**self.tuning)


class Gogh:
    """Estimate, place, observe, refine.

    Parameters
    ----------
    estimator
        Makes the source of throughputs from the policy's context; `Unrefined` gives the policy without P2.
    exploration
        Whether and how placements are chosen for what they would teach; by default they are not.
    settings
        Fields of `OptimiserSettings`; ``theta=1`` gives the policy without co-location.
    """

    def __init__(
        self,
        context: PolicyContext,
        estimator: MakeSource | None = None,
        exploration: Exploration | None = None,
        **settings: object,
    ) -> None:
        require(estimator is None or callable(estimator), "estimator: expected what makes a source of throughputs")
        require(exploration is None or callable(exploration), "exploration: expected what makes a policy curious")
        self._source = (estimator or Refined())(context)
        curiosity = (exploration or NoExploration())(self._source)
        self._optimiser = Optimiser(context, OptimiserSettings.of(**settings), curiosity)

    def decide(self, view: ClusterView) -> Decision:
        """Place by the present estimates."""
        return self._optimiser.decide(view, self._source)

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        """What is believed of these jobs now."""
        return self._source.beliefs(jobs)

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Learn; tells what was believed just before. What a power cap held back shows no speed or watts of its own."""
        return self._source.observe([observation for observation in observations if not observation.capped])
