"""Three on a GPU, as the optimiser composes them of what GOGH believes of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from builders import job
from synthetic_history import GPU_TYPES, tiny_training

from gogh_sim.estimators import EstimatedSource
from gogh_sim.placement import PENDING, Groups, Knowledge, Problem, Running, Supply
from gogh_sim.policy import Beliefs, Observation


def of_three(beliefs: Beliefs, types: int) -> Problem:
    """A problem of three single jobs about whom this is believed."""

    def filled(value: float, *shape: int) -> np.ndarray:
        return np.full(shape, value)

    exponents = (np.broadcast_to(e, types) for e in (beliefs.share_exponent, beliefs.cap_exponent))
    return Problem(
        Groups(
            count=np.ones(3, dtype=np.int64),
            width=np.ones(3, dtype=np.int64),
            memory_gib=filled(1.0, 3),
            remaining_s=filled(1000.0, 3),
            timed=np.zeros(3, dtype=bool),
            allowed=np.ones((3, types), dtype=bool),
            floor=filled(0.0, 3, types),
            queue_cost=filled(1e9, 3),
            current_type=np.full(3, PENDING),
            partners=np.full((3, 2), PENDING),
            move_cost=filled(0.0, 3),
        ),
        Supply(np.ones(types, dtype=np.int64), *(filled(100.0, types) for _ in range(5)), theta=3),
        Knowledge(beliefs.speed, beliefs.norm, beliefs.power_w, beliefs.pair_power_w, *exponents),
    )


def test_rates_of_three_are_those_that_the_learner_foresees():
    """The learner tells of measured threes by the rule that the truth obeys too; fractions count."""
    history, estimator, _ = tiny_training()
    learner = EstimatedSource.refined({w.name: w for w in history.workloads}, GPU_TYPES, estimator)
    asked = {"f2-b8": 1.0, "f0-b8": 0.5, "f1-b8": 0.8}
    jobs = [job(name, kind=name, gpu_fraction=fraction) for name, fraction in asked.items()]
    instance = of_three(learner.beliefs(jobs), len(GPU_TYPES))
    slowed = 0
    for number, gpu_type in enumerate(GPU_TYPES):
        running = Running(instance, number)
        rates = running.rates([np.array([i]) for i in range(3)])
        for i, one in enumerate(jobs):
            partners = tuple(other for other in jobs if other is not one)
            (foreseen,) = learner.observe([Observation(0.0, one, gpu_type.name, partners, 1, 0.0, 0.0)])
            assert float(rates[i][0]) == pytest.approx(foreseen.rate / one.reference_rate, rel=1e-9)
            slowed += bool(rates[i][0] < 0.95 * instance.knowledge.speed[i, number])
    assert slowed > 6, "where nobody slows anybody this tells nothing"
