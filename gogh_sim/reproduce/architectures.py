"""P1 and P2 in three architectures of matched size, on families that none has seen.

The summary of the paper reports a recurrent P1 with a feed-forward P2 as the best pair. Here every architecture plays
both roles, under the same seeds, splits and measurements, and those two are judged against the best of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim import profiles
from gogh_sim.estimators import TrainingSettings
from gogh_sim.estimators.networks import ARCHITECTURES
from gogh_sim.estimators.splits import NEW_FAMILY, split
from gogh_sim.estimators.trials import FIRST, OTHER_TYPE, SAME_TYPE, Trial, run
from gogh_sim.metrics.statistics import mean_interval, paired_difference
from gogh_sim.plots.standing import standing
from gogh_sim.pretraining import history_from_profile
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record

P1, P2 = "p1_architectures", "p2_architectures"
REPORTED = {P1: "gru", P2: "feed_forward"}
STAGES = {P1: (FIRST,), P2: (SAME_TYPE, OTHER_TYPE)}
_PAPER = "Raeisi et al., arXiv:2510.15652, as summarised: RNN for P1, feed-forward for P2"
_SMALL = TrainingSettings(members=1, folds=3, p1_steps=80, p2_steps=30)
_FULL = TrainingSettings(members=1, folds=3)


def p1_small(data: Path) -> Iterator[Record | Drawing]:
    """P1: two seeds, short trainings; reads no published data."""
    return compare(P1, range(2), _SMALL)


def p1_full(data: Path) -> Iterator[Record | Drawing]:
    """P1: five seeds."""
    return compare(P1, range(5), _FULL)


def p2_small(data: Path) -> Iterator[Record | Drawing]:
    """P2: two seeds, short trainings; reads no published data."""
    return compare(P2, range(2), _SMALL)


def p2_full(data: Path) -> Iterator[Record | Drawing]:
    """P2: five seeds."""
    return compare(P2, range(5), _FULL)


def compare(name: str, seeds: Sequence[int], settings: TrainingSettings) -> Iterator[Record | Drawing]:
    """Errors of every architecture, and the reported one against the best of the others; P1 is the same under P2."""
    history = history_from_profile(profiles.load("calibrated"))
    label, stages = name[:2].upper(), STAGES[name]
    found: dict[tuple[str, str], list[float]] = {}
    for seed in seeds:
        for architecture in sorted(ARCHITECTURES):
            role = {f"{name[:2]}_architecture": architecture}
            part = split(NEW_FAMILY, history, np.random.default_rng(seed))
            for one in run(part, history, replace(settings, **role), seed):  # type: ignore[arg-type]
                if isinstance(one, Trial) and one.method.startswith(label) and one.stage in stages:
                    found.setdefault((one.stage, architecture), []).append(one.norm_mae)
    for stage in stages:
        for architecture in sorted(ARCHITECTURES):
            mae = mean_interval(found[stage, architecture])
            item = f"{label} {architecture}, {stage}: MAE of normalised throughput"
            between = (mae.low, mae.high)
            yield Record.told(name, item, expected=float("nan"), found=mae.mean, interval=between, source="")
        yield _judged(name, stage, found)
    yield Drawing(
        "errors",
        f"Errors of {label} on families that it has not seen, by architecture, means with 95 % intervals over seeds; "
        f"reported is {REPORTED[name]} as the best, which would put it furthest to the left",
        _errors(found, stages),
        standing,
    )


def _errors(found: dict[tuple[str, str], list[float]], stages: Sequence[str]) -> pd.DataFrame:
    """A row per architecture and stage, for the figure."""
    rows = []
    for stage, architecture in product(stages, sorted(ARCHITECTURES)):
        mae = mean_interval(found[stage, architecture])
        rows.append((architecture, f"MAE of norms,\n{stage}", mae.mean, mae.low, mae.high))
    return pd.DataFrame(rows, columns=["policy", "measure", "found", "low", "high"])


def _judged(name: str, stage: str, found: dict[tuple[str, str], list[float]]) -> Record:
    reported = REPORTED[name]
    others = sorted(set(ARCHITECTURES) - {reported})
    best = min(others, key=lambda other: float(np.mean(found[stage, other])))
    less = paired_difference(found[stage, best], found[stage, reported])
    return Record.at_least(
        name,
        f"{name[:2].upper()} {stage}: MAE of {best}, best of the others, above that of {reported}",
        bound=0.0,
        found=less.mean,
        interval=(less.low, less.high),
        source=_PAPER,
    )
