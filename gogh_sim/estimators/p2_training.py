"""Training of P2 on episodes: a workload that P1 has not seen is measured a few times and refined in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators import p2
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, pressure_of, raw_pressure
from gogh_sim.estimators.doubt import (
    INTENSITY,
    LEAST_VARIANCE,
    ROLES,
    SENSITIVITY,
    SPEED,
    Doubt,
    learned_covariance,
)
from gogh_sim.estimators.history import History
from gogh_sim.estimators.networks import Ensemble, build
from gogh_sim.estimators.optimisation import descend, jittered, pressure_loss, speed_loss
from gogh_sim.estimators.posterior import RELINEARISATIONS
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.types import REFERENCE_GPU, BoolArray, FloatArray, IntArray

MEASUREMENTS = 6
"""Measurements per episode."""
ALONE_SHARE, SLOWED_SHARE = 0.3, 0.4
"""Shares of measurements alone, and of its own rate beside a partner; the rest are of the partner's rate."""


@dataclass(frozen=True)
class Beliefs:
    """What was believed of each workload before anything was observed, by a P1 that had not seen its family.

    `estimate` is (F, T, W, W + 1), one catalogue per fold; `fold` (W,) tells which one goes with a workload.
    """

    estimate: FloatArray
    fold: IntArray

    def own(self) -> FloatArray:
        """(W, 2, T, W + 1) of each workload by its own fold: what it suffers (and alone), and does to others."""
        numbers = np.arange(len(self.fold))
        suffers = self.estimate[self.fold, :, numbers]
        presses = np.full_like(suffers, np.nan)
        presses[:, :, :-1] = self.estimate[self.fold, :, :, numbers]
        return np.stack([suffers, presses], axis=1)


def truth_of(history: History) -> FloatArray:
    """(T, W, W + 1) the history in the catalogue's coordinates; nan where nothing could be measured."""
    return np.concatenate([pressure_of(history.norm), np.log(history.speed).T[:, :, None]], axis=2)


