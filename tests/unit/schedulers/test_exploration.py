"""A job is tried where what it teaches is worth the risk, by the whole optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import Table, at, cluster, context, job, placed, view

from gogh_sim.errors import InputError
from gogh_sim.policy import Uncertainty
from gogh_sim.schedulers.exploration import KnowledgeGradient, NoExploration
from gogh_sim.schedulers.gogh import Gogh

HERE = cluster(("V100", 1), ("A100", 1))
LONG = job("long", seconds=20_000.0)


class Unsure(Table):
    """A table of which the speed on the second type is in doubt."""

    variance = 1.0

    def uncertainty(self, jobs):
        speed = np.zeros((len(jobs), 2, 2))
        speed[:, 1, 1] = self.variance
        return Uncertainty(speed, np.zeros((2, len(jobs), len(jobs))), 0.02**2)

    def observe(self, observations):
        return []


def unsure(variance: float = 1.0) -> Unsure:
    """Believed: an A100 is as fast as a V100 and draws a fifth more."""
    source = Unsure(HERE, {"small": {"V100": 1.0, "A100": 1.0}}, {"V100": 150.0, "A100": 200.0})
    source.variance = variance
    return source


def gogh(source: Unsure, exploration: object) -> Gogh:
    return Gogh(context(HERE), estimator=lambda _: source, exploration=exploration, theta=1)


@pytest.mark.parametrize(
    ("exploration", "variance", "where"),
    [
        (NoExploration(), 1.0, "n0/0"),
        (None, 1.0, "n0/0"),
        (KnowledgeGradient(), 1.0, "n1/0"),
        (KnowledgeGradient(), 0.01, "n0/0"),
    ],
)
def test_a_type_in_doubt_is_tried_by_who_explores(exploration: object, variance: float, where: str):
    decision = gogh(unsure(variance), exploration).decide(view(HERE, [LONG]))
    assert placed(decision) == {"long": (where,)}


def test_a_job_that_a_lost_round_would_make_late_is_not_tried():
    hurried = job("hurried", seconds=20_000.0, deadline_s=22_100.0)
    assert placed(gogh(unsure(), KnowledgeGradient()).decide(view(HERE, [hurried]))) == {"hurried": ("n0/0",)}


def test_once_known_to_be_no_better_it_is_left_again():
    source = unsure()
    policy = gogh(source, KnowledgeGradient())
    assert placed(policy.decide(view(HERE, [LONG]))) == {"long": ("n1/0",)}
    source._speed, source.variance = {"small": {"V100": 1.0, "A100": 0.6}}, 0.0
    back = policy.decide(view(HERE, [], {LONG: at("n1/0")}, {"long": 19_800.0}, now_s=3000.0))
    assert placed(back) == {"long": ("n0/0",)}


def test_exploring_needs_an_objective_to_completion():
    with pytest.raises(InputError, match="to completion"):
        Gogh(context(HERE), estimator=lambda _: unsure(), exploration=KnowledgeGradient(), objective="power")


def test_a_trial_takes_time():
    with pytest.raises(InputError, match="trial_s"):
        KnowledgeGradient(trial_s=0.0)
