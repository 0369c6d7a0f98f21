"""Training of P2 on episodes: a workload that P1 has not seen is observed a few times and refined in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators import p2
from gogh_sim.estimators.catalogue import situations_of
from gogh_sim.estimators.coordinates import PRESSURE_FLOOR, norm_of, pressure_of, raw_pressure
from gogh_sim.estimators.history import History
from gogh_sim.estimators.networks import Ensemble, build
from gogh_sim.estimators.optimisation import descend, jittered, pressure_loss, speed_loss
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.types import REFERENCE_GPU, BoolArray, FloatArray, IntArray

OBSERVATIONS = p2.TOUCHES_TRAINED
"""Observations per episode."""
TARGETS = 64
"""Situations per episode, the observed ones among them."""
ALONE_SHARE = 0.3
"""Share of situations per episode that are drawn from those without partner, as far as there are any."""
_JUDGED = 256
"""Episodes by which the error of refined estimates is judged."""


@dataclass(frozen=True)
class Beliefs:
    """What was believed of each workload before anything was observed, by a P1 that had not seen its family.

    `estimate` is (F, T, W, W + 1), one catalogue per fold; `fold` (W,) tells which one goes with a workload.
    """

    estimate: FloatArray
    fold: IntArray


@dataclass(frozen=True)
class Episodes:
    """E episodes: the workload observed, (E, M, 3) situations of it, observed ones first, with beliefs and truth."""

    workload: IntArray
    situations: IntArray
    believed: FloatArray
    truth: FloatArray
    workloads: int
    """How many workloads there are, which is the column of "no partner"."""


def truth_of(history: History) -> FloatArray:
    """(T, W, W + 1) the history in the catalogue's coordinates; nan where nothing could be measured."""
    return np.concatenate([pressure_of(history.norm), np.log(history.speed).T[:, :, None]], axis=2)


def train(
    record: Record, beliefs: Beliefs, variance: FloatArray, settings: TrainingSettings, members: int, seed: int
) -> Ensemble:
    """An ensemble trained to refine these beliefs towards the record's truth; the same seed gives the same weights.

    `variance` (2,) is that of the beliefs, alone and beside a partner.
    """
    seeds = np.random.SeedSequence(seed).spawn(members)
    return Ensemble([_train_one(record, beliefs, variance, settings, s) for s in seeds])


def _train_one(
    record: Record,
    beliefs: Beliefs,
    variance: FloatArray,
    settings: TrainingSettings,
    seed: np.random.SeedSequence,
) -> torch.nn.Module:
    rng = np.random.default_rng(seed)
    network = build(
        settings.p2_architecture, p2.widths(record.encoder), 1, settings.parameters, int(seed.generate_state(1)[0])
    )
    draw = _Drawing(record, beliefs, rng)

    def loss() -> Tensor:
        episodes = draw.episodes(settings.episodes)
        believed = episodes.believed.copy()
        touches = np.zeros(believed.shape, dtype=np.int64)
        total = torch.zeros(())
        for step in range(OBSERVATIONS):
            measured = _measured(episodes, believed, step, variance, settings.job_sigma, rng)
            lessons = _lessons(episodes, believed, touches, step, measured)
            *facts, evidence = p2.blocks(lessons, record.features, record.type_features)
            gain = p2.gains(network((*jittered(tuple(facts), settings.jitter, rng), evidence)))
            found = _tensor(lessons.target_old) + gain * _tensor(lessons.surprise)
            total = total + _loss(found, episodes, step)
            believed[:, step] = measured
            believed[:, step + 1 :] = found.detach().numpy().reshape(len(believed), -1)
            touches[:, step + 1 :] += 1
        return total / OBSERVATIONS

    descend(network.parameters(), loss, settings.p2_steps, settings.learning_rate, settings.weight_decay)
    return network


def residual_variance(network: Ensemble, record: Record, beliefs: Beliefs, seed: int) -> FloatArray:
    """(2,) variance of refined estimates after one observation without noise, alone and beside a partner."""
    episodes = _Drawing(record, beliefs, np.random.default_rng(seed)).episodes(_JUDGED)
    measured = episodes.truth[:, 0]
    lessons = _lessons(episodes, episodes.believed, np.zeros(episodes.believed.shape, dtype=np.int64), 0, measured)
    gap = p2.refine(network, lessons, record.features, record.type_features) - episodes.truth[:, 1:].reshape(-1)
    alone = lessons.target[:, 2] == len(record.history.workloads)
    return np.array([mean_square(gap[alone]), mean_square(gap[~alone])])


def mean_square(gaps: FloatArray) -> float:
    """Mean square of the gaps that are not nan; 1 without any, which means: anything is possible."""
    finite = gaps[np.isfinite(gaps)]
    return float(np.mean(finite**2)) if len(finite) else 1.0


