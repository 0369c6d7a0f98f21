"""Exploration: a placement may be chosen for what it teaches, where its expected gain exceeds its risk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement import Trial
from gogh_sim.policy import DoubtfulSource
from gogh_sim.schedulers.demand import DemandSettings
from gogh_sim.types import BoolArray, IntArray, Job

Curiosity: TypeAlias = Callable[[Sequence[Job], IntArray, BoolArray, DemandSettings], Trial]
"""From the jobs asked about, per group the one that stands for it, and whether it could lose a round and still meet its
SLA, to what could be learned of the groups."""

Exploration: TypeAlias = Callable[[DoubtfulSource], Curiosity | None]
"""From who is sure of what to the curiosity of a run; None for none."""


@dataclass(frozen=True, slots=True)
class NoExploration:
    """Nothing is tried in order to learn from it."""

    def __call__(self, source: DoubtfulSource) -> None:
        """No curiosity."""
        return


@dataclass(frozen=True, slots=True)
class KnowledgeGradient:
    """A column costs what a round there and the best placement that follows cost; formulas in `placement.trial`.

    Attributes
    ----------
    trial_s
        Seconds until a trial has been measured and its lesson can be used.
    """

    trial_s: float = 300.0

    def __post_init__(self) -> None:
        if not self.trial_s > 0:
            raise InputError(f"exploration.trial_s must be positive, found {self.trial_s}")

    def __call__(self, source: DoubtfulSource) -> Curiosity:
        """Curiosity about what `source` is unsure of."""

        def curiosity(jobs: Sequence[Job], kind: IntArray, bold: BoolArray, asked: DemandSettings) -> Trial:
            doubt = source.uncertainty(jobs)
            return Trial(
                speed=doubt.speed[kind],
                norm=doubt.norm[np.ix_(np.arange(len(doubt.norm)), kind, kind)],
                noise=doubt.noise,
                may=bold,
                round_s=self.trial_s,
                restart_s=asked.restart_s,
                threshold=asked.threshold,
            )

        return curiosity
