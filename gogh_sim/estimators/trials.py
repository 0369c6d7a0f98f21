"""Trials of P1, P2 and simpler methods on what a history was made to lack, by one protocol for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from gogh_sim.estimators import p1
from gogh_sim.estimators.baselines import REGRESSORS, MatrixCompletion, mean_table, regressed_table, regressors_missing
from gogh_sim.estimators.catalogue import Catalogue
from gogh_sim.estimators.coordinates import norm_of
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.history import History
from gogh_sim.estimators.learning import LearningSettings, Refining
from gogh_sim.estimators.p2_training import truth_of
from gogh_sim.estimators.posterior import Measured
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.estimators.splits import NEW_FAMILY, Split
from gogh_sim.estimators.training import train
from gogh_sim.types import REFERENCE_GPU, BoolArray, FloatArray, IntArray

STRETCHES = 6
"""First stretches of measurement tried per new workload."""
CONFIDENCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SPEED, NORM = "speed", "norm"
FIRST = "at submission"
SAME_TYPE, OTHER_TYPE = "after one, other partners", "after one, other types and partners"


@dataclass(frozen=True, slots=True)
class Trial:
    """Errors of one method on one split under one seed.

    `stage` tells what had been measured. `norm_mae` is the mean absolute error of normalised throughputs, `speed_mape`
    the mean relative error of speeds alone, away from the reference type; nan where there was nothing to judge.
    """

    split: str
    stage: str
    method: str
    norm_mae: float
    speed_mape: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often rates were at least what was believed of them at a confidence; `what` is `SPEED` alone or `NORM`."""

    split: str
    stage: str
    what: str
    confidence: float
    found: float


def run(split: Split, full: History, settings: TrainingSettings, seed: int) -> Iterator[Trial | Coverage]:
    """Train on what the split leaves, and judge every method on what it took."""
    estimator, _ = train(split.known, replace(settings, held_out=()), seed)
    truth = truth_of(full)
    truth[[t.name == REFERENCE_GPU for t in full.gpu_types], :, -1] = np.nan
    first = estimator.estimate(full.workloads, full.gpu_types)
    names = f"P1 {settings.p1_architecture}", f"P2 {settings.p2_architecture}"
    subject = estimator.record, full.workloads, full.gpu_types
    tables = {
        names[0]: first.estimate,
        "constant mean": mean_table(*subject),
        "nearest-neighbour copy": p1.copied_table(*subject),
    }
    if regressors_missing() is None:
        for name, make in REGRESSORS.items():
            tables[name] = regressed_table(make, *subject)
    for name, table in tables.items():
        yield Trial(split.name, FIRST, name, *errors([(table, split.judged)], truth))
    yield from _coverages(split.name, FIRST, [(first, split.judged)], truth)
    if split.name == NEW_FAMILY:
        yield from _after_one(split, full, estimator, tables, names[1], truth, np.random.default_rng(seed))


def _after_one(
    split: Split,
    full: History,
    estimator: Estimator,
    tables: dict[str, FloatArray],
    refined: str,
    truth: FloatArray,
    rng: np.random.Generator,
) -> Iterator[Trial | Coverage]:
    """What is believed after one stretch of measurement of a new workload alone or beside a known one."""
    first = estimator.estimate(full.workloads, full.gpu_types)
    fresh = Refining.of(estimator, full.workloads, full.gpu_types, catalogue=first.copy())
    completion = MatrixCompletion(split.known)
    found: dict[str, list[FloatArray]] = {refined: [], "joint Gaussian alone": [], "matrix completion": []}
    doubts: list[Catalogue] = []
    same: list[BoolArray] = []
    other: list[BoolArray] = []
    for w, t, b, measured in _stretches(estimator, full, rng):
        for name, network in ((refined, estimator.p2), ("joint Gaussian alone", None)):
            learning = Refining.of(estimator, full.workloads, full.gpu_types, catalogue=first.copy())
            learning.network = network
            learning.features, learning.kinds = fresh.features, fresh.kinds
            settings = LearningSettings()
            for k, one in enumerate(measured):
                learning.observe(one, str(k), settings.job_sigma**2, settings.noise_sigma**2)
            learning.refresh_variance()
            found[name].append(learning.catalogue.estimate)
            if network is not None:
                doubts.append(learning.catalogue)
        found["matrix completion"].append(_completed(completion, estimator, full, first.estimate, w, measured))
        asked = _beside_known(estimator, full, w)
        asked[:, :, b if b >= 0 else -1] = asked[:, b if b >= 0 else -1, :] = False
        here = np.zeros_like(asked)
        here[t] = True
        same.append(asked & here)
        other.append(asked & ~here)
    for stage, asked_for in ((SAME_TYPE, same), (OTHER_TYPE, other)):
        for name, table in tables.items():
            yield Trial(split.name, stage, name, *errors([(table, mask) for mask in asked_for], truth))
        for name, each in found.items():
            yield Trial(split.name, stage, name, *errors(list(zip(each, asked_for, strict=True)), truth))
    yield from _coverages(split.name, OTHER_TYPE, list(zip(doubts, other, strict=True)), truth)