class _Drawing:
    """Draws episodes from a history."""

    def __init__(self, record: Record, beliefs: Beliefs, rng: np.random.Generator) -> None:
        history = record.history
        self._rng = rng
        self._beliefs = beliefs
        self._truth = truth_of(history)
        count, types = len(history.workloads), len(history.gpu_types)
        usable = np.isfinite(self._truth)
        usable[[i for i, t in enumerate(history.gpu_types) if t.name == REFERENCE_GPU], :, count] = False
        every = [situations_of(w, types, count) for w in range(count)]
        self._choices = [self._usable(w, s[usable[tuple(s.T)]], count) for w, s in enumerate(every)]
        self._eligible = np.array([w for w, s in enumerate(self._choices) if len(s) > OBSERVATIONS])

    def episodes(self, how_many: int) -> Episodes:
        """Episodes of workloads drawn with equal chance."""
        workloads = self._eligible[self._rng.integers(len(self._eligible), size=how_many)]
        situations = np.stack([self._situations(w) for w in workloads])
        index = tuple(np.moveaxis(situations, 2, 0))
        fold = self._beliefs.fold[workloads][:, None]
        return Episodes(
            workloads, situations, self._beliefs.estimate[(fold, *index)], self._truth[index], self._truth.shape[1]
        )

    def _usable(self, workload: int, situations: IntArray, workloads: int) -> IntArray:
        """Situations whose other workload, if any, was known to the P1 that had not seen this one."""
        other = np.where(situations[:, 1] == workload, situations[:, 2], situations[:, 1])
        fold = np.append(self._beliefs.fold, -1)
        known: IntArray = situations[fold[other] != fold[workload]]
        return known

    def _situations(self, workload: int) -> IntArray:
        """(TARGETS, 3) situations with usable truth, in random order; drawn with repetition where there are few."""
        choices = self._choices[workload]
        alone = choices[:, 2] == self._truth.shape[1]
        weight = np.where(alone, ALONE_SHARE / max(alone.sum(), 1), (1 - ALONE_SHARE) / max((~alone).sum(), 1))
        order = self._rng.choice(len(choices), size=min(TARGETS, len(choices)), replace=False, p=weight / weight.sum())
        result: IntArray = choices[np.resize(order, TARGETS)]
        return result


def _measured(
    episodes: Episodes,
    believed: FloatArray,
    step: int,
    variance: FloatArray,
    job_sigma: float,
    rng: np.random.Generator,
) -> FloatArray:
    """What is believed of the observed situation after one job of the workload was measured there.

    The job runs at the workload's rate times a factor of its own, so only part of the gap is put down to the workload,
    as `learning.assimilate` does. In half of the pairs the speed alone is uncertain, too, and blurs the norm.
    """
    old, truth = believed[:, step], episodes.truth[:, step]
    alone = episodes.situations[:, step, 2] == episodes.workloads
    blur = np.where(alone | (rng.random(len(old)) < 0.5), 0.0, variance[0])
    other = job_sigma**2 + blur
    raw = raw_pressure(old)
    slope = np.where(alone, 1.0, (raw + PRESSURE_FLOOR) / (1.0 + raw))
    own = slope**2 * np.where(alone, *variance)
    gap = np.where(alone, truth - old, np.log(norm_of(truth) / norm_of(old)))
    part = own / (own + other) * (gap + np.sqrt(other) * rng.standard_normal(len(old)))
    shifted = pressure_of(np.minimum(norm_of(old) * np.exp(part), 1.0))
    return np.where(alone, old + part, shifted)


def _lessons(
    episodes: Episodes, believed: FloatArray, touches: IntArray, step: int, measured: FloatArray
) -> p2.Lessons:
    targets = TARGETS - step - 1
    repeat = np.repeat(np.arange(len(believed)), targets)
    return p2.Lessons(
        shared=episodes.workload[repeat],
        observed=episodes.situations[repeat, step],
        target=episodes.situations[:, step + 1 :].reshape(-1, 3),
        surprise=(measured - believed[:, step])[repeat],
        observed_old=believed[repeat, step],
        target_old=believed[:, step + 1 :].reshape(-1),
        touches=touches[:, step + 1 :].reshape(-1),
    )


def _loss(found: Tensor, episodes: Episodes, step: int) -> Tensor:
    truth = _tensor(episodes.truth[:, step + 1 :].reshape(-1))
    alone: BoolArray = episodes.situations[:, step + 1 :, 2].reshape(-1) == episodes.workloads
    single, pair = torch.from_numpy(alone), torch.from_numpy(~alone)
    total = torch.zeros(())
    if alone.any():
        total = total + speed_loss(found[single], truth[single])
    if not alone.all():
        total = total + 2.0 * pressure_loss(found[pair], truth[pair])
    return total


def _tensor(values: FloatArray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
