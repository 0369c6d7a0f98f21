"""A learning policy watched as it runs: how wrong what it believes of its jobs is, at regular times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gogh_sim import experiment
from gogh_sim.errors import InputError
from gogh_sim.experiment import MakeScheduler
from gogh_sim.policy import (
    ALWAYS,
    Beliefs,
    ClusterView,
    Decision,
    Observation,
    PolicyContext,
    Prediction,
    Scheduler,
    ThroughputSource,
)
from gogh_sim.scenario import Config
from gogh_sim.types import FloatArray, Job

EVERY_S = 900.0
"""Seconds between two looks at what a policy believes."""
LOOKS = "belief_errors"
"""Key of what was seen, beside those of the summary."""


class Believer(Scheduler, ThroughputSource, Protocol):
    """A policy that learns and tells what it believes."""

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """Take in measurements; return what was believed of each just before."""
        ...


class Watched:
    """The policy itself, and at the first decision of every stretch of `every_s` a look at its beliefs.

    Attributes
    ----------
    looks
        A row a look: ``time_s`` (the beginning of its stretch), and ``alone`` and ``beside``, see `median_errors`.
        Looks at which there was no job, or no two, have None there.
    """

    def __init__(self, policy: Believer, truth: ThroughputSource, every_s: float) -> None:
        self.attention = getattr(policy, "attention", ALWAYS)
        self.looks: list[dict[str, float | None]] = []
        self._policy, self._truth, self._every_s = policy, truth, every_s
        self._next_s = 0.0

    def decide(self, view: ClusterView) -> Decision:
        """What the policy decides."""
        if view.now_s >= self._next_s:
            begun = view.now_s // self._every_s * self._every_s
            jobs = [active.job for active in (*view.pending.values(), *view.running.values())]
            self.looks.append({"time_s": begun, **median_errors(jobs, self._policy, self._truth)})
            self._next_s = begun + self._every_s
        return self._policy.decide(view)

    def observe(self, observations: Sequence[Observation]) -> Sequence[Prediction]:
        """What the policy learns."""
        return self._policy.observe(observations)


def median_errors(jobs: Sequence[Job], source: ThroughputSource, truth: ThroughputSource) -> dict[str, float | None]:
    """Median relative error of the rates that a source believes jobs would have, pending or running.

    ``alone`` is over jobs and GPU types, ``beside`` over pairs of different jobs, both their rates, and types.
    Situations that cannot be are left out; where none is left the error is None.
    """
    believed, real = source.beliefs(jobs), truth.beliefs(jobs)
    apart = ~np.eye(len(jobs), dtype=np.bool_)
    return {
        "alone": _median(np.abs(believed.speed / real.speed - 1.0)),
        "beside": _median(np.abs(_beside(believed) / _beside(real) - 1.0)[:, apart]),
    }


def _beside(beliefs: Beliefs) -> FloatArray:
    """(T, J, J) rates of the row jobs beside the column jobs."""
    return np.asarray(beliefs.speed.T[:, :, np.newaxis] * beliefs.norm)


def _median(errors: FloatArray) -> float | None:
    found = errors[np.isfinite(errors)]
    return float(np.median(found)) if len(found) else None


def watched_run(config: Config, make_scheduler: MakeScheduler) -> Mapping[str, Any]:
    """Summary of a run whose policy was watched, with its looks under `LOOKS`.

    Raises
    ------
    InputError
        If the policy does not tell what it believes, or the run cannot be.
    """
    made: list[Watched] = []

    def make(context: PolicyContext, truth: ThroughputSource) -> Scheduler:
        policy: Any = make_scheduler(context, truth)
        if not (hasattr(policy, "beliefs") and hasattr(policy, "observe")):
            raise InputError(f"scheduler: expected one that learns, to watch, found {config['scheduler']['name']}")
        made.append(Watched(policy, truth, EVERY_S))
        return made[0]

    return {**experiment.run(config, make).summary, LOOKS: made[0].looks}