def _stretches(
    estimator: Estimator, full: History, rng: np.random.Generator
) -> Iterator[tuple[int, int, int, list[Measured]]]:
    """New workload, type, partner (-1 for none) and what is measured: its rate, and its partner's, with noise.

    A job's own factor and the noise of its measurement are of one piece here.
    """
    truth, nobody = truth_of(full), np.zeros(0, dtype=np.int64)
    learning = LearningSettings()
    sigma = float(np.hypot(learning.job_sigma, learning.noise_sigma))
    known = np.flatnonzero(estimator.record.known(full.workloads) >= 0)
    for w in np.flatnonzero(estimator.record.known(full.workloads) < 0):
        types = np.flatnonzero(np.isfinite(full.speed[w]))
        for number in range(STRETCHES):
            t = int(rng.choice(types))
            partners = known[np.isfinite(truth[t, w, known])]
            speeds = truth[t, :, -1]
            if number == 0 or not len(partners):
                rate = float(speeds[w] + sigma * rng.standard_normal())
                yield int(w), t, -1, [Measured(t, int(w), nobody, np.zeros(0), rate)]
                continue
            b = int(rng.choice(partners))
            measured = []
            for one, two in ((int(w), b), (b, int(w))):
                rate = float(speeds[one] + np.log(norm_of(truth[t, one, two])) + sigma * rng.standard_normal())
                measured.append(Measured(t, one, np.array([two]), np.ones(1), rate))
            yield int(w), t, b, measured


def _beside_known(estimator: Estimator, full: History, workload: int) -> BoolArray:
    """(T, W, W + 1) situations of a workload alone and with known ones."""
    known = np.append(estimator.record.known(full.workloads) >= 0, True)
    mask = np.zeros((len(full.gpu_types), len(known) - 1, len(known)), dtype=np.bool_)
    mask[:, workload] = known
    mask[:, known[:-1], workload] = True
    return mask


def _completed(
    completion: MatrixCompletion,
    estimator: Estimator,
    full: History,
    table: FloatArray,
    workload: int,
    measured: list[Measured],
) -> FloatArray:
    """The table with the situations of a new workload as matrix completion has them."""
    learning = LearningSettings()
    noise = learning.job_sigma**2 + learning.noise_sigma**2
    number = estimator.record.known(full.workloads)
    known = np.flatnonzero(number >= 0)
    order = known[np.argsort(number[known])]
    columns = len(order)
    own, others = measured[0], measured[1:]
    at = np.array([[own.gpu_type, number[own.partners[0]] if len(own.partners) else columns]])
    speed, suffers = completion.suffers(at, np.array([own.log_rate]), noise)
    result = table.copy()
    result[:, workload, -1] = speed
    result[:, workload, order] = suffers
    norms = [m.log_rate - estimator.record.history.log_speed[number[m.workload], m.gpu_type] for m in others]
    pressed: IntArray = np.array([[m.gpu_type, number[m.workload]] for m in others], dtype=np.int64).reshape(-1, 2)
    result[:, order, workload] = completion.presses(pressed, np.array(norms), noise)
    return result


def errors(found: list[tuple[FloatArray, BoolArray]], truth: FloatArray) -> tuple[float, float]:
    """MAE of norms and MAPE of speeds of tables of estimates, each where its (T, W, W + 1) mask says."""
    norm, speed = [], []
    for table, mask in found:
        judged = mask & np.isfinite(truth)
        pair = judged[:, :, :-1]
        norm.append(np.abs(norm_of(table[:, :, :-1][pair]) - norm_of(truth[:, :, :-1][pair])))
        gap = (table - truth)[:, :, -1][judged[:, :, -1]]
        speed.append(np.abs(np.expm1(gap)))
    return _mean(norm), _mean(speed)


def _mean(parts: list[FloatArray]) -> float:
    values = np.concatenate(parts) if parts else np.zeros(0)
    return float(values.mean()) if len(values) else float("nan")


def _coverages(
    split: str, stage: str, found: list[tuple[Catalogue, BoolArray]], truth: FloatArray
) -> Iterator[Coverage]:
    above: dict[str, list[FloatArray]] = {SPEED: [], NORM: []}
    for catalogue, mask in found:
        judged = mask & np.isfinite(truth) & (catalogue.variance > 0)
        faster = np.where(judged, truth - catalogue.estimate, 0.0) / np.sqrt(np.where(judged, catalogue.variance, 1.0))
        above[SPEED].append(faster[:, :, -1][judged[:, :, -1]])
        # A norm is the greater the less the pressure.
        above[NORM].append(-faster[:, :, :-1][judged[:, :, :-1]])
    for what, parts in above.items():
        values = np.concatenate(parts) if parts else np.zeros(0)
        for confidence in CONFIDENCES:
            kept = values >= -NormalDist().inv_cdf(confidence)
            yield Coverage(split, stage, what, confidence, float(kept.mean()) if len(kept) else float("nan"))
