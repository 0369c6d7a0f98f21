"""What is believed of each workload: its speeds, sensitivities and intensities on all types, and the doubt in them.

A workload has three coordinates per GPU type: log relative speed, sensitivity (how much it suffers from partners) and
intensity (how hard it presses on them), the last two in log pressure. The rate of a job is

    log rate = speed_a - log(1 + sum_b f_b * pressure_ab) + factor
    log pressure_ab = sensitivity_a + intensity_b + what P1 says of the pair

with the job's own hidden factor. Errors of P1 go together: who is faster than believed on an A100 is so on an H100, and
presses less there. Their covariance, learned from the history, is the prior; a measurement moves all coordinates of
the workloads that it involves, those on other types included (an extended Kalman filter, one Gaussian per workload,
with the factors of its latest jobs in it so that one job measured twice counts as one job).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from gogh_sim.estimators.catalogue import Catalogue, Source
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, raw_pressure
from gogh_sim.types import BoolArray, FloatArray, IntArray

JOBS_PER_WORKLOAD = 32
"""Jobs whose factors are kept in a workload's Gaussian; of more, the one heard of first is forgotten."""
ROLES = 3
"""Coordinates per type."""
SPEED, SENSITIVITY, INTENSITY = range(ROLES)


class Measured(NamedTuple):
    """A measurement in numbers: type, workload, partners' workloads with their GPU fractions, and the log of the rate
    over the rate alone on the reference type."""

    gpu_type: int
    workload: int
    partners: IntArray
    fractions: FloatArray
    log_rate: float


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


class Reading(NamedTuple):
    """What one measurement tells of one of the workloads involved, before it is taken in.

    `workload` is the one to learn about; `gap` is measured less believed log rate, `gain` (3 T,) the Kalman gain of its
    coordinates, `room` (3 T,) the share of their prior variance that is left, and `slope` (3 T,) the derivative of the
    log rate by them; `touches` counts earlier readings.
    """

    measured: Measured
    workload: int
    gap: float
    gain: FloatArray
    room: FloatArray
    slope: FloatArray
    touches: int


Correction: TypeAlias = Callable[[Reading], FloatArray]
"""(3 T,) what to add to the Kalman gain of a reading: the part of P2."""


class _Belief:
    """Gaussian over a workload's coordinates, as deviations from P1, followed by the log factors of its latest jobs."""

    def __init__(self, covariance: FloatArray) -> None:
        self.coordinates = len(covariance)
        self.mean = np.zeros(self.coordinates)
        self.covariance = covariance.copy()
        self._prior = np.diag(covariance)
        self.jobs: list[str] = []
        self.touches = 0

    def room(self) -> FloatArray:
        """(3 T,) share of the prior variance that is left; 0 where there never was any."""
        left = np.diag(self.covariance)[: self.coordinates]
        result: FloatArray = left / np.where(self._prior > 0, self._prior, 1.0)
        return result

    def place(self, job_id: str) -> int | None:
        """Where the job's factor stands; None for a job not heard of."""
        return self.coordinates + self.jobs.index(job_id) if job_id in self.jobs else None

    def admit(self, job_id: str, variance: float) -> int:
        """Where the job's factor stands, with room made for it."""
        if (known := self.place(job_id)) is not None:
            return known
        if len(self.jobs) == JOBS_PER_WORKLOAD:
            keep = np.delete(np.arange(len(self.mean)), self.coordinates)
            self.mean, self.covariance = self.mean[keep], self.covariance[np.ix_(keep, keep)]
            self.jobs.pop(0)
        size = len(self.mean)
        grown = np.zeros((size + 1, size + 1))
        grown[:size, :size] = self.covariance
        grown[size, size] = variance
        self.mean, self.covariance = np.append(self.mean, 0.0), grown
        self.jobs.append(job_id)
        return size

    def move(self, gain: FloatArray, gap: float, total: float, correction: FloatArray) -> FloatArray:
        """Take a reading in; returns how far the (3 T,) coordinates moved."""
        step = gain * gap
        step[: self.coordinates] += correction * gap
        self.mean += step
        self.covariance -= total * np.outer(gain, gain)
        self.touches += 1
        return step[: self.coordinates]