@dataclass(frozen=True)
class Errors:
    """Errors of P1 on workloads of unseen families, truth less belief.

    `tables` (W, 2, T, W + 1) as `Beliefs.own`, nan where the partner was not known to that P1 or nothing was measured;
    `coordinates` (W, 3 T) are the speeds' errors and the means over partners.
    """

    tables: FloatArray
    coordinates: FloatArray

    @classmethod
    def of(cls, beliefs: Beliefs, history: History) -> Errors:
        """Errors of these beliefs against the history."""
        truth, numbers = truth_of(history), np.arange(len(beliefs.fold))
        suffers = truth.transpose(1, 0, 2)
        presses = np.full_like(suffers, np.nan)
        presses[:, :, :-1] = truth[:, :, numbers].transpose(2, 0, 1)
        tables = np.stack([suffers, presses], axis=1) - beliefs.own()
        strangers = np.append(beliefs.fold, -1) == beliefs.fold[:, None]
        tables[np.broadcast_to(strangers[:, None, None, :], tables.shape)] = np.nan
        tables[:, 0, [t.name == REFERENCE_GPU for t in history.gpu_types], -1] = 0.0
        known = np.isfinite(tables[..., :-1])
        mean = np.where(known, tables[..., :-1], 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
        pressed = np.where(known.any(axis=-1), mean, np.nan)
        return cls(tables, np.concatenate([tables[:, 0, :, -1], pressed[:, 0], pressed[:, 1]], axis=1))

    def doubt(self, families: Sequence[str]) -> Doubt:
        """What the errors of workloads of these (W,) families let expect of another one."""
        return Doubt(learned_covariance(self.coordinates, families), max(self._pair_variance(), LEAST_VARIANCE))

    def _pair_variance(self) -> float:
        means = self.coordinates.reshape(len(self.coordinates), ROLES, -1)[:, 1:]
        return mean_square(self.tables[..., :-1] - means[..., None])


def mean_square(gaps: FloatArray) -> float:
    """Mean square of the gaps that are not nan; 1 without any, which means: anything is possible."""
    finite = gaps[np.isfinite(gaps)]
    return float(np.mean(finite**2)) if len(finite) else 1.0


def train(
    record: Record, beliefs: Beliefs, doubt: Doubt, settings: TrainingSettings, members: int, seed: int
) -> Ensemble:
    """An ensemble trained to refine these beliefs towards the record's truth; the same seed gives the same weights."""
    seeds = np.random.SeedSequence(seed).spawn(members)
    return Ensemble([_train_one(record, beliefs, doubt, settings, s) for s in seeds])


def _train_one(
    record: Record, beliefs: Beliefs, doubt: Doubt, settings: TrainingSettings, seed: np.random.SeedSequence
) -> torch.nn.Module:
    rng = np.random.default_rng(seed)
    network = build(
        settings.p2_architecture, p2.widths(record.encoder), 1, settings.parameters, int(seed.generate_state(1)[0])
    )
    course = _Course(record.history, beliefs, doubt, settings.job_sigma, rng)

    def loss() -> Tensor:
        episodes = course.start(settings.episodes)
        total = torch.zeros(())
        for step in range(MEASUREMENTS):
            lessons, sure = course.measure(episodes, step)
            *facts, evidence = p2.blocks(lessons, record.features, record.type_features)
            output = network((*jittered(tuple(facts), settings.jitter, rng), evidence))
            gap = torch.from_numpy(lessons.gap.astype(np.float32))
            correction = p2.corrections(output, lessons.room) * gap
            shift = correction.reshape(len(episodes.workload), -1)
            believed = _tensor(episodes.mean + lessons.gain.reshape(shift.shape) * episodes.gap[:, None]) + shift
            total = total + _loss(believed, episodes)
            episodes.mean = believed.detach().numpy().astype(np.float64)
            episodes.covariance = episodes.covariance - sure[:, :, None] * sure[:, None, :]
        return total / MEASUREMENTS

    descend(network.parameters(), loss, settings.p2_steps, settings.learning_rate, settings.weight_decay)
    return network


@dataclass
class _Episodes:
    """E workloads as believed during their episodes; `base` is what their folds believed, (E, 2, T, W + 1).

    `goal` (E, 3 T) is the truth of the coordinates, for pressures beside partners drawn by chance, and `start` what was
    believed of the same; `mean` and `covariance` are of the deviations from the fold's beliefs.
    """

    workload: IntArray
    base: FloatArray
    truth: FloatArray
    start: FloatArray
    goal: FloatArray
    mean: FloatArray
    covariance: FloatArray
    gap: FloatArray


class _Course:
    """Draws episodes from a history, and measurements within them."""

    def __init__(
        self, history: History, beliefs: Beliefs, doubt: Doubt, job_sigma: float, rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._doubt = doubt
        self._noise = job_sigma**2 + LEAST_VARIANCE
        self._types = len(history.gpu_types)
        reference = np.array([t.name == REFERENCE_GPU for t in history.gpu_types])
        self._prior = doubt.on_types(np.arange(self._types), reference)
        self._base = beliefs.own()
        self._base[:, 0, reference, -1] = 0.0
        self._log_speed = history.log_speed
        error = Errors.of(beliefs, history).tables
        self._truth = self._base + error
        seen = np.isfinite(error[:, 0])
        seen[:, :, :-1] &= np.isfinite(error[:, 1, :, :-1])
        self._alone = [np.flatnonzero(s[:, -1]) for s in seen]
        self._beside = [np.argwhere(s[:, :-1]) for s in seen]
        enough = [len(a) > 1 and len(b) > MEASUREMENTS for a, b in zip(self._alone, self._beside, strict=True)]
        self._eligible = np.flatnonzero(enough)

    def start(self, how_many: int) -> _Episodes:
        """Episodes of workloads drawn with equal chance."""
        w = self._eligible[self._rng.integers(len(self._eligible), size=how_many)]
        base, truth = self._base[w], self._truth[w]
        columns = [self._columns(truth[:, 0, :, :-1]), self._columns(truth[:, 1, :, :-1])]

        def read(table: FloatArray) -> FloatArray:
            pressed = [np.take_along_axis(table[:, k], c[:, :, None], axis=2)[:, :, 0] for k, c in enumerate(columns)]
            return np.concatenate([table[:, 0, :, -1], *pressed], axis=1)

        size = (how_many, *self._prior.shape)
        return _Episodes(
            workload=w,
            base=base,
            truth=truth,
            start=read(base),
            goal=read(truth),
            mean=np.zeros(size[:2]),
            covariance=np.broadcast_to(self._prior, size),
            gap=np.zeros(how_many),
        )

    def _columns(self, truth: FloatArray) -> IntArray:
        """(E, T) partner drawn from those that something is known of; the first where there is none."""
        lots = np.where(np.isfinite(truth), self._rng.random(truth.shape), -1.0)
        result: IntArray = lots.argmax(axis=2)
        return result

    def measure(self, e: _Episodes, step: int) -> tuple[p2.Lessons, FloatArray]:
        """One measurement of each workload; sets `gap`, and returns what P2 is asked and (E, 3 T) what becomes sure.

        Every measurement is of another job, so its factor and the noise are of one piece.
        """
        count, rows = len(e.workload), np.arange(len(e.workload))
        role, t, b = self._situations(e.workload)
        upon = np.where(role == 2, 1, 0)
        pressure = e.base[rows, upon, t, b] + np.where(
            role == 0, 0.0, e.mean[rows, np.where(role == 2, INTENSITY, SENSITIVITY) * self._types + t]
        )
        true_pressure = e.truth[rows, upon, t, b]
        own_speed = e.base[rows, 0, t, -1] + e.mean[rows, SPEED * self._types + t]
        partner_speed = self._log_speed[np.minimum(b, len(self._log_speed) - 1), t]
        speed = np.where(role == 2, partner_speed, own_speed)
        true_speed = np.where(role == 2, partner_speed, e.truth[rows, 0, t, -1])
        true_raw = np.where(role == 0, 0.0, raw_pressure(true_pressure))
        measured = true_speed - np.log1p(true_raw) + np.sqrt(self._noise) * self._rng.standard_normal(count)
        moved = np.zeros(count)
        for _ in range(RELINEARISATIONS):
            raw = np.where(role == 0, 0.0, raw_pressure(pressure + moved))
            steep = np.where(role == 0, 0.0, -(raw + PRESSURE_FLOOR) / (1.0 + raw))
            believed = speed - np.log1p(raw) - steep * moved
            e.gap = measured - believed
            spread, total = self._spread(e, role, t, steep)
            upon_pressure = spread[rows, np.where(role == 2, INTENSITY, SENSITIVITY) * self._types + t]
            moved = np.where(role == 0, 0.0, (upon_pressure + steep * self._doubt.pair) * e.gap / total)
        lessons = self._lessons(e, role, t, b, believed, spread / total[:, None], step)
        return lessons, spread / np.sqrt(total)[:, None]

    def _spread(self, e: _Episodes, role: IntArray, t: IntArray, steep: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(E, 3 T) covariances of coordinates and measured log rates, and (E,) the variances of the latter."""
        rows, slope = np.arange(len(t)), np.zeros_like(e.mean)
        slope[rows, SPEED * self._types + t] = np.where(role == 2, 0.0, 1.0)
        slope[rows, SENSITIVITY * self._types + t] = np.where(role == 1, steep, 0.0)
        slope[rows, INTENSITY * self._types + t] = np.where(role == 2, steep, 0.0)
        spread = np.einsum("eij,ej->ei", e.covariance, slope)
        return spread, self._noise + steep**2 * self._doubt.pair + (spread * slope).sum(axis=1)

    def _situations(self, workloads: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """(E,) role of the workload, type and partner (the last column for none) of a measurement each."""
        lot = self._rng.random(len(workloads))
        role = np.where(lot < ALONE_SHARE, 0, np.where(lot < ALONE_SHARE + SLOWED_SHARE, 1, 2))
        places = np.zeros((len(workloads), 2), dtype=np.int64)
        for row, w in enumerate(workloads):
            if role[row] == 0:
                places[row] = self._rng.choice(self._alone[w]), self._base.shape[-1] - 1
            else:
                places[row] = self._beside[w][self._rng.integers(len(self._beside[w]))]
        return role.astype(np.int64), places[:, 0], places[:, 1]

    def _lessons(
        self, e: _Episodes, role: IntArray, t: IntArray, b: IntArray, believed: FloatArray, gain: FloatArray, step: int
    ) -> p2.Lessons:
        count, size = gain.shape
        left = np.einsum("eii->ei", e.covariance)
        prior = np.diag(self._prior)
        pressure = e.base[..., :-1].mean(axis=3).reshape(count, -1)
        old = np.concatenate([e.base[:, 0, :, -1], pressure], axis=1) + e.mean
        return p2.Lessons(
            workload=np.repeat(e.workload, size),
            other=np.repeat(b, size),
            observed=np.repeat(t, size),
            target=np.tile(np.arange(self._types), count * ROLES),
            measured_role=np.repeat(role, size),
            role=np.tile(np.repeat(np.arange(ROLES), self._types), count),
            gap=np.repeat(e.gap, size),
            observed_old=np.repeat(believed, size),
            target_old=old.ravel(),
            gain=gain.ravel(),
            room=(left / np.where(prior > 0, prior, 1.0)).ravel(),
            touches=np.full(count * size, step),
        )


def _loss(shift: Tensor, e: _Episodes) -> Tensor:
    """Error of the coordinates, given by how much they have moved from the start."""
    types = e.goal.shape[1] // ROLES
    known: BoolArray = np.isfinite(e.goal)
    goal = _tensor(np.where(known, e.goal, 0.0))
    found = _tensor(e.start) + shift
    total = torch.zeros(())
    single, pair = torch.from_numpy(known[:, :types]), torch.from_numpy(known[:, types:])
    if single.any():
        total = total + speed_loss(found[:, :types][single], goal[:, :types][single])
    if pair.any():
        total = total + 2.0 * pressure_loss(found[:, types:][pair], goal[:, types:][pair])
    return total


def _tensor(values: FloatArray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
