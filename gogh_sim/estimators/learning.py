"""Online learning: what one measured rate teaches of the situation measured, and of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.estimators import p1, p2
from gogh_sim.estimators.catalogue import Catalogue, Source
from gogh_sim.estimators.coordinates import pressure_of, raw_pressure
from gogh_sim.estimators.doubt import priors
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.networks import Ensemble
from gogh_sim.estimators.posterior import Measured, Posterior, Reading, believed_log_rate, pressure_slopes
from gogh_sim.types import REFERENCE_GPU, FloatArray, GpuType, Workload

_JOBS_REMEMBERED = 100_000


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
    """

    noise_sigma: float = 0.02
    job_sigma: float = 0.05
    gang_sigma: float = 0.1

    def __post_init__(self) -> None:
        for name in ("noise_sigma", "job_sigma", "gang_sigma"):
            if not getattr(self, name) >= 0:
                raise InputError(f"learning.{name} must not be negative, found {getattr(self, name)}")


class JobFactor(NamedTuple):
    """Log of a job's rate over its workload's, and the variance of that estimate."""

    log: float
    variance: float


class Learning(Protocol):
    """Keeps a catalogue up to date with measurements, and tells jobs from their workloads.

    A job is named by its id; `variance` is that of its factor as long as it has not been heard of.
    """

    catalogue: Catalogue

    def factor(self, workload: int, job_id: str, variance: float) -> JobFactor:
        """What is known of the job's own factor."""
        ...

    def observe(self, measured: Measured, job_id: str, variance: float, noise: float) -> None:
        """Take in a measurement whose own error has the variance `noise`."""
        ...

    def refresh_variance(self) -> None:
        """Bring the catalogue's variances up to date."""
        ...

    def speed_covariance(self) -> FloatArray:
        """(W, T, T) covariance over types of the log speeds alone of each workload."""
        ...


class MeasuredOnly:
    """Learning without P2: a measurement changes only what it measured, and the job's factor."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._factors: dict[str, JobFactor] = {}

    def factor(self, workload: int, job_id: str, variance: float) -> JobFactor:
        """What is known of the job's own factor."""
        return self._factors.get(job_id) or JobFactor(0.0, variance)

    def observe(self, measured: Measured, job_id: str, variance: float, noise: float) -> None:
        """Take in a measurement; beyond a bound the factor of the job heard of first is forgotten."""
        factor = self.factor(measured.workload, job_id, variance)
        self._factors[job_id] = assimilate(self.catalogue, factor, measured, noise)
        if len(self._factors) > _JOBS_REMEMBERED:
            del self._factors[next(iter(self._factors))]

    def refresh_variance(self) -> None:
        """Nothing to do: variances change with the estimates."""

    def speed_covariance(self) -> FloatArray:
        """(W, T, T) without anything off the diagonal: one type tells nothing of another here."""
        variance = self.catalogue.variance[:, :, self.catalogue.alone].T
        return variance[:, :, np.newaxis] * np.eye(variance.shape[1])


def assimilate(catalogue: Catalogue, factor: JobFactor, measured: Measured, noise_variance: float) -> JobFactor:
    """Take one measurement into the catalogue (in place) and the job's factor, which is returned.

    The gap between measured and believed log rate is shared out among the job's own factor, the speed alone and the
    pressure of the partners in proportion to their variances: a Kalman update with a diagonal covariance, exact in the
    log rate for a single partner.
    """
    t, w, alone = measured.gpu_type, measured.workload, catalogue.alone
    speed_variance = float(catalogue.variance[t, w, alone])
    pressure_variances = pressure_slopes(catalogue, measured) ** 2 * catalogue.variance[t, w, measured.partners]
    total = factor.variance + speed_variance + float(pressure_variances.sum()) + noise_variance
    gap = measured.log_rate - believed_log_rate(catalogue, factor.log, measured)
    if len(measured.partners):
        _shift_pressures(catalogue, measured, gap * float(pressure_variances.sum()) / total)
        catalogue.variance[t, w, measured.partners] *= 1.0 - pressure_variances / total
        catalogue.source[t, w, measured.partners] = Source.MEASURED
        np.add.at(catalogue.count[t, w], measured.partners, 1)
    else:
        catalogue.source[t, w, alone] = Source.MEASURED
        catalogue.count[t, w, alone] += 1
    if speed_variance > 0:
        catalogue.estimate[t, w, alone] += gap * speed_variance / total
        catalogue.variance[t, w, alone] *= 1.0 - speed_variance / total
        catalogue.source[t, w, alone] = max(Source.P2, catalogue.source[t, w, alone])
    share = factor.variance / total if total > 0 else 0.0
    return JobFactor(factor.log + gap * share, factor.variance * (1.0 - share))


