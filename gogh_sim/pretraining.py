"""From a profile to shipped weights: what an operator would have measured of past workloads, and training on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.estimators import ErrorTable, History, TrainingSettings, save, train
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
