"""Statistics against textbook values and laws that hold exactly."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import frames

from gogh_sim.metrics.statistics import (
    bin_means,
    littles_law,
    mean_interval,
    paired_difference,
    ratio_interval,
    time_weighted_mean,
)


def test_interval_by_the_table_of_students_t() -> None:
    # t(0.975, 4) = 2.776445 (any table); sd of 1..5 is sqrt(2.5), so the half width is 2.776445 * sqrt(2.5 / 5).
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.mean, found.n) == (3.0, 5)
    assert found.half_width == pytest.approx(2.776445 * math.sqrt(0.5), rel=1e-6)
    assert (found.low + found.high) / 2 == pytest.approx(3.0)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    one, none = mean_interval([7.0, math.nan]), mean_interval([math.nan])
    assert (one.mean, one.n) == (7.0, 1)
    assert math.isnan(one.low)
    assert math.isnan(none.mean)
    assert none.n == 0


def test_intervals_cover_the_true_mean_as_often_as_they_claim() -> None:
    rng = np.random.default_rng(4)
    intervals = [mean_interval(rng.normal(10.0, 3.0, 6)) for _ in range(2000)]
    covered = np.mean([i.low <= 10.0 <= i.high for i in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)  # three standard errors of a share of 0.95 over 2000


def test_pairing_takes_out_what_both_share() -> None:
    common = np.random.default_rng(1).normal(100.0, 50.0, 5)
    noise = np.array([0.1, -0.1, 0.2, 0.0, -0.2])
    found = paired_difference(list(common - 3 + noise), list(common))
    assert found.mean == pytest.approx(-3.0)
    assert found.half_width < 0.3
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1.0], [1.0, 2.0])


def test_a_ratio_of_means_by_hand() -> None:
    # Means 3 and 2, variances 1 and 1, covariance 0; t(0.975, 2) = 4.302653, so each squared spread is 4.302653^2 / 3
    # = 6.170941. The roots of (4 - 6.17) r^2 - ... do not bound r; with values ten times as far from 0 they do.
    y, x = np.array([2.0, 3.0, 4.0]), np.array([2.0, 1.0, 3.0])
    assert np.cov(y, x)[0, 1] == pytest.approx(0.5)
    assert (ratio_interval(y, x).low, ratio_interval(y, x).high) == (-math.inf, math.inf)
    far = ratio_interval(y + 27.0, x + 18.0)
    # (400 - 6.170941) r^2 - 2 (600 - 3.085471) r + (900 - 6.170941) = 0.
    assert far.mean == pytest.approx(1.5)
    assert [far.low, far.high] == pytest.approx(np.sort(np.roots([393.829059, -2 * 596.914529, 893.829059])), rel=1e-6)


def test_a_ratio_of_a_constant_is_that_of_the_mean() -> None:
    values = [1.0, 2.0, 4.0, 7.0]
    found, mean = ratio_interval(values, [2.0] * 4), mean_interval(np.array(values) / 2)
    assert (found.mean, found.low, found.high) == pytest.approx((mean.mean, mean.low, mean.high))
    assert math.isnan(ratio_interval([1.0], [2.0]).low)
    with pytest.raises(ValueError, match="pairs"):
        ratio_interval([1.0], [1.0, 2.0])


def test_intervals_of_ratios_cover_the_true_ratio_as_often_as_they_claim() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(2000):
        world = rng.normal(10.0, 2.0, 5)
        found.append(ratio_interval(0.9 * world + rng.normal(0.0, 1.0, 5), world))
    assert np.mean([i.low <= 0.9 <= i.high for i in found]) == pytest.approx(0.95, abs=0.015)


def test_time_weighted_mean_by_hand() -> None:
    assert time_weighted_mean(np.array([0.0, 1.0, 10.0]), np.array([10.0, 1.0, 99.0])) == pytest.approx(1.9)
    assert time_weighted_mean(np.array([2.0]), np.array([5.0])) == 5.0


def test_bins_keep_the_integral() -> None:
    time_s, value = np.array([0.0, 3.0, 4.0, 10.0]), np.array([5.0, 0.0, 2.0, 0.0])
    means = bin_means(time_s, value, np.array([0.0, 2.0, 5.0, 12.0]))
    assert means == pytest.approx([5.0, (5 + 0 + 2) / 3, 10 / 7])


@pytest.mark.parametrize("scheduler", ["fifo", "gogh"])
def test_littles_law_holds_exactly_on_a_consistent_run(scheduler: str) -> None:
    tables = frames(scheduler, seed=3)
    law = littles_law(tables["jobs"], tables["timeline"])
    assert law.mean_in_system > 1
    assert law.residual == pytest.approx(0.0, abs=1e-12)


def test_littles_law_holds_on_a_run_that_was_cut_short() -> None:
    tables = frames(seed=3)
    timeline, jobs = tables["timeline"], tables["jobs"]
    cut_s = float(timeline["time_s"].iloc[60])
    jobs = jobs.assign(end_s=jobs["end_s"].where(jobs["end_s"] <= cut_s))
    assert littles_law(jobs, timeline.iloc[:61]).residual == pytest.approx(0.0, abs=1e-12)


def test_littles_law_shows_a_job_that_the_timeline_missed() -> None:
    tables = frames(seed=3)
    late = tables["jobs"].assign(end_s=lambda f: f["end_s"] + np.where(f.index == 0, 3600.0, 0.0))
    assert littles_law(late, tables["timeline"]).residual < -1e-4


def test_an_empty_run_obeys() -> None:
    timeline = pd.DataFrame({"time_s": [0.0, 10.0], "pending": [0, 0], "running": [0, 0]})
    jobs = pd.DataFrame({"submit_s": [], "end_s": []}, dtype=float)
    assert littles_law(jobs, timeline).residual == 0.0
