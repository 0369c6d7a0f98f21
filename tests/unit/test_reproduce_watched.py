"""Policies watched as they run: what is seen is right, and watching changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.experiment import run
from gogh_sim.policy import Beliefs
from gogh_sim.reproduce.watched import EVERY_S, LOOKS, median_errors, watched_run
from gogh_sim.types import FloatArray, Job, JobKind


class Told:
    """A source of the speeds and norms given, whatever the jobs."""

    def __init__(self, speed: FloatArray, norm: FloatArray) -> None:
        self._beliefs = Beliefs(speed, norm, np.ones_like(speed), np.ones_like(norm))

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        """The same for all."""
        assert len(jobs) == len(self._beliefs.speed)
        return self._beliefs


def job(name: str) -> Job:
    return Job(job_id=name, submit_s=0.0, workload="w", kind=JobKind.TRAINING, work=1.0, reference_s=1.0)


def test_median_errors_by_hand() -> None:
    norm = np.array([[[0.9, 0.5], [0.8, 0.9]]])
    truth = Told(np.array([[1.0], [2.0]]), norm)
    # Alone off by 10 and 30 percent; beside another by 1.1 * 1.2 and 0.7 * 1.0. A job beside itself does not count.
    source = Told(np.array([[1.1], [1.4]]), norm * np.array([[[9.0, 1.2], [1.0, 9.0]]]))
    found = median_errors([job("a"), job("b")], source, truth)
    assert found["alone"] == pytest.approx(0.2)
    assert found["beside"] == pytest.approx((0.32 + 0.3) / 2)


def test_what_cannot_be_is_left_out() -> None:
    nothing = np.full((1, 1, 1), np.nan)
    found = median_errors([job("a")], Told(np.array([[1.5]]), nothing), Told(np.array([[1.0]]), nothing))
    assert found == {"alone": pytest.approx(0.5), "beside": None}


def test_a_run_that_is_watched_is_the_same_run() -> None:
    config = plain(without_hydra(composed(["trace=poisson", "trace.jobs=12", "scheduler=gogh_p1", "seed=3"])))
    watched = dict(watched_run(config, partial(make_policy, config["scheduler"])))
    usual = run(config, partial(make_policy, config["scheduler"])).summary
    looks = watched.pop(LOOKS)
    by_the_clock = {key for key in usual if key.startswith(("wall", "decide", "solve", "build"))}
    assert {k: str(v) for k, v in watched.items() if k not in by_the_clock} == {
        k: str(v) for k, v in usual.items() if k not in by_the_clock
    }
    times = np.array([look["time_s"] for look in looks])
    assert (np.diff(times) >= EVERY_S).all()
    assert (times % EVERY_S == 0).all()
    assert any(look["beside"] is not None and look["beside"] > 0 for look in looks)


def test_only_who_learns_can_be_watched() -> None:
    config = plain(without_hydra(composed(["trace=poisson", "trace.jobs=3", "scheduler=fifo"])))
    with pytest.raises(InputError, match="expected one that learns"):
        watched_run(config, partial(make_policy, config["scheduler"]))
