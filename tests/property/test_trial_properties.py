"""Columns that may be tried for what they teach, on random problems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from column_costs import costs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from placement_instances import random_problem

from gogh_sim.placement import Objective, SolveSettings, Trial, solve
from gogh_sim.types import FloatArray


def trial(speed: FloatArray, norm: FloatArray) -> Trial:
    """Doubt without noise, and the times that a policy has by default."""
    return Trial(speed, norm, 0.0, np.ones(len(speed), dtype=bool), round_s=300.0, restart_s=60.0, threshold=0.15)


@example(seed=3132, more=1.0)  # a pair whose plain cost read either way differs in its last digit
@given(seed=st.integers(0, 10_000), more=st.floats(1.0, 4.0))
@settings(max_examples=60)
def test_trials_never_cost_more_and_more_doubt_never_makes_them_dearer(seed: int, more: float):
    rng = np.random.default_rng(seed)
    objective = [Objective.ENERGY, Objective.CARBON][seed % 2]
    random = random_problem(rng, groups=4, types=3, objective=objective)
    root = rng.normal(0, 0.4, (4, 3, 3))
    norm = rng.uniform(0, 0.3, (3, 4, 4))
    doubt = trial(root @ root.transpose(0, 2, 1), norm)
    wider = replace(doubt, speed=doubt.speed * more, norm=norm * more)
    plain, found, further = (costs(random, one) for one in (None, doubt, wider))
    for name in ("alone", "pair"):
        before, now, then = (getattr(one, name) for one in (plain, found, further))
        assert (now <= before).all()
        assert np.array_equal(np.isfinite(now), np.isfinite(before))
        assert (now > 0).all()
        usual = np.isfinite(before)
        assert (then[usual] <= now[usual] * (1 + 2e-3)).all()
    assert np.allclose(found.pair, found.pair.transpose(0, 2, 1), rtol=1e-12)
    nothing = costs(random, replace(trial(0.0 * root, 0.0 * norm), noise=0.1))
    assert np.array_equal(nothing.alone, plain.alone)
    assert np.array_equal(nothing.pair, plain.pair)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_program_still_proves_its_answer(seed: int):
    rng = np.random.default_rng(seed)
    random = random_problem(rng, groups=4, types=2)
    root = rng.normal(0, 0.4, (4, 2, 2))
    tried = replace(random, trial=trial(root @ root.transpose(0, 2, 1), rng.uniform(0, 0.3, (2, 4, 4))))
    plain, found = solve(random, SolveSettings(gap=0.0)).report, solve(tried, SolveSettings(gap=0.0)).report
    assert found.objective <= plain.objective * (1 + 1e-6)
    assert found.bound <= found.objective * (1 + 1e-6)
    assert not found.fallback
