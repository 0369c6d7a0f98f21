"""Shares of time on GPU types as linear programs: who gets how much of which type, alone or sharing a GPU.

The programs of Narayanan et al., "Heterogeneity-aware cluster scheduling policies for deep learning workloads" (OSDI
2020; "Gavel"). A row r is a job alone or two jobs sharing their GPUs; ``x[r, k]`` is the share of time it gets on type
k. With w the GPUs of a row and N those of a type,

    sum over rows of a job and over types of x <= 1
    sum_r w[r] x[r, k] <= N[k]
    throughput of job j = sum over its rows and types of rate[r, its place, k] x[r, k]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.optimize import brentq

from gogh_sim.errors import InputError
from gogh_sim.placement.interior import minimise
from gogh_sim.types import FloatArray, IntArray

ALONE = -1
"""In place of the second member of a row that is one job alone."""

_RATIO_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Demands:
    """J jobs and R rows of them on K GPU types.

    Attributes
    ----------
    members
        (R, 2) numbers of the jobs of each row; the first J rows are the jobs alone, in order, with `ALONE` second.
    rate
        (R, 2, K) steps per second of each member of a row on a type; 0 where it cannot run there.
    width
        (J,) GPUs that each job takes; the two jobs of a row have the same.
    gpus
        (K,) GPUs of each type.
    """

    members: IntArray
    rate: FloatArray
    width: IntArray
    gpus: IntArray

    def __post_init__(self) -> None:
        jobs, rows = len(self.width), len(self.members)
        if self.members.shape != (rows, 2) or self.rate.shape != (rows, 2, len(self.gpus)) or rows < jobs:
            raise InputError("demands: shapes of members, rate, width and gpus do not agree")
        alone = np.column_stack([np.arange(jobs), np.full(jobs, ALONE)])
        if not np.array_equal(self.members[:jobs], alone):
            raise InputError("demands: the first rows must be the jobs alone, in order")
        first, second = self.members[jobs:].T
        if (second == ALONE).any() or not np.array_equal(self.width[first], self.width[second]):
            raise InputError("demands: rows after the jobs alone must be pairs of equally wide jobs")

    @cached_property
    def row_width(self) -> IntArray:
        """(R,) GPUs that a row takes."""
        return self.width[self.members[:, 0]]

    @cached_property
    def throughput(self) -> sparse.csr_array:
        """(J, R K) matrix from shares, flattened, to the throughput of each job."""
        return self._by_job(self.rate)

    @cached_property
    def time(self) -> sparse.csr_array:
        """(J, R K) matrix from shares, flattened, to the time of each job."""
        return self._by_job(np.ones_like(self.rate))

    def _by_job(self, values: FloatArray) -> sparse.csr_array:
        rows, places, types = np.nonzero(
            (self.members != ALONE)[:, :, np.newaxis] & np.ones(len(self.gpus), dtype=bool)
        )
        cells = (self.members[rows, places], rows * len(self.gpus) + types)
        shape = (len(self.width), len(self.members) * len(self.gpus))
        return sparse.csr_array((values[rows, places, types], cells), shape=shape)

    @cached_property
    def limits(self) -> tuple[sparse.csr_array, FloatArray]:
        """Matrix and bounds of what no allocation may exceed: a job's time, a type's GPUs."""
        rows, types = len(self.members), len(self.gpus)
        row, kind = np.divmod(np.arange(rows * types), types)
        taken = sparse.csr_array((self.row_width[row].astype(np.float64), (kind, np.arange(rows * types))))
        bounds = np.concatenate([np.ones(len(self.width)), self.gpus.astype(np.float64)])
        return sparse.csr_array(sparse.vstack([self.time, taken])), bounds

    @cached_property
    def solo(self) -> FloatArray:
        """(J, K) steps per second of each job alone."""
        return self.rate[: len(self.width), 0]


def equal_share(demands: Demands) -> FloatArray:
    """(J,) throughput of each job if it spent its whole time on the types in proportion to their GPUs."""
    return np.asarray(demands.solo @ (demands.gpus / demands.gpus.sum()))


def isolated_share(demands: Demands) -> FloatArray:
    """(R, K) allocation that gives every job an equal part of every type, at most its whole time."""
    jobs = len(demands.width)
    part = demands.gpus[np.newaxis, :] / jobs / demands.width[:, np.newaxis]
    shares = np.zeros((len(demands.members), len(demands.gpus)))
    shares[:jobs] = part / np.maximum(part.sum(axis=1, keepdims=True), 1.0)
    return shares


def max_least(demands: Demands, unit: FloatArray) -> tuple[FloatArray, float]:
    """Allocation with the greatest least throughput, each job's counted in its own unit.

    Parameters
    ----------
    unit
        (J,) steps per second that count as 1; jobs with 0, because they can run nowhere, do not count.

    Returns
    -------
    tuple
        (R, K) shares and the least throughput over unit.

    Notes
    -----
    Max-min fairness with ``unit = weight * equal share / width``; least makespan with ``unit = steps left``.
    """
    counts = unit > 0
    matrix, bounds = demands.limits
    scaled = sparse.diags_array(-1.0 / unit[counts]) @ demands.throughput[counts]
    least = sparse.hstack([scaled, sparse.csr_array(np.ones((scaled.shape[0], 1)))])
    others = sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], 1))])
    rows = sparse.csr_array(sparse.vstack([least, others]))
    cost = np.zeros(rows.shape[1])
    cost[-1] = -1.0
    answer = minimise(cost, rows, np.concatenate([np.zeros(scaled.shape[0]), bounds]))
    return _shares(answer.x[:-1], demands), -answer.objective


def within(demands: Demands, needed: FloatArray) -> FloatArray:
    """(R, K) shares that give every job at least the throughput needed, far from every limit.

    Raises
    ------
    InputError
        If there are none.
    """
    matrix, bounds = demands.limits
    both = sparse.csr_array(sparse.vstack([sparse.diags_array(-1.0 / needed) @ demands.throughput, matrix]))
    answer = minimise(np.zeros(matrix.shape[1]), both, np.concatenate([-np.ones(len(needed)), bounds]))
    return _shares(answer.x, demands)


def max_sum(demands: Demands) -> tuple[FloatArray, float]:
    """(R, K) shares with the greatest sum of throughputs, and that sum."""
    matrix, bounds = demands.limits
    cost = -np.asarray(demands.throughput.sum(axis=0), dtype=np.float64).ravel()
    answer = minimise(cost, matrix, bounds)
    return _shares(answer.x, demands), -answer.objective


def least_finish_ratio(
    demands: Demands, elapsed_s: FloatArray, steps: FloatArray, isolated_s: FloatArray
) -> tuple[FloatArray, float]:
    """Allocation with the least greatest finish-time ratio.

    The ratio rho of a job is ``(elapsed + steps / throughput) / isolated``: its time from submission to end if it keeps
    this throughput, over the time it would take with an equal part of the cluster (rho of Mahajan et al., "Themis",
    NSDI 2020). Jobs that can run nowhere do not count.

    Parameters
    ----------
    elapsed_s
        (J,) seconds since submission.
    steps
        (J,) steps left, positive.
    isolated_s
        (J,) seconds from submission to end on an equal part of the cluster.

    Returns
    -------
    tuple
        (R, K) shares and the greatest ratio, which no allocation undercuts by more than one in a million.

    Notes
    -----
    A ratio is possible if every job can have throughput ``steps / (ratio * isolated - elapsed)``; how many times over
    is `max_least`; the least ratio is where that is exactly once.
    """
    best = max_least(demands, steps / isolated_s)[0]
    low = float((elapsed_s / isolated_s).max())
    high = _greatest_ratio(demands, best, elapsed_s, steps, isolated_s)

    def surplus(ratio: float) -> float:
        """How much more than needed for this ratio every job can have, as a share of the need."""
        if ratio <= low:
            return -1.0
        return max_least(demands, steps / (ratio * isolated_s - elapsed_s))[1] - 1.0

    if high - low > _RATIO_TOLERANCE * high and surplus(high) > 0:
        ratio = brentq(surplus, low, high, rtol=_RATIO_TOLERANCE)
        if ratio > low:
            best = max_least(demands, steps / (ratio * isolated_s - elapsed_s))[0]
    return best, _greatest_ratio(demands, best, elapsed_s, steps, isolated_s)


def throughput(demands: Demands, shares: FloatArray) -> FloatArray:
    """(J,) throughput of each job under an allocation."""
    return np.asarray(demands.throughput @ shares.ravel())


def _greatest_ratio(
    demands: Demands, shares: FloatArray, elapsed_s: FloatArray, steps: FloatArray, isolated_s: FloatArray
) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (elapsed_s + steps / throughput(demands, shares)) / isolated_s
    return float(np.where(np.isfinite(isolated_s), ratio, 0.0).max())


def _shares(flat: FloatArray, demands: Demands) -> FloatArray:
    return np.clip(flat, 0.0, 1.0).reshape(len(demands.members), len(demands.gpus))
