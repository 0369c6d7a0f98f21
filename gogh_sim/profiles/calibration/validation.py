"""How well the interference law foretells pairs it has not seen: held-out pairs, and held-out jobs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from gogh_sim.profiles.calibration.pairs import RIDGE, Contention, Pairs, fit_contention, law_norms
from gogh_sim.types import BoolArray, FloatArray

FOLDS = 5


def held_out_pairs_error(pairs: Pairs, seed: int = 0) -> float:
    """Mean absolute error of `held_out_norms`."""
    return float(np.abs(held_out_norms(pairs, seed) - pairs.norm).mean())


def held_out_norms(pairs: Pairs, seed: int = 0) -> FloatArray:
    """Norm of every pair by a fit that did not see it, in `FOLDS` folds; both directions of a pair share a fold."""
    low, high = np.minimum(pairs.victim, pairs.partner), np.maximum(pairs.victim, pairs.partner)
    _, pair = np.unique(low * len(pairs.jobs) + high, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(pair.max() + 1)[pair] % FOLDS
    norms = np.full(len(pairs.norm), np.nan)
    for k in range(FOLDS):
        fit = fit_contention(_subset(pairs, fold != k))
        norms[fold == k] = law_norms(fit, _subset(pairs, fold == k))
    return norms


def held_out_jobs_error(pairs: Pairs, shots: int) -> float:
    """Mean absolute error of norms of a job that the fit never saw, on both sides of a pair.

    Parameters
    ----------
    pairs
        Directed observations.
    shots
        Partners beside which the new job is measured first, chosen evenly over their intensities; with none, it is
        taken to be as sensitive and as intense as the geometric mean of the known jobs.
    """
    misses = []
    for job in range(len(pairs.jobs)):
        mine = (pairs.victim == job) | (pairs.partner == job)
        known = fit_contention(_subset(pairs, ~mine))
        partner = np.where(pairs.victim == job, pairs.partner, pairs.victim)
        seen = mine & np.isin(partner, _spread_partners(known, np.unique(partner[mine & (partner != job)]), shots))
        fit = _fit_newcomer(known, job, _subset(pairs, seen))
        unseen = _subset(pairs, mine & ~seen)
        misses.append(np.abs(law_norms(fit, unseen) - unseen.norm))
    return float(np.concatenate(misses).mean())


def _subset(pairs: Pairs, rows: BoolArray) -> Pairs:
    return replace(pairs, victim=pairs.victim[rows], partner=pairs.partner[rows], norm=pairs.norm[rows])


def _spread_partners(
    known: Contention, partners: np.ndarray[tuple[int, ...], np.dtype[np.int64]], shots: int
) -> list[int]:
    ranked = sorted(partners.tolist(), key=lambda p: (known.intensity[p], p))
    at = np.linspace(0, len(ranked) - 1, shots + 2)[1:-1].round().astype(int)
    return [ranked[k] for k in at]


def _fit_newcomer(known: Contention, job: int, seen: Pairs) -> Contention:
    """`known` with s and i of `job` fitted to `seen`, pulled towards the other jobs' mean logarithms."""
    others = np.arange(len(known.jobs)) != job
    log_s, log_i = np.log(known.sensitivity), np.log(known.intensity)
    prior = np.array([log_s[others].mean(), log_i[others].mean()])

    def placed(x: FloatArray) -> Contention:
        s, i = known.sensitivity.copy(), known.intensity.copy()
        s[job], i[job] = np.exp(x)
        return Contention(known.jobs, s, i)

    def residuals(x: FloatArray) -> FloatArray:
        return np.concatenate([law_norms(placed(x), seen) - seen.norm, RIDGE * (x - prior)])

    return placed(least_squares(residuals, prior, method="lm").x)
