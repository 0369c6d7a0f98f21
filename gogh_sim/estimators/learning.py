"""Online learning: how one measured rate is shared out among what it may be due to, and what it teaches elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.estimators import p2
from gogh_sim.estimators.catalogue import Catalogue, Source, situations_of
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, pressure_of, raw_pressure
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.networks import Ensemble
from gogh_sim.types import BoolArray, FloatArray, GpuType, IntArray, Workload


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """What is assumed of measurements.

    Attributes
    ----------
    noise_sigma
        Spread, in logs, of a measured rate around the true one.
    job_sigma
        Spread, in logs, of jobs of one workload around it (their hidden factors).
    gang_sigma
        The same in addition for jobs on several GPUs, whose scaling over nodes is not known.
    least_surprise
        Change of an estimate, in logs, below which P2 is not asked.
    """

    noise_sigma: float = 0.02
    job_sigma: float = 0.05
    gang_sigma: float = 0.1
    least_surprise: float = 0.01

    def __post_init__(self) -> None:
        for name in ("noise_sigma", "job_sigma", "gang_sigma", "least_surprise"):
            if not getattr(self, name) >= 0:
                raise InputError(f"learning.{name} must not be negative, found {getattr(self, name)}")


class Measured(NamedTuple):
    """A measurement in numbers: type, workload, partners' workloads with their GPU fractions, and the log of the rate
    over the rate alone on the reference type."""

    gpu_type: int
    workload: int
    partners: IntArray
    fractions: FloatArray
    log_rate: float


class JobFactor(NamedTuple):
    """Log of a job's rate over its workload's, and the variance of that estimate."""

    log: float
    variance: float


class Change(NamedTuple):
    """A situation whose estimate an observation moved, the estimate before, and by how much."""

    situation: tuple[int, int, int]
    old: float
    surprise: float


class Refinement(Protocol):
    """What spreads a change to other situations of the same workloads."""

    def spread(self, catalogue: Catalogue, changes: Sequence[Change]) -> Sequence[p2.Lessons]:
        """Update the catalogue in place; returns what was asked of P2, in order."""
        ...


def log_norm(catalogue: Catalogue, measured: Measured) -> float:
    """Believed log of the normalised throughput beside these partners; each adds its pressure times its fraction."""
    row = catalogue.estimate[measured.gpu_type, measured.workload, measured.partners]
    return -float(np.log1p((measured.fractions * raw_pressure(row)).sum()))


def believed_log_rate(catalogue: Catalogue, factor: JobFactor, measured: Measured) -> float:
    """Believed log rate over the rate alone on the reference type."""
    alone = float(catalogue.estimate[measured.gpu_type, measured.workload, catalogue.alone])
    return alone + log_norm(catalogue, measured) + factor.log


def assimilate(
    catalogue: Catalogue, factor: JobFactor, measured: Measured, noise_variance: float
) -> tuple[JobFactor, list[Change]]:
    """Take one measurement into the catalogue (in place) and the job's factor.

    The gap between measured and believed log rate is shared out among the job's own factor, the speed alone and the
    pressure of the partners in proportion to their variances: a Kalman update with a diagonal covariance, exact in the
    log rate for a single partner.

    Returns
    -------
    The job's factor, and what moved in the catalogue.
    """
    t, w, alone = measured.gpu_type, measured.workload, catalogue.alone
    speed_variance = float(catalogue.variance[t, w, alone])
    slopes = _slopes(catalogue, measured)
    pressure_variances = slopes**2 * catalogue.variance[t, w, measured.partners]
    total = factor.variance + speed_variance + float(pressure_variances.sum()) + noise_variance
    gap = measured.log_rate - believed_log_rate(catalogue, factor, measured)
    changes: list[Change] = []
    if len(measured.partners):
        changes += _shift_pressures(catalogue, measured, gap * float(pressure_variances.sum()) / total)
        catalogue.variance[t, w, measured.partners] *= 1.0 - pressure_variances / total
        catalogue.source[t, w, measured.partners] = Source.MEASURED
        np.add.at(catalogue.count[t, w], measured.partners, 1)
    else:
        catalogue.source[t, w, alone] = Source.MEASURED
        catalogue.count[t, w, alone] += 1
    if speed_variance > 0:
        old = float(catalogue.estimate[t, w, alone])
        catalogue.estimate[t, w, alone] += gap * speed_variance / total
        catalogue.variance[t, w, alone] *= 1.0 - speed_variance / total
        catalogue.source[t, w, alone] = max(Source.P2, catalogue.source[t, w, alone])
        changes.append(Change((t, w, alone), old, gap * speed_variance / total))
    share = factor.variance / total if total > 0 else 0.0
    return JobFactor(factor.log + gap * share, factor.variance * (1.0 - share)), changes


def _slopes(catalogue: Catalogue, measured: Measured) -> FloatArray:
    """Derivative of the log norm by each partner's log pressure, negative."""
    row = catalogue.estimate[measured.gpu_type, measured.workload, measured.partners]
    raw = raw_pressure(row)
    result: FloatArray = -measured.fractions * (raw + PRESSURE_FLOOR) / (1.0 + (measured.fractions * raw).sum())
    return result


