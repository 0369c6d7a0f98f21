"""What is held out of a history to judge estimates: batch sizes, workloads, families, pairs or a GPU type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gogh_sim.estimators.history import LEAST_FAMILIES, History
from gogh_sim.types import REFERENCE_GPU, BoolArray

NEW_FAMILY = "new family"
SPLITS = ("new batch size", "new workload", NEW_FAMILY, "new pair", "new GPU type")
SHARE = 0.2
"""Share of workloads or pairs held out."""


@dataclass(frozen=True)
class Split:
    """A history with a hole, and (T, W, W + 1) the situations in it, in the numbering of the full history."""

    name: str
    known: History
    judged: BoolArray


def split(name: str, history: History, rng: np.random.Generator) -> Split:
    """The split of this name (one of `SPLITS`), drawn at random.

    A new batch size has its model's others in the history, a new workload its family's other models, a new family
    nothing of its kind, a new pair both of its workloads, a new GPU type everything on the other types.
    """
    if name == "new pair":
        return _without_pairs(name, history, rng)
    if name == "new GPU type":
        return _without_type(name, history, rng)
    workloads = history.workloads
    unit = [w.name if name == "new batch size" else w.model if name == "new workload" else w.family for w in workloads]
    whole = [w.model if name == "new batch size" else w.family for w in workloads]
    held = _draw(unit, whole, rng, whole_too=name == NEW_FAMILY)
    new = np.array([u in held for u in unit])
    judged = np.zeros((len(history.gpu_types), len(workloads), len(workloads) + 1), dtype=np.bool_)
    judged[:, new] = True
    judged[:, :, :-1][:, :, new] = True
    return Split(name, history.of_workloads(np.flatnonzero(~new)), judged)


def _draw(unit: list[str], whole: list[str], rng: np.random.Generator, *, whole_too: bool) -> set[str]:
    """Units in random order up to `SHARE` of the rows; unless `whole_too`, something of each whole stays."""
    names = sorted(set(unit))
    rng.shuffle(names)
    budget = SHARE * len(unit)
    held: set[str] = set()
    for one in names:
        rows = [i for i, u in enumerate(unit) if u == one]
        rest = {u for u, w in zip(unit, whole, strict=True) if w == whole[rows[0]]} - held - {one}
        spare = len(set(names) - held) > LEAST_FAMILIES if whole_too else bool(rest)
        if len(rows) <= budget and spare:
            held.add(one)
            budget -= len(rows)
    return held


def _without_pairs(name: str, history: History, rng: np.random.Generator) -> Split:
    count = len(history.workloads)
    hole = np.triu(rng.random((count, count)) < SHARE)
    hole = np.broadcast_to(hole | hole.T, history.norm.shape)
    judged = np.concatenate([hole, np.zeros((*hole.shape[:2], 1), dtype=np.bool_)], axis=2)
    return Split(name, replace(history, norm=np.where(hole, np.nan, history.norm)), judged)


def _without_type(name: str, history: History, rng: np.random.Generator) -> Split:
    others = [i for i, t in enumerate(history.gpu_types) if t.name != REFERENCE_GPU]
    left_out = int(rng.choice(others))
    keep = [i for i in range(len(history.gpu_types)) if i != left_out]
    judged = np.zeros((len(history.gpu_types), len(history.workloads), len(history.workloads) + 1), dtype=np.bool_)
    judged[left_out] = True
    return Split(name, of_types(history, keep), judged)


def of_types(history: History, keep: Iterable[int]) -> History:
    """The part of a history on these types."""
    rows = list(keep)
    return History(
        workloads=history.workloads,
        gpu_types=tuple(history.gpu_types[i] for i in rows),
        speed=history.speed[:, rows],
        norm=history.norm[rows],
        power_w=history.power_w[:, rows],
        pair_power_w=history.pair_power_w[rows],
    )
