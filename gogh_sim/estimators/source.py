"""`EstimatedSource`: believed throughputs and watts of jobs, learned from what is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.estimators.catalogue import Catalogue, Source, memory_fits
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, raw_pressure
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.learning import Learning, LearningSettings, MeasuredOnly, Refining
from gogh_sim.estimators.p1 import HISTORY_VARIANCE
from gogh_sim.estimators.posterior import Measured, believed_log_rate
from gogh_sim.estimators.tuning import Tuned, TuningSettings
from gogh_sim.estimators.watts import Watts
from gogh_sim.policy import Beliefs, Observation, Prediction, Uncertainty
from gogh_sim.types import FloatArray, GpuType, IntArray, Job, Workload


class EstimatedSource:
    """A `ThroughputSource` and `Learner` that starts from P1 and the history, and learns.

    Parameters
    ----------
    workloads
        Public facts of every workload that jobs may name.
    gpu_types
        In cluster order.
    estimator
        Trained networks and their history; never modified.
    learning
        Keeps a catalogue of these workloads, in order of name, on these types up to date.
    settings
        What is assumed of measurements.
    """

    def __init__(
        self,
        workloads: Mapping[str, Workload],
        gpu_types: tuple[GpuType, ...],
        estimator: Estimator,
        learning: Learning,
        settings: LearningSettings | None = None,
    ) -> None:
        known = in_order(workloads)
        self._settings = settings or LearningSettings()
        self._learning = learning
        self._catalogue = learning.catalogue
        self._recorded = learning.catalogue.count > 0
        self._number = {name: i for i, name in enumerate(sorted(workloads))}
        self._type_number = {t.name: i for i, t in enumerate(gpu_types)}
        self._fits = memory_fits(known, gpu_types)
        self._watts = Watts(estimator.record, known, gpu_types)
        self._tables = self._read()

    @classmethod
    def unrefined(
        cls,
        workloads: Mapping[str, Workload],
        gpu_types: tuple[GpuType, ...],
        estimator: Estimator,
        settings: LearningSettings | None = None,
    ) -> EstimatedSource:
        """Source without P2: a measurement changes only what it measured."""
        learning = MeasuredOnly(estimator.estimate(in_order(workloads), gpu_types))
        return cls(workloads, gpu_types, estimator, learning, settings)

    @classmethod
    def refined(
        cls,
        workloads: Mapping[str, Workload],
        gpu_types: tuple[GpuType, ...],
        estimator: Estimator,
        settings: LearningSettings | None = None,
    ) -> EstimatedSource:
        """Source that refines by the estimator's P2."""
        return cls(workloads, gpu_types, estimator, Refining.of(estimator, in_order(workloads), gpu_types), settings)

    @classmethod
    def tuned(
        cls,
        workloads: Mapping[str, Workload],
        gpu_types: tuple[GpuType, ...],
        estimator: Estimator,
        rng: np.random.Generator,
        tuning: TuningSettings | None = None,
        settings: LearningSettings | None = None,
    ) -> EstimatedSource:
        """Source that refines by P2 and fine-tunes a copy of it from a replay buffer."""
        refining = Refining.of(estimator, in_order(workloads), gpu_types)
        learning = Tuned(refining, tuning or TuningSettings(), rng)
        return cls(workloads, gpu_types, estimator, learning, settings)

    @property
    def catalogue(self) -> Catalogue:
        """What is believed now; workloads in order of name, types in cluster order."""
        return self._catalogue

    def beliefs(self, jobs: Sequence[Job]) -> Beliefs:
        """All questions of a round, read from the catalogue at once.

        A pair is told by the workloads and GPU fractions of the two: it is worked out once for all jobs of a kind.
        """
        index = np.array([self._workload(job) for job in jobs], dtype=np.int64)
        fractions = np.array([job.gpu_fraction for job in jobs], dtype=np.float64)
        factors = np.exp(np.array([self._factor(job)[0] for job in jobs], dtype=np.float64))
        speed = self._tables[0]
        norm, pair_w = self._pairs(index, fractions)
        fits = self._fits[:, index, -1]
        return Beliefs(
            speed=np.where(fits, speed[:, index] * factors, np.nan).T,
            norm=norm,
            power_w=np.where(fits.T, self._watts.power(index, fractions), np.nan),
            pair_power_w=pair_w,
            speed_sd=self._speed_sd(jobs, index),
            share_exponent=self._watts.share_exponent,
        )

    def _pairs(self, index: IntArray, fractions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(T, J, J) norms and watts of pairs, given the jobs' workloads and fractions; nan where they do not fit."""
        kinds, kind = np.unique(np.column_stack([index, fractions]), axis=0, return_inverse=True)
        workloads, part = kinds[:, 0].astype(np.int64), kinds[:, 1]
        types = np.arange(len(self._fits))
        square = np.ix_(types, workloads, workloads)
        norm = 1.0 / (1.0 + self._tables[1][square] * part)
        pair_w = self._watts.pair_power(workloads, part, norm)
        fits, kind = self._fits[square], kind.reshape(-1)
        norm, pair_w = (
            np.where(fits, values, np.nan).take(kind, axis=1).take(kind, axis=2) for values in (norm, pair_w)
        )
        return norm, pair_w

    def uncertainty(self, jobs: Sequence[Job]) -> Uncertainty:
        """Doubt in `beliefs` of the same jobs; a job's own factor is in all its speeds alike.

        Of pairs that the history holds there is nothing to be learned.
        """
        index = np.array([self._workload(job) for job in jobs], dtype=np.int64)
        own = np.array([self._factor(job)[1] for job in jobs], dtype=np.float64)
        square = np.ix_(np.arange(len(self._tables[0])), index, index)
        load = self._tables[1][square] * np.array([job.gpu_fraction for job in jobs], dtype=np.float64)
        # Log norm is -log(1 + load), and load grows with its own log, but for the floor in the coordinate.
        slope = (load + PRESSURE_FLOOR) / (1.0 + load)
        return Uncertainty(
            speed=self._learning.speed_covariance()[index] + own[:, np.newaxis, np.newaxis],
            norm=np.where(self._recorded[square], HISTORY_VARIANCE, slope**2 * self._catalogue.variance[square]),
            noise=self._settings.noise_sigma**2,
        )

    def _speed_sd(self, jobs: Sequence[Job], index: IntArray) -> FloatArray:
        """(J, T) standard deviation of the log speed alone: the workload's and the job's own doubt."""
        own = np.array([self._factor(job)[1] for job in jobs], dtype=np.float64)
        result: FloatArray = np.sqrt(self._catalogue.variance[:, index, -1] + own).T
        return result

    def observe(self, observations: Sequence[Observation]) -> list[Prediction]:
        """Tell what was believed of each observed situation, then learn from all of them in turn."""
        measured = [self._numbers(o) for o in observations]
        predictions = [self._predict(o, m) for o, m in zip(observations, measured, strict=True)]
        for observation, numbers in zip(observations, measured, strict=True):
            if observation.rate > 0:
                self._learn(observation, numbers)
        if observations:
            self._tables = self._read()
        return predictions

    def _predict(self, observation: Observation, measured: Measured) -> Prediction:
        log_rate = believed_log_rate(self._catalogue, self._factor(observation.job)[0], measured)
        column = measured.partners if len(measured.partners) else np.array([self._catalogue.alone])
        source = Source(int(self._catalogue.source[measured.gpu_type, measured.workload, column].min()))
        return Prediction(observation, source.label, observation.job.reference_rate * math.exp(log_rate))

    def _learn(self, observation: Observation, measured: Measured) -> None:
        job = observation.job
        noise = self._settings.noise_sigma**2
        self._learning.observe(measured, job.job_id, self._variance_of(job), noise)
        self._watts.observe(
            measured.gpu_type,
            measured.workload,
            job.gpu_fraction,
            measured.partners,
            measured.fractions,
            observation.power_w,
        )

    def _numbers(self, observation: Observation) -> Measured:
        if observation.gpu_type not in self._type_number:
            raise InputError(f"job {observation.job.job_id} was measured on unknown GPU type {observation.gpu_type!r}")
        ratio = observation.rate / observation.job.reference_rate
        return Measured(
            gpu_type=self._type_number[observation.gpu_type],
            workload=self._workload(observation.job),
            partners=np.array([self._workload(p) for p in observation.partners], dtype=np.int64),
            fractions=np.array([p.gpu_fraction for p in observation.partners], dtype=np.float64),
            log_rate=math.log(ratio) if ratio > 0 else -math.inf,
        )

    def _workload(self, job: Job) -> int:
        try:
            return self._number[job.workload]
        except KeyError:
            raise InputError(f"job {job.job_id} names workload {job.workload!r}, which the context lacks") from None

    def _factor(self, job: Job) -> tuple[float, float]:
        """Log of the job's own factor and its variance."""
        return self._learning.factor(self._workload(job), job.job_id, self._variance_of(job))

    def _variance_of(self, job: Job) -> float:
        """Variance of the factor of a job not heard of."""
        settings = self._settings
        return settings.job_sigma**2 + (settings.gang_sigma**2 if job.num_gpus > 1 else 0.0)

    def _read(self) -> tuple[FloatArray, FloatArray]:
        """(T, W) speeds alone and (T, W, W) pressures, worked out once per change."""
        self._learning.refresh_variance()
        catalogue = self._catalogue
        return catalogue.speed(), raw_pressure(catalogue.estimate[:, :, : catalogue.alone])


def in_order(workloads: Mapping[str, Workload]) -> list[Workload]:
    """Workloads in order of name, which numbers them in the catalogue."""
    return [workloads[name] for name in sorted(workloads)]
