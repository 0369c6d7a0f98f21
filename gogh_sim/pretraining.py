"""From a profile to shipped weights: what an operator would have measured of past workloads, training, its errors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.estimators import ErrorTable, History, LearningSettings, TrainingSettings, save, train
from gogh_sim.estimators.splits import NEW_FAMILY, SPLITS, split
from gogh_sim.estimators.trials import Trial
from gogh_sim.estimators.trials import run as run_trial
from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.profiles.profile import Member, Profile
from gogh_sim.types import FloatArray

HELD_OUT_SHARE = 0.22
"""Share of workloads, in whole families, that the shipped history lacks, so that a run meets known and new ones."""


def history_from_profile(profile: Profile, families: Iterable[str] | None = None) -> History:
    """History of the workloads of these families (default: all), measured without noise, alone and in whole-GPU pairs.

    Raises
    ------
    InputError
        If a family is not in the profile.
    """
    every = History(
        workloads=profile.workloads,
        gpu_types=profile.gpu_types,
        speed=profile.relative_speed.copy(),
        norm=np.stack([profile.pair_norms(t) for t in range(len(profile.gpu_types))]),
        power_w=_power(profile),
        pair_power_w=_pair_power(profile),
    )
    if families is None:
        return every
    wanted = sorted(set(families))
    unknown = sorted(set(wanted) - set(every.families))
    if unknown:
        raise InputError(f"families {unknown} are not in profile {profile.name}, which has {list(every.families)}")
    return every.of_families(wanted)


def choose_held_out(history: History, share: float, seed: int) -> tuple[str, ...]:
    """Families in random order, each taken if the workloads held out then stay within the share; sorted."""
    families = list(history.families)
    np.random.default_rng(seed).shuffle(families)
    size = {family: sum(w.family == family for w in history.workloads) for family in families}
    budget = share * len(history.workloads)
    chosen: list[str] = []
    for family in families:
        if size[family] <= budget:
            chosen.append(family)
            budget -= size[family]
    return tuple(sorted(chosen))


def pretrain(profile: Profile, out: Path, seed: int = 0, settings: TrainingSettings | None = None) -> ErrorTable:
    """Train on a profile, write the weights to `out`, and return the errors on held-out families.

    Settings without held-out families get a choice by the seed; the weights hold no number of a held-out family.
    """
    history = history_from_profile(profile)
    chosen = settings or TrainingSettings()
    if not chosen.held_out:
        chosen = replace(chosen, held_out=choose_held_out(history, HELD_OUT_SHARE, seed))
    estimator, table = train(history, chosen, seed)
    save(estimator, out)
    return table


def _power(profile: Profile) -> FloatArray:
    idle = np.array([t.idle_context_w for t in profile.gpu_types])
    return np.where(np.isfinite(profile.solo_rate), idle + profile.dyn_w, np.nan)


def _pair_power(profile: Profile) -> FloatArray:
    count = len(profile.workloads)
    watts = np.full((len(profile.gpu_types), count, count), np.nan)
    for t, norm in enumerate(profile.pair_norms(t) for t in range(len(profile.gpu_types))):
        for a, b in np.argwhere(np.isfinite(norm)):
            if a <= b:
                combination = profile.combine(t, (Member(int(a), 1.0), Member(int(b), 1.0)))
                watts[t, a, b] = watts[t, b, a] = combination.power_w
    return watts


_MEASURES: Mapping[str, str] = MappingProxyType({"norm_mae": "norm MAE", "speed_mape": "speed MAPE"})
"""Names in reports of a trial's errors."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """Mean error over seeds with its 95 % interval; `measure` is "norm MAE" or "speed MAPE", a share in both cases."""

    split: str
    stage: str
    method: str
    measure: str
    mean: float
    ci_low: float
    ci_high: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Share of rates that were at least what was believed of them at a confidence: mean over seeds, 95 % interval.

    `what` is "speed" (alone) or "norm".
    """

    split: str
    stage: str
    what: str
    confidence: float
    found: float
    ci_low: float
    ci_high: float


def error_report(
    profile: Profile,
    settings: TrainingSettings,
    seeds: Sequence[int],
    architectures: Sequence[str],
    splits: Sequence[str] = SPLITS,
) -> tuple[list[ReportLine], list[Calibration]]:
    """Errors of P1, P2 and simpler methods on every split, and how often confidences held.

    Architectures are compared on new families; the other splits are judged with the first one alone. Every seed draws
    its own splits and trains afresh. After the errors come those of P1, or of P2 once something is measured, less each
    other method's, seed by seed: intervals of single methods overlap because some splits are harder for all.
    """
    history = history_from_profile(profile)
    found: dict[tuple[str, str, str], list[Trial]] = {}
    covered: dict[tuple[str, str, str, float], list[float]] = {}
    for seed, name in product(seeds, splits):
        for architecture in architectures if name == NEW_FAMILY else architectures[:1]:
            part = split(name, history, np.random.default_rng([seed, SPLITS.index(name)]))
            chosen = replace(settings, p1_architecture=architecture, p2_architecture=architecture)
            for one in run_trial(part, history, chosen, seed):
                if isinstance(one, Trial):
                    found.setdefault((one.split, one.stage, one.method), []).append(one)
                elif architecture == architectures[0]:
                    covered.setdefault((one.split, one.stage, one.what, one.confidence), []).append(one.found)
    lines = [line for key, trials in found.items() for line in _lines(key, trials, len(seeds))]
    lines += _differences(found, architectures[0], len(seeds))
    return lines, [line for key, values in covered.items() for line in _calibration(key, values)]


def _calibration(key: tuple[str, str, str, float], values: Sequence[float]) -> Iterator[Calibration]:
    """A line where anything was judged; shares lie within 0 and 1, and so do the limits."""
    interval = mean_interval(values)
    if interval.n:
        low, high = max(interval.low, 0.0), min(interval.high, 1.0)
        yield Calibration(*key, interval.mean, low, high)


def _differences(
    found: Mapping[tuple[str, str, str], Sequence[Trial]], architecture: str, seeds: int
) -> Iterator[ReportLine]:
    """Errors of the learner of each split and stage, with the first architecture, less those of the other methods."""
    for one, stage in dict.fromkeys((one, stage) for one, stage, _ in found):
        own = {method: trials for (a, b, method), trials in found.items() if (a, b) == (one, stage)}
        learner = next(name for name in (f"P2 {architecture}", f"P1 {architecture}") if name in own)
        for method, trials in own.items():
            if method.startswith(learner[:2]):  # itself, and its other architectures
                continue
            for field, measure in _MEASURES.items():
                gap = _by_seed(own[learner], field, seeds) - _by_seed(trials, field, seeds)
                if np.isfinite(gap).all():
                    interval = mean_interval(gap)
                    name = f"{learner[:2]} less {method}"
                    yield ReportLine(one, stage, name, measure, interval.mean, interval.low, interval.high, seeds)


def _by_seed(trials: Sequence[Trial], measure: str, seeds: int) -> FloatArray:
    """(seeds,) a measure of trials seed by seed, its mean where a seed has several."""
    values = np.array([getattr(trial, measure) for trial in trials], dtype=np.float64)
    result: FloatArray = values.reshape(seeds, -1).mean(axis=1)
    return result


def _lines(key: tuple[str, str, str], trials: Sequence[Trial], seeds: int) -> Iterator[ReportLine]:
    """A line per measure; simpler methods, judged once per architecture, count once per seed."""
    for field, measure in _MEASURES.items():
        each = _by_seed(trials, field, seeds)
        if np.isfinite(each).all():
            interval = mean_interval(each)
            yield ReportLine(*key, measure, interval.mean, interval.low, interval.high, seeds)


def noise_floor(learning: LearningSettings | None = None) -> float:
    """Mean relative error of a rate whose workload is known exactly: the job's factor and the measurement's noise.

    The mean of ``|exp(x) - 1|`` for normal x is, to first order, ``sigma * sqrt(2 / pi)``.
    """
    settings = learning or LearningSettings()
    return math.hypot(settings.job_sigma, settings.noise_sigma) * math.sqrt(2.0 / math.pi)