def _shift_pressures(catalogue: Catalogue, measured: Measured, shift: float) -> list[Change]:
    """Move the log norm by `shift`; all partners' pressures grow or shrink by one factor."""
    at = (measured.gpu_type, measured.workload, measured.partners)
    old = catalogue.estimate[at].copy()
    weighted = measured.fractions * raw_pressure(old)
    target = max(float(np.expm1(-(log_norm(catalogue, measured) + shift))), 0.0)
    parts = weighted / weighted.sum() if weighted.sum() > 0 else measured.fractions / measured.fractions.sum()
    catalogue.estimate[at] = pressure_of(1.0 / (1.0 + target * parts / measured.fractions))
    return [
        Change((measured.gpu_type, measured.workload, int(b)), float(before), float(now - before))
        for b, before, now in zip(measured.partners, old, catalogue.estimate[at], strict=True)
    ]


@dataclass(frozen=True)
class P2Refinement:
    """Asks P2 what a change of one situation means for the others of each new workload in it.

    `features` (W, F) and `kinds` (T, G) are encoded; `new` (W,) marks workloads that the history does not hold;
    `variance` (2,) is that of refined estimates, alone and beside a partner.
    """

    network: Ensemble
    features: FloatArray
    kinds: FloatArray
    new: BoolArray
    variance: FloatArray
    least_surprise: float

    @classmethod
    def of(
        cls,
        estimator: Estimator,
        workloads: Sequence[Workload],
        gpu_types: Sequence[GpuType],
        least_surprise: float = LearningSettings().least_surprise,
    ) -> P2Refinement:
        """Refinement by this estimator's P2, for a catalogue of these workloads and types."""
        return cls(
            network=estimator.p2,
            features=estimator.record.encoder.workloads(workloads),
            kinds=estimator.record.encoder.gpu_types(gpu_types),
            new=estimator.record.known(workloads) < 0,
            variance=estimator.p2_variance,
            least_surprise=least_surprise,
        )

    def spread(self, catalogue: Catalogue, changes: Sequence[Change]) -> list[p2.Lessons]:
        """Refine, one change after the other, every unmeasured situation that shares a new workload with it."""
        lessons: list[p2.Lessons] = []
        for change in changes:
            if abs(change.surprise) < self.least_surprise:
                continue
            _, job, partner = change.situation
            members = {job} if partner == catalogue.alone else {job, partner}
            lessons += [self._refine(catalogue, change, w) for w in sorted(members) if self.new[w]]
        return lessons

    def _refine(self, catalogue: Catalogue, change: Change, workload: int) -> p2.Lessons:
        every = situations_of(workload, len(self.kinds), len(self.features))
        at = tuple(every.T)
        targets = every[(catalogue.source[at] != Source.MEASURED) & (catalogue.variance[at] > 0)]
        targets = targets[(targets != np.array(change.situation)).any(axis=1)]
        at = tuple(targets.T)
        lessons = lessons_of(workload, change, targets, catalogue)
        refined = p2.refine(self.network, lessons, self.features, self.kinds)
        alone = targets[:, 2] == catalogue.alone
        catalogue.estimate[at] = np.where(alone, refined, np.maximum(refined, np.log(PRESSURE_FLOOR)))
        catalogue.variance[at] = np.minimum(catalogue.variance[at], np.where(alone, *self.variance))
        catalogue.source[at] = Source.P2
        catalogue.touches[at] += 1
        return lessons


def lessons_of(workload: int, change: Change, targets: IntArray, catalogue: Catalogue) -> p2.Lessons:
    """Questions to P2: one change of a situation of a workload against (Q, 3) targets."""
    rows = len(targets)
    at = tuple(targets.T)
    return p2.Lessons(
        shared=np.full(rows, workload),
        observed=np.broadcast_to(np.array(change.situation), (rows, 3)),
        target=targets,
        surprise=np.full(rows, change.surprise),
        observed_old=np.full(rows, change.old),
        target_old=catalogue.estimate[at],
        touches=catalogue.touches[at],
    )
