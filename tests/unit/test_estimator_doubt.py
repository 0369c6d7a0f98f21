"""The covariance of P1's errors: shrunk as far as families bear each other out, and no farther."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.estimators import doubt
from gogh_sim.estimators.doubt import ACROSS, WITHIN, learned_covariance
from gogh_sim.types import FloatArray

TYPES, FAMILIES, EACH = 2, 12, 4


def errors(of_types: float, of_roles: float) -> tuple[FloatArray, list[str]]:
    """Errors of unit variance, correlated so over types within a role and across roles."""
    rng = np.random.default_rng(0)
    role = np.repeat(np.arange(3), TYPES)
    correlation = np.where(role[:, None] == role, of_types, of_roles)
    np.fill_diagonal(correlation, 1.0)
    drawn = rng.multivariate_normal(np.zeros(3 * TYPES), correlation, FAMILIES * EACH)
    return drawn, [f"f{i % FAMILIES}" for i in range(len(drawn))]


def correlation_of(covariance: FloatArray) -> FloatArray:
    spread = np.sqrt(np.diag(covariance))
    result: FloatArray = covariance / np.outer(spread, spread)
    return result


def test_what_families_bear_out_is_kept_and_what_they_do_not_is_shrunk():
    tight, names = errors(0.97, 0.0)
    assert (correlation_of(learned_covariance(tight, names))[[0, 2, 4], [1, 3, 5]] > 0.85).all()
    within, across = doubt._chosen(tight, np.array(names))
    assert within == WITHIN[0]
    assert across >= ACROSS[-2]
    within, across = doubt._chosen(errors(0.0, 0.0)[0], np.array(names))
    assert within == WITHIN[-1]
    assert across >= ACROSS[-2]


def test_moments_by_hand_with_gaps_and_a_sure_coordinate():
    rows = np.array([[0.0, 1.0, 2.0], [0.0, -1.0, np.nan], [0.0, 1.0, 1.0]])
    found = doubt._shrunk(rows, 0.0, 0.5)
    assert np.diag(found) == pytest.approx([0.0, 1.0, 2.5], abs=1e-5)
    # Known of both: rows 1 and 3, mean product 1.5, half of it kept across roles.
    assert found[1, 2] == pytest.approx(0.75, abs=1e-5)
    assert (found[0] == 0.0).all()


def test_the_density_is_the_gaussian_s_and_leaves_out_what_is_unknown_or_sure():
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    rows = np.array([[0.3, 1.0, -1.0], [0.0, np.nan, 2.0]])
    both = covariance[1:, 1:]
    by_hand = -0.5 * (np.log(1.75) + np.array([1.0, -1.0]) @ np.linalg.inv(both) @ np.array([1.0, -1.0])) - 0.5 * 4.0
    assert doubt._log_density(rows, covariance) == pytest.approx(by_hand)


def test_too_few_families_support_no_correlation():
    drawn, names = errors(0.97, 0.5)
    found = learned_covariance(drawn, [name if name == "f0" else "f1" for name in names])
    assert found == pytest.approx(np.diag(np.diag(found)))
