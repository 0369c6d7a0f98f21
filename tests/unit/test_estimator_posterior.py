"""The joint Gaussian: against a dense filter worked out on the side, and by what it must and must not conclude."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.estimators.catalogue import Catalogue, Source
from gogh_sim.estimators.coordinates import norm_of
from gogh_sim.estimators.doubt import Doubt, priors
from gogh_sim.estimators.posterior import Measured, Posterior

TYPES, WORKLOADS = 2, 3
NOBODY = np.zeros(0, dtype=np.int64)
# Speeds on types 0 (the reference) and 1, sensitivities, intensities.
DOUBT = Doubt(
    np.array(
        [
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.09, 0.0, 0.0, 0.03, 0.03],
            [0.0, 0.0, 0.25, 0.20, 0.0, 0.0],
            [0.0, 0.0, 0.20, 0.25, 0.0, 0.0],
            [0.0, 0.03, 0.0, 0.0, 0.16, 0.12],
            [0.0, 0.03, 0.0, 0.0, 0.12, 0.16],
        ]
    ),
    pair=0.01,
)
NEW, KNOWN, OTHER = range(WORKLOADS)


def catalogue() -> Catalogue:
    shape = (TYPES, WORKLOADS, WORKLOADS + 1)
    estimate = np.full(shape, -0.5)
    estimate[0, :, -1], estimate[1, :, -1] = 0.0, 0.7
    whole = np.zeros(shape, dtype=np.int64)
    return Catalogue(estimate, np.zeros(shape), whole.copy(), whole.copy(), whole.copy())


def posterior() -> Posterior:
    new = np.zeros((TYPES, WORKLOADS), dtype=bool)
    new[:, NEW] = True
    covariance = DOUBT.on_types(np.arange(TYPES), np.array([True, False]))
    return Posterior(catalogue(), priors(covariance, new, 0.0), new.any(axis=0), DOUBT.pair)


def alone(gpu_type: int, log_rate: float) -> Measured:
    return Measured(gpu_type, NEW, NOBODY, np.zeros(0), log_rate)


def beside(job: int, partner: int, gpu_type: int, log_rate: float) -> Measured:
    return Measured(gpu_type, job, np.array([partner]), np.ones(1), log_rate)


def test_a_measurement_alone_by_hand():
    learner = posterior()
    learner.observe(alone(1, 1.0), "j", 0.0025, 0.0004)
    total = 0.09 + 0.0025 + 0.0004
    moved = learner.catalogue.estimate - catalogue().estimate
    assert moved[1, NEW, -1] == pytest.approx(0.3 * 0.09 / total)
    assert moved[0, NEW, -1] == 0.0
    # Who is faster than believed presses harder here: the intensity goes along on both types, the sensitivity stays.
    assert moved[:, KNOWN, NEW] == pytest.approx(0.3 * 0.03 / total)
    assert moved[:, NEW, KNOWN] == pytest.approx(0.0)
    assert learner.factor(NEW, "j", 0.0025)[0] == pytest.approx(0.3 * 0.0025 / total)
    learner.refresh_variance()
    assert learner.catalogue.variance[1, NEW, -1] == pytest.approx(0.09 - 0.09**2 / total)


def test_sensitivity_seen_on_one_type_carries_to_partners_and_types_not_tried():
    learner = posterior()
    start = catalogue()
    learner.observe(beside(NEW, KNOWN, 0, float(np.log(norm_of(np.array(0.2))))), "j", 0.0025, 0.0004)
    moved = learner.catalogue.estimate - start.estimate
    # The truth is 0.7 away; a filter of first order may overshoot a little where the law bends.
    assert 0.4 < moved[0, NEW, OTHER] < 0.8
    assert moved[1, NEW, OTHER] == pytest.approx(moved[0, NEW, OTHER] * 0.20 / 0.25)
    # The very pair moves a little more: part of the gap may be its own.
    assert moved[0, NEW, KNOWN] > moved[0, NEW, OTHER]
    assert learner.catalogue.source[0, NEW, KNOWN] == Source.MEASURED
    assert learner.catalogue.source[1, NEW, OTHER] == learner.catalogue.source[1, OTHER, NEW] == Source.P2
    assert learner.catalogue.source[1, KNOWN, OTHER] == Source.P1


def test_a_slowed_partner_tells_of_the_intensity():
    learner = posterior()
    learner.observe(beside(KNOWN, NEW, 0, float(np.log(norm_of(np.array(0.2))))), "k", 0.0, 0.0004)
    moved = learner.catalogue.estimate - catalogue().estimate
    assert moved[0, OTHER, NEW] > 0.2
    assert moved[1, OTHER, NEW] == pytest.approx(moved[0, OTHER, NEW] * 0.12 / 0.16)
    assert moved[1, NEW, -1] > 0.0
    assert moved[:, NEW, KNOWN] == pytest.approx(0.0)


def test_two_measurements_agree_with_both_at_once():
    """A filter over (speeds, sensitivities, intensities, factors) in one step of two rows."""
    learner = posterior()
    for log_rate, name in ((1.0, "a"), (0.8, "b")):
        learner.observe(alone(1, log_rate), name, 0.0025, 0.0004)
    covariance = np.zeros((8, 8))
    covariance[:6, :6] = DOUBT.covariance
    covariance[6, 6] = covariance[7, 7] = 0.0025
    rows = np.zeros((2, 8))
    rows[:, 1] = rows[0, 6] = rows[1, 7] = 1.0
    total = rows @ covariance @ rows.T + 0.0004 * np.eye(2)
    mean = covariance @ rows.T @ np.linalg.solve(total, np.array([0.3, 0.1]))
    moved = learner.catalogue.estimate - catalogue().estimate
    assert moved[1, NEW, -1] == pytest.approx(mean[1])
    assert moved[1, KNOWN, NEW] == pytest.approx(mean[5])
    assert learner.factor(NEW, "b", 0.0025)[0] == pytest.approx(mean[7])


def test_one_job_measured_often_tells_less_than_many_jobs():
    once, often, many = posterior(), posterior(), posterior()
    once.observe(alone(1, 1.0), "j", 0.0025, 0.0004)
    for i in range(20):
        often.observe(alone(1, 1.0), "j", 0.0025, 0.0004)
        many.observe(alone(1, 1.0), f"j{i}", 0.0025, 0.0004)
    for learner in (once, often, many):
        learner.refresh_variance()
    variances = [learner.catalogue.variance[1, NEW, -1] for learner in (once, often, many)]
    assert variances[1] > 0.8 * variances[0]
    assert variances[2] < 0.1 * variances[0]


def test_covariances_stay_covariances_and_jobs_bounded():
    learner = posterior()
    rng = np.random.default_rng(0)
    for i in range(200):
        gpu_type, partner = int(rng.integers(TYPES)), int(rng.integers(WORKLOADS))
        learner.observe(beside(NEW, partner, gpu_type, float(rng.normal(0.0, 1.0))), f"j{i % 50}", 0.0025, 0.0004)
    belief = learner._beliefs[NEW]
    assert len(belief.mean) == 6 + 32
    assert np.linalg.eigvalsh(belief.covariance).min() > -1e-9
    learner.refresh_variance()
    assert (learner.catalogue.variance >= -1e-12).all()


def test_the_doubt_of_stand_ins_is_that_of_what_they_stand_for():
    found = DOUBT.on_types(np.array([0, 1, 1]), np.array([True, False, False]))
    assert found.shape == (9, 9)
    assert found[1, 1] == found[2, 2] == found[1, 2] == 0.09
    assert not found[0].any()
    assert DOUBT.mean_variance == pytest.approx([0.09, 0.26])


def test_known_workloads_on_unknown_types_are_in_doubt_there():
    new = np.array([[False], [True]])
    found = priors(DOUBT.covariance, new, 0.0004)[0]
    assert np.diag(found) == pytest.approx([0.0, 0.09, 0.0004, 0.25, 0.0004, 0.16])
    assert found[1, 5] == 0.03
    assert found[2, 3] == 0.0


def test_a_large_surprise_leads_where_the_law_bends_not_where_the_line_points():
    """The mode of prior times likelihood, found on a grid, of a sensitivity that nothing else is in doubt beside."""
    learner = posterior()
    slowed = float(np.log(norm_of(np.array(1.5))))
    learner.observe(beside(NEW, KNOWN, 0, slowed), "j", 1e-9, 0.0004)
    total = learner.catalogue.estimate[0, NEW, KNOWN] - catalogue().estimate[0, NEW, KNOWN]
    grid = np.linspace(-1.0, 4.0, 500_001)
    loss = grid**2 / (0.25 + DOUBT.pair) + (slowed - np.log(norm_of(grid - 0.5))) ** 2 / 0.0004
    assert total == pytest.approx(grid[loss.argmin()], abs=2e-3)
    assert learner.catalogue.estimate[0, NEW, OTHER] + 0.5 == pytest.approx(total * 0.25 / 0.26, abs=1e-6)
