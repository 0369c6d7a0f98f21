"""A history made searchable: encoded workloads and types, and whom a newcomer resembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogh_sim.estimators.features import Encoder
from gogh_sim.estimators.history import History
from gogh_sim.estimators.similarity import Nearest, nearest
from gogh_sim.types import BoolArray, FloatArray, GpuType, IntArray, Workload

REACHES = np.geomspace(0.03, 3.0, 21)
"""Distances tried for `Record.reach`."""


@dataclass(frozen=True)
class Subjects:
    """One workload per row: its features, the known workload most like it, and how far apart they are."""

    features: FloatArray
    similar: IntArray
    apart: FloatArray

    def take(self, rows: IntArray) -> Subjects:
        """These rows, in this order."""
        return Subjects(self.features[rows], self.similar[rows], self.apart[rows])

    def where(self, condition: BoolArray, other: Subjects) -> Subjects:
        """Rows of this where the condition holds, of the other elsewhere."""
        return Subjects(
            np.where(condition[:, None], self.features, other.features),
            np.where(condition, self.similar, other.similar),
            np.where(condition, self.apart, other.apart),
        )


@dataclass(frozen=True)
class Record:
    """A history with the encoder fitted to it."""

    history: History
    encoder: Encoder

    @classmethod
    def of(cls, history: History) -> Record:
        """Record with an encoder of its own."""
        return cls(history, Encoder.fit(history.workloads, history.gpu_types))

    @cached_property
    def features(self) -> FloatArray:
        """(W, F) features of the known workloads."""
        return self.encoder.workloads(self.history.workloads)

    @cached_property
    def type_features(self) -> FloatArray:
        """(T, G) features of the known GPU types."""
        return self.encoder.gpu_types(self.history.gpu_types)

    def subjects(self, workloads: Sequence[Workload]) -> Subjects:
        """Known workloads resemble themselves; new ones the nearest of all known."""
        features = self.encoder.workloads(workloads)
        found = nearest(features, self.features)
        known = self.known(workloads)
        return Subjects(features, np.where(known >= 0, known, found.row), np.where(known >= 0, 0.0, found.distance))

    def known(self, workloads: Sequence[Workload]) -> IntArray:
        """Per workload: its number in the history; -1 if new, or if its public facts differ from the history's."""
        history = self.history
        numbers = [history.index.get(w.name, -1) for w in workloads]
        same = [i >= 0 and history.workloads[i] == w for i, w in zip(numbers, workloads, strict=True)]
        return np.where(same, numbers, -1).astype(np.int64)

    def types(self, gpu_types: Sequence[GpuType]) -> tuple[IntArray, BoolArray]:
        """Per type: number of the history's type of that name, else of the most similar; and whether it is known."""
        names = {t.name: i for i, t in enumerate(self.history.gpu_types)}
        closest = nearest(self.encoder.gpu_types(gpu_types), self.type_features).row
        known = np.array([t.name in names for t in gpu_types], dtype=np.bool_)
        numbers = [names.get(t.name, int(c)) for t, c in zip(gpu_types, closest, strict=True)]
        return np.array(numbers, dtype=np.int64), known

    @cached_property
    def reach(self) -> float:
        """Distance over which the likeness of similar workloads decays to 1/e.

        The one, of a grid, that predicts the history's own speeds, sensitivities and intensities, as deviations from
        their means in units of their spread, best, in squares, from the nearest other workload and from the nearest of
        another family.
        """
        history = self.history
        effects = np.concatenate([(history.log_speed - self.mean_speed).T, history.sensitivity, history.intensity])
        spread = effects.std(axis=1, keepdims=True)
        effects = effects / np.where(spread > 0, spread, 1.0)
        family = np.array([w.family for w in history.workloads])
        roles = [self.pretend_new(np.eye(len(family), dtype=np.bool_)), self.pretend_new(family[:, None] == family)]
        losses = [
            sum(float(((effects - np.exp(-r.apart / reach) * effects[:, r.similar]) ** 2).sum()) for r in roles)
            for reach in REACHES
        ]
        return float(REACHES[int(np.argmin(losses))])

    @cached_property
    def mean_speed(self) -> FloatArray:
        """(T,) mean log relative speed of the known workloads."""
        result: FloatArray = self.history.log_speed.mean(axis=0)
        return result

    def trust(self, apart: FloatArray) -> FloatArray:
        """Share of a similar workload's deviations from the mean to be expected of one that is so far apart."""
        result: FloatArray = np.exp(-apart / self.reach)
        return result

    def similar_features(self, subjects: Subjects) -> FloatArray:
        """(Q, F) features of the known workloads that these resemble."""
        return self.features[subjects.similar]

    def pretend_new(self, excluded: BoolArray) -> Subjects:
        """The known workloads as if each were new: similar to the nearest other that is not `excluded` (W, W)."""
        found: Nearest = nearest(self.features, self.features, excluded)
        return Subjects(self.features, found.row, found.distance)
