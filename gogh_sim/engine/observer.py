"""Measurement: what a monitoring system would report of running jobs, with noise."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from gogh_sim.engine.jobs import JobState, Situation
from gogh_sim.engine.world import World
from gogh_sim.policy import Observation
from gogh_sim.types import Job


class Observer:
    """Measures each stretch of constant rate once, when it has lasted `EngineSettings.measure_s`.

    The measured rate is the true one times a log-normal factor; watts are reported as they are.
    """

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self._world = world
        self._rng = rng

    def collect(self, now_s: float) -> list[Observation]:
        """Measurements that have become possible since the last call, those of ended stretches first."""
        left, self._world.left_unmeasured = self._world.left_unmeasured, []
        found = [self._measure(job, situation, now_s) for job, situation in left]
        for state, situation in self._due(self._world.running.values(), now_s):
            state.measured = True
            found.append(self._measure(state.job, situation, now_s))
        return found

    def _due(self, states: Iterable[JobState], now_s: float) -> Iterable[tuple[JobState, Situation]]:
        for state in states:
            lasted_s = now_s - state.situation_since_s
            if state.situation is not None and not state.measured and lasted_s >= self._world.settings.measure_s:
                yield state, state.situation

    def _measure(self, job: Job, situation: Situation, now_s: float) -> Observation:
        noise = math.exp(self._world.settings.noise_sigma * self._rng.standard_normal())
        cluster = self._world.cluster
        return Observation(
            time_s=now_s,
            job=job,
            gpu_type=cluster.type_names[cluster.type_of[situation.gpu]],
            partners=situation.partners,
            num_nodes=situation.num_nodes,
            rate=situation.rate * noise,
            power_w=situation.watts,
            capped=situation.capped,
        )
