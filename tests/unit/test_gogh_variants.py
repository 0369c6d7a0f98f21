"""GOGH that explores and GOGH that goes on learning, from their configurations to whole runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gogh_sim
from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.estimators import tuning
from gogh_sim.schedulers.gogh import Tuned

TINY: Mapping[str, Any] = {"cluster": "small", "trace": "philly_style"}
OVERRIDES = ["trace.jobs=40", "trace.oversize=skip", "trace.shortest_s=900", "trace.longest_s=7200"]
OFTEN = ["scheduler.estimator.tuning.every=1", "scheduler.estimator.tuning.capacity=8"]


def run(scheduler: str, *more: str) -> gogh_sim.RunResult:
    return gogh_sim.run(scheduler=scheduler, seed=2, overrides=[*OVERRIDES, *more], **TINY)


@pytest.fixture(scope="module")
def plain_run() -> gogh_sim.RunResult:
    return run("gogh")


def test_fine_tuning_changes_what_is_believed_and_repeats_itself(
    plain_run: gogh_sim.RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    tune = tuning.Tuned._tune

    def counted(self: tuning.Tuned) -> None:
        sizes.append(len(self._replay))
        tune(self)

    monkeypatch.setattr(tuning.Tuned, "_tune", counted)
    one, two = run("gogh_tuned", *OFTEN), run("gogh_tuned", *OFTEN)
    pd.testing.assert_frame_equal(one.estimates, two.estimates)
    assert max(sizes) == 8  # full, and no fuller
    assert one.summary["jobs_finished"] == plain_run.summary["jobs_finished"] > 0
    first = min(len(one.estimates), len(plain_run.estimates))
    believed = [r.estimates["predicted_rate"].to_numpy()[:first] for r in (one, plain_run)]
    assert not np.array_equal(*believed)


def test_without_a_lesson_learned_a_tuned_run_is_a_plain_one(plain_run: gogh_sim.RunResult) -> None:
    never = run("gogh_tuned", "scheduler.estimator.tuning.every=1000000")
    pd.testing.assert_frame_equal(never.estimates, plain_run.estimates)


def test_exploring_finishes_the_same_jobs(plain_run: gogh_sim.RunResult) -> None:
    exploring = run("gogh_exploring")
    assert exploring.summary["jobs_finished"] == plain_run.summary["jobs_finished"]
    assert exploring.summary["fallbacks"] == 0


def test_choices_are_groups_of_the_scheduler() -> None:
    found = plain(
        without_hydra(composed(["scheduler=gogh_p1", "exploration@scheduler.exploration=knowledge_gradient"]))
    )
    assert found["scheduler"]["estimator"]["_target_"].endswith("Unrefined")
    assert found["scheduler"]["exploration"]["_target_"].endswith("KnowledgeGradient")
    assert found["scheduler"]["exploration"]["trial_s"] == found["engine"]["round_s"]


@pytest.mark.parametrize(
    ("given", "said"), [({"evry": 3}, "found \\['evry'\\]"), ({"capacity": 0}, "tuning.capacity must be positive")]
)
def test_what_is_not_a_setting_of_tuning_is_refused(given: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Tuned(tuning=given)._settings()