def _shift_pressures(catalogue: Catalogue, measured: Measured, shift: float) -> None:
    """Move the log norm by `shift`; all partners' pressures grow or shrink by one factor."""
    at = (measured.gpu_type, measured.workload, measured.partners)
    weighted = measured.fractions * raw_pressure(catalogue.estimate[at])
    target = max(float(np.expm1(np.log1p(weighted.sum()) - shift)), 0.0)
    parts = weighted / weighted.sum() if weighted.sum() > 0 else measured.fractions / measured.fractions.sum()
    catalogue.estimate[at] = pressure_of(1.0 / (1.0 + target * parts / measured.fractions))


class Refining:
    """Learning with P2: a measurement moves all that is believed of the workloads involved, tried or not.

    `features` (W, F) and `kinds` (T, G) are encoded. Without a network the joint Gaussian refines alone.
    """

    def __init__(self, posterior: Posterior, network: Ensemble | None, features: FloatArray, kinds: FloatArray) -> None:
        self.posterior = posterior
        self.catalogue = posterior.catalogue
        self.network = network
        self.features = features
        self.kinds = kinds

    @classmethod
    def of(
        cls,
        estimator: Estimator,
        workloads: Sequence[Workload],
        gpu_types: Sequence[GpuType],
        *,
        catalogue: Catalogue | None = None,
        with_network: bool = True,
    ) -> Refining:
        """Learning that starts from what the estimator believes of these workloads and types.

        `catalogue`, if given, holds these beliefs, and is kept up to date in place.
        """
        record = estimator.record
        stand_in, known_type = record.types(gpu_types)
        new = np.asarray((record.known(workloads) < 0)[None, :] | ~known_type[:, None])
        reference = np.array([t.name == REFERENCE_GPU for t in gpu_types])
        covariances = priors(estimator.doubt.on_types(stand_in, reference), new, p1.HISTORY_VARIANCE)
        start = estimator.estimate(workloads, gpu_types) if catalogue is None else catalogue
        pair = estimator.doubt.pair + p1.completion_variance(record, workloads, gpu_types)
        return cls(
            Posterior(start, covariances, np.asarray(new.any(axis=0)), pair),
            estimator.p2 if with_network else None,
            record.encoder.workloads(workloads),
            record.encoder.gpu_types(gpu_types),
        )

    def factor(self, workload: int, job_id: str, variance: float) -> JobFactor:
        """What is known of the job's own factor."""
        return JobFactor(*self.posterior.factor(workload, job_id, variance))

    def observe(self, measured: Measured, job_id: str, variance: float, noise: float) -> None:
        """Take in a measurement; P2 corrects how far new workloads move."""
        self.posterior.observe(measured, job_id, variance, noise, None if self.network is None else self._correct)

    def refresh_variance(self) -> None:
        """Bring the catalogue's variances up to date."""
        self.posterior.refresh_variance()

    def speed_covariance(self) -> FloatArray:
        """(W, T, T) covariance over types of the log speeds alone of each workload."""
        return self.posterior.speed_covariance()

    def _correct(self, reading: Reading) -> FloatArray:
        assert self.network is not None
        lessons = p2.Lessons.of(reading, self.catalogue)
        return p2.correct(self.network, lessons, self.features, self.kinds)