class Posterior:
    """Beliefs about all workloads of a catalogue, which is kept up to date in place.

    Parameters
    ----------
    catalogue
        P1's answers.
    covariances
        (W, 3 T, 3 T) prior of each workload's coordinates; see `priors`.
    learns
        (W,) workloads that P2 is asked about.
    pair
        Variance of what pairs differ from the sum of their two.
    """

    def __init__(self, catalogue: Catalogue, covariances: FloatArray, learns: BoolArray, pair: float) -> None:
        self.catalogue = catalogue
        self.learns = learns
        self._types = len(catalogue.estimate)
        self._beliefs = [_Belief(covariance) for covariance in covariances]
        self._pair = np.full(catalogue.estimate[:, :, : catalogue.alone].shape, pair)
        self.refresh_variance()

    def touches(self, workload: int) -> int:
        """Measurements that have told something of the workload."""
        return self._beliefs[workload].touches

    def factor(self, workload: int, job_id: str, variance: float) -> tuple[float, float]:
        """Mean of a job's log factor and its variance, the given one for a job not heard of."""
        belief = self._beliefs[workload]
        at = belief.place(job_id)
        return (0.0, variance) if at is None else (float(belief.mean[at]), float(belief.covariance[at, at]))

    def observe(
        self, measured: Measured, job_id: str, variance: float, noise: float, correct: Correction | None = None
    ) -> list[Reading]:
        """Take in a measurement of a job; `variance` is that of its factor if it is heard of for the first time.

        Returns
        -------
        What it told of every workload involved that P2 is asked about. The catalogue's variances are not touched; see
        `refresh_variance`.
        """
        t, a = measured.gpu_type, measured.workload
        slopes = pressure_slopes(self.catalogue, measured)
        belief = self._beliefs[a]
        at = belief.admit(job_id, variance)
        slope = self._slope_of(measured, a, slopes, len(belief.mean))
        slope[at] = 1.0
        parts = {a: slope}
        for w in self._partners(measured):
            parts[w] = self._slope_of(measured, w, slopes, len(self._beliefs[w].mean))
        spread = {w: self._beliefs[w].covariance @ part for w, part in parts.items()}
        loose = slopes**2 * self._pair[t, a, measured.partners]
        total = noise + float(loose.sum()) + sum(float(parts[w] @ spread[w]) for w in parts)
        gap = measured.log_rate - believed_log_rate(self.catalogue, float(belief.mean[at]), measured)
        readings = []
        for w, part in parts.items():
            belief = self._beliefs[w]
            gain, size = spread[w] / total, belief.coordinates
            reading = Reading(measured, w, gap, gain[:size], belief.room(), part[:size], belief.touches)
            correction = correct(reading) if correct is not None and self.learns[w] else np.zeros(size)
            self._shift(w, belief.move(gain, gap, total, correction))
            if self.learns[w]:
                readings.append(reading)
        self._settle_pairs(measured, slopes, gap / total, loose / total)
        self._mark(measured, [r.workload for r in readings])
        return readings

    def _partners(self, measured: Measured) -> list[int]:
        return sorted({int(b) for b in measured.partners} - {measured.workload})

    def _slope_of(self, measured: Measured, workload: int, slopes: FloatArray, size: int) -> FloatArray:
        """(size,) derivative of the log rate by the coordinates of a workload, job factors left at 0."""
        slope = np.zeros(size)
        if workload == measured.workload:
            slope[SPEED * self._types + measured.gpu_type] = 1.0
            slope[SENSITIVITY * self._types + measured.gpu_type] = slopes.sum()
        slope[INTENSITY * self._types + measured.gpu_type] += slopes[measured.partners == workload].sum()
        return slope

    def _shift(self, workload: int, step: FloatArray) -> None:
        """Move every situation that the workload is part of."""
        estimate, alone = self.catalogue.estimate, self.catalogue.alone
        speed, sensitivity, intensity = step.reshape(ROLES, self._types)
        estimate[:, workload, alone] += speed
        estimate[:, workload, :alone] += sensitivity[:, None]
        estimate[:, :, workload] += intensity[:, None]

    def _settle_pairs(self, measured: Measured, slopes: FloatArray, pull: float, share: FloatArray) -> None:
        """The part of the gap that is put down to these very pairs."""
        at = (measured.gpu_type, measured.workload, measured.partners)
        self.catalogue.estimate[at] += self._pair[at] * slopes * pull
        self._pair[at] *= 1.0 - share

    def _mark(self, measured: Measured, told: Sequence[int]) -> None:
        """Note where estimates come from."""
        source, touches = self.catalogue.source, self.catalogue.touches
        for w in told:
            for view in (source[:, w, :], source[:, :, w]):
                np.maximum(view, Source.P2, out=view)
            touches[:, w, :] += 1
            touches[:, :, w] += 1
        column = measured.partners if len(measured.partners) else np.array([self.catalogue.alone])
        source[measured.gpu_type, measured.workload, column] = Source.MEASURED
        np.add.at(self.catalogue.count[measured.gpu_type, measured.workload], column, 1)

    def speed_covariance(self) -> FloatArray:
        """(W, T, T) covariance over types of the log speeds alone of each workload."""
        return np.array([b.covariance[: self._types, : self._types] for b in self._beliefs])

    def refresh_variance(self) -> None:
        """Bring the catalogue's variances up to date with those of the coordinates."""
        alone = self.catalogue.alone
        size = ROLES * self._types
        spread = np.array([np.diag(b.covariance)[:size] for b in self._beliefs])
        speed, sensitivity, intensity = spread.reshape(alone, ROLES, self._types).transpose(1, 2, 0)
        self.catalogue.variance[:, :, alone] = speed
        self.catalogue.variance[:, :, :alone] = sensitivity[:, :, None] + intensity[:, None, :] + self._pair


def believed_log_rate(catalogue: Catalogue, log_factor: float, measured: Measured) -> float:
    """Believed log rate over the rate alone on the reference type."""
    row = catalogue.estimate[measured.gpu_type, measured.workload]
    slowdown = float((measured.fractions * raw_pressure(row[measured.partners])).sum())
    return float(row[catalogue.alone]) - float(np.log1p(slowdown)) + log_factor


def pressure_slopes(catalogue: Catalogue, measured: Measured) -> FloatArray:
    """Derivative of the log rate by each partner's log pressure, not positive."""
    row = catalogue.estimate[measured.gpu_type, measured.workload, measured.partners]
    raw = raw_pressure(row)
    result: FloatArray = -measured.fractions * (raw + PRESSURE_FLOOR) / (1.0 + (measured.fractions * raw).sum())
    return result
