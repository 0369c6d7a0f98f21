"""What is believed of each workload: its speeds, sensitivities and intensities on all types, and the doubt in them.

A workload has three coordinates per GPU type: log relative speed, sensitivity (how much it suffers from partners) and
intensity (how hard it presses on them), the last two in log pressure. The rate of a job is

    log rate = speed_a - log(1 + sum_b f_b * pressure_ab) + factor
    log pressure_ab = sensitivity_a + intensity_b + what P1 says of the pair

with the job's own hidden factor. Errors of P1 go together: who is faster than believed on an A100 is so on an H100, and
presses less there. Their covariance, learned from the history, is the prior; a measurement moves all coordinates of
the workloads that it involves, those on other types included (an iterated extended Kalman filter, Bell and Cathey, IEEE
Transactions on Automatic Control 38(2), 1993; one Gaussian per workload, with the factors of its latest jobs in it so
that one job measured twice counts as one job).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from gogh_sim.estimators.catalogue import Catalogue, Source
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, raw_pressure
from gogh_sim.estimators.doubt import INTENSITY, ROLES, SENSITIVITY, SPEED
from gogh_sim.types import BoolArray, FloatArray, IntArray

JOBS_PER_WORKLOAD = 32
"""Jobs whose factors are kept in a workload's Gaussian; of more, the one heard of first is forgotten."""
RELINEARISATIONS = 6
"""Most times that the slowdown law is made straight again about where a measurement leads."""
SETTLED = 1e-3
"""Movement of log pressures below which that is done no more."""


class Measured(NamedTuple):
    """A measurement in numbers: type, workload, partners' workloads with their GPU fractions, and the log of the rate
    over the rate alone on the reference type."""

    gpu_type: int
    workload: int
    partners: IntArray
    fractions: FloatArray
    log_rate: float


class Reading(NamedTuple):
    """What one measurement tells of one of the workloads involved, before it is taken in.

    `workload` is the one to learn about; `gap` is measured less believed log rate by the straight line that stands for
    the slowdown law, `gain` (3 T,) the Kalman gain of its coordinates, `room` (3 T,) the share of their prior variance
    that is left, and `slope` (3 T,) the derivative of the log rate by them; `touches` counts earlier readings.
    """

    measured: Measured
    workload: int
    gap: float
    gain: FloatArray
    room: FloatArray
    slope: FloatArray
    touches: int


class _Line(NamedTuple):
    """A measurement made linear: derivatives of its log rate by what is believed of each workload, covariances of the
    two, those of the pairs' own deviations, derivatives by the pairs' log pressures, gap, and the gap's variance."""

    parts: dict[int, FloatArray]
    spread: dict[int, FloatArray]
    loose: FloatArray
    slopes: FloatArray
    gap: float
    total: float


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
        (T, W, W), or one for all: variance of what pairs differ from the sum of their two.
    """

    def __init__(
        self, catalogue: Catalogue, covariances: FloatArray, learns: BoolArray, pair: FloatArray | float
    ) -> None:
        self.catalogue = catalogue
        self.learns = learns
        self._types = len(catalogue.estimate)
        self._beliefs = [_Belief(covariance) for covariance in covariances]
        self._pair = np.full(catalogue.estimate[:, :, : catalogue.alone].shape, pair, dtype=np.float64)
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
        belief = self._beliefs[measured.workload]
        at = belief.admit(job_id, variance)
        line = self._straight(measured, at, noise)
        readings = []
        for w, part in line.parts.items():
            belief = self._beliefs[w]
            gain, size = line.spread[w] / line.total, belief.coordinates
            reading = Reading(measured, w, line.gap, gain[:size], belief.room(), part[:size], belief.touches)
            correction = correct(reading) if correct is not None and self.learns[w] else np.zeros(size)
            self._shift(w, belief.move(gain, line.gap, line.total, correction))
            if self.learns[w]:
                readings.append(reading)
        self._settle_pairs(measured, line)
        self._mark(measured, [r.workload for r in readings])
        return readings

    def _straight(self, measured: Measured, factor_at: int, noise: float) -> _Line:
        """The law made straight where the measurement itself leads, not where the beliefs before it were."""
        factor = float(self._beliefs[measured.workload].mean[factor_at])
        row = self.catalogue.estimate[measured.gpu_type, measured.workload]
        unslowed, pressure = float(row[self.catalogue.alone]) + factor, row[measured.partners]
        moved = np.zeros(len(pressure))
        for _ in range(RELINEARISATIONS):
            loss, slopes = log_loss(pressure + moved, measured.fractions)
            gap = measured.log_rate - (unslowed - loss - float(slopes @ moved))
            line = self._line(measured, factor_at, noise, slopes, gap)
            before, moved = moved, self._pressed(measured, line)
            if np.allclose(moved, before, rtol=0.0, atol=SETTLED):
                break
        return line

    def _line(self, measured: Measured, factor_at: int, noise: float, slopes: FloatArray, gap: float) -> _Line:
        a = measured.workload
        parts = {a: self._slope_of(measured, a, slopes, len(self._beliefs[a].mean))}
        parts[a][factor_at] = 1.0
        for w in self._partners(measured):
            parts[w] = self._slope_of(measured, w, slopes, len(self._beliefs[w].mean))
        spread = {w: self._beliefs[w].covariance @ part for w, part in parts.items()}
        loose = slopes * self._pair[measured.gpu_type, a, measured.partners]
        total = noise + float(loose @ slopes) + sum(float(parts[w] @ spread[w]) for w in parts)
        return _Line(parts, spread, loose, slopes, gap, total)

    def _pressed(self, measured: Measured, line: _Line) -> FloatArray:
        """How far the log pressures of the partners move."""
        sensitivity, intensity = (role * self._types + measured.gpu_type for role in (SENSITIVITY, INTENSITY))
        own = line.spread[measured.workload][sensitivity]
        result: FloatArray = own + line.loose
        result += [line.spread[int(b)][intensity] for b in measured.partners]
        return result * (line.gap / line.total)

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

    def _settle_pairs(self, measured: Measured, line: _Line) -> None:
        """The part of the gap that is put down to these very pairs."""
        at = (measured.gpu_type, measured.workload, measured.partners)
        self.catalogue.estimate[at] += line.loose * line.gap / line.total
        self._pair[at] *= 1.0 - line.loose * line.slopes / line.total

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
    return float(row[catalogue.alone]) - log_loss(row[measured.partners], measured.fractions)[0] + log_factor


def pressure_slopes(catalogue: Catalogue, measured: Measured) -> FloatArray:
    """Derivative of the log rate by each partner's log pressure, not positive."""
    row = catalogue.estimate[measured.gpu_type, measured.workload, measured.partners]
    return log_loss(row, measured.fractions)[1]


def log_loss(log_pressure: FloatArray, fractions: FloatArray) -> tuple[float, FloatArray]:
    """Log of the slowdown by partners (B,), and the derivatives (B,) of the log rate by their log pressures."""
    raw = raw_pressure(log_pressure)
    slowdown = float((fractions * raw).sum())
    return float(np.log1p(slowdown)), -fractions * (raw + PRESSURE_FLOOR) / (1.0 + slowdown)
