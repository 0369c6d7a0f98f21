"""How wrong P1 is on workloads of families that it has not seen: learned from cross-fitted errors.

A history has a few dozen families, its covariance three times as many coordinates as GPU types. Correlations are
therefore shrunk: within a role (one property on several types, which mostly goes together) by one share, across roles
by another. Both are chosen by how well the covariance of all other families foretells the errors of each one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from gogh_sim.types import BoolArray, FloatArray, IntArray

ROLES = 3
"""Coordinates per type."""
SPEED, SENSITIVITY, INTENSITY = range(ROLES)

LEAST_VARIANCE = 0.02**2
"""Of a coordinate that P1 seems to know: the run-to-run spread of 2 % remains."""
WITHIN, ACROSS = (0.02, 0.05, 0.1, 0.2, 0.4), (0.15, 0.3, 0.5, 0.75, 1.0)
"""Pulls towards no correlation that are tried, within roles and across."""


@dataclass(frozen=True)
class Doubt:
    """How wrong P1 is on workloads of families that it has not seen.

    Attributes
    ----------
    covariance
        (3 T, 3 T) of the errors of a workload's coordinates: speeds on all types, then sensitivities, then intensities.
    pair
        Variance of what the log pressure of a pair differs from the sum of its two workloads.
    """

    covariance: FloatArray
    pair: float

    @property
    def mean_variance(self) -> FloatArray:
        """(2,) mean variance of log speeds alone, where they are in doubt, and of log pressures on a new workload."""
        speed, sensitivity, _ = np.diag(self.covariance).reshape(ROLES, -1)
        doubted = speed[speed > 0]
        alone = float(doubted.mean()) if len(doubted) else 0.0
        return np.array([alone, float(sensitivity.mean()) + self.pair])

    def on_types(self, stand_in: IntArray, reference: BoolArray) -> FloatArray:
        """The covariance for types that these known ones stand in for; speed on the reference type is 1 for sure."""
        types = len(self.covariance) // ROLES
        rows = np.concatenate([role * types + stand_in for role in range(ROLES)])
        sure = np.concatenate([reference, np.zeros((ROLES - 1) * len(reference), dtype=np.bool_)])
        result: FloatArray = np.where(sure[:, None] | sure, 0.0, self.covariance[np.ix_(rows, rows)])
        return result


def priors(doubt: FloatArray, new: BoolArray, known: float) -> FloatArray:
    """(W, 3 T, 3 T) covariances of what is believed of workloads at first.

    Parameters
    ----------
    doubt
        (3 T, 3 T) `Doubt.on_types`.
    new
        (T, W) where the history does not hold the workload on the type. What it holds is nearly sure.
    known
        Variance of a coordinate that the history holds.
    """
    fresh = np.tile(new, (ROLES, 1)).T
    sure = np.where(np.diag(doubt) > 0, known, 0.0)
    both = fresh[:, :, None] & fresh[:, None, :]
    result: FloatArray = np.where(both, doubt, np.where(fresh, 0.0, sure)[:, :, None] * np.eye(len(doubt)))
    return result


def learned_covariance(errors: FloatArray, families: Sequence[str]) -> FloatArray:
    """(3 T, 3 T) covariance about zero of errors (W, 3 T), nan where unknown, of workloads of these families.

    Correlations are shrunk by the pair of `WITHIN` and `ACROSS` under which the errors of each family are likeliest,
    by the covariance of all others. With fewer than three families there is nothing to choose by, and none are taken.
    """
    return _shrunk(errors, *_chosen(errors, np.array(families)))


def _chosen(errors: FloatArray, families: np.ndarray[tuple[int, ...], np.dtype[np.str_]]) -> tuple[float, float]:
    names = sorted(set(families.tolist()))
    if len(names) < 3:
        return 1.0, 1.0
    apart = [(errors[families == name], errors[families != name]) for name in names]
    found = {
        pull: sum(_log_density(own, _shrunk(others, *pull)) for own, others in apart)
        for pull in product(WITHIN, ACROSS)
    }
    return max(found, key=lambda pull: found[pull])


def _shrunk(errors: FloatArray, within: float, across: float) -> FloatArray:
    """Second moments of what is known of both coordinates, with correlations shrunk and made consistent."""
    known = np.isfinite(errors)
    values = np.where(known, errors, 0.0)
    counts = known.astype(np.float64).T @ known
    moments = values.T @ values / np.maximum(counts, 1.0)
    variance = np.where(np.diag(counts) > 0, np.diag(moments), 1.0)
    live = variance > 0
    spread = np.sqrt(np.where(live, np.maximum(variance, LEAST_VARIANCE), 0.0))
    scale = np.where(live, spread, 1.0)
    role = np.repeat(np.arange(ROLES), len(scale) // ROLES)
    kept = np.where(role[:, None] == role, 1.0 - within, 1.0 - across)
    correlation = np.clip(moments / np.outer(scale, scale), -1.0, 1.0) * kept
    np.fill_diagonal(correlation, 1.0)
    strength, axes = np.linalg.eigh(correlation)
    correlation = (axes * np.maximum(strength, 1e-6)) @ axes.T
    result: FloatArray = correlation * np.outer(spread, spread)
    return result


def _log_density(errors: FloatArray, covariance: FloatArray) -> float:
    """Log density, but for a constant, of the rows' known errors under a Gaussian about zero."""
    known = np.isfinite(errors) & (np.diag(covariance) > 0)
    total = 0.0
    for pattern in np.unique(known, axis=0):
        rows = errors[(known == pattern).all(axis=1)][:, pattern]
        own = covariance[np.ix_(pattern, pattern)]
        _, size = np.linalg.slogdet(own)
        total -= 0.5 * (len(rows) * float(size) + float((rows.T * np.linalg.solve(own, rows.T)).sum()))
    return total
