"""Online fine-tuning: P2 is shown its own lessons again once their targets have been measured."""

from __future__ import annotations

import copy
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gogh_sim.errors import InputError
from gogh_sim.estimators import p2
from gogh_sim.estimators.catalogue import Catalogue
from gogh_sim.estimators.learning import Change, P2Refinement
from gogh_sim.estimators.networks import Ensemble, one_thread
from gogh_sim.estimators.optimisation import pressure_loss, speed_loss

LESSONS_KEPT = 128
"""Lessons that can still be checked against a later measurement."""


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """Size of the replay buffer and of the steps taken from it.

    Attributes
    ----------
    capacity
        Lessons remembered; the oldest go first.
    every
        New lessons between two rounds of fine-tuning.
    steps, batch_size, learning_rate
        Steps of plain gradient descent per round, lessons per step, and its rate.
    """

    capacity: int = 512
    every: int = 32
    steps: int = 8
    batch_size: int = 64
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        for name in ("capacity", "every", "steps", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"tuning.{name} must be positive, found {getattr(self, name)}")


class TunedRefinement:
    """A refinement by P2 whose networks keep learning from lessons whose targets were measured later.

    For every situation the last lesson that moved it is kept, as long as it is among the latest `LESSONS_KEPT`. The
    situation's first own measurement tells what the lesson should have said, and goes into the replay buffer. The
    networks are trained in place; `tuned` hands in a copy.
    """

    def __init__(self, inner: P2Refinement, settings: TuningSettings, rng: np.random.Generator) -> None:
        self._inner = inner
        self._settings = settings
        self._rng = rng
        self._lessons: OrderedDict[int, p2.Lessons] = OrderedDict()
        shape = (len(inner.kinds), len(inner.features), len(inner.features) + 1)
        self._last = np.full(shape, -1, dtype=np.int64)
        self._row = np.zeros(shape, dtype=np.int64)
        self._told = 0
        self._replay: deque[tuple[p2.Lessons, float]] = deque(maxlen=settings.capacity)
        self._fresh = 0

    @classmethod
    def tuned(cls, inner: P2Refinement, settings: TuningSettings, rng: np.random.Generator) -> TunedRefinement:
        """Fine-tuning of a copy of the refinement's networks."""
        return cls(replace(inner, network=copy.deepcopy(inner.network)), settings, rng)

    @property
    def network(self) -> Ensemble:
        """The networks as tuned so far."""
        return self._inner.network

    def spread(self, catalogue: Catalogue, changes: Sequence[Change]) -> list[p2.Lessons]:
        """Remember what a measured situation tells of an earlier lesson, refine, and now and then fine-tune."""
        for change in changes:
            lessons = self._lessons.get(int(self._last[change.situation]))
            if lessons is not None and catalogue.count[change.situation] == 1:
                row = np.array([self._row[change.situation]])
                self._replay.append((lessons.take(row), float(catalogue.estimate[change.situation])))
                self._fresh += 1
        told = self._inner.spread(catalogue, changes)
        for lessons in told:
            self._keep(lessons)
        if self._fresh >= self._settings.every:
            self._fresh = 0
            self._tune(catalogue.alone)
        return told

    def _keep(self, lessons: p2.Lessons) -> None:
        at = tuple(lessons.target.T)
        self._last[at] = self._told
        self._row[at] = np.arange(len(lessons.target))
        self._lessons[self._told] = lessons
        self._told += 1
        if len(self._lessons) > LESSONS_KEPT:
            self._lessons.popitem(last=False)

    def _tune(self, alone: int) -> None:
        """A few steps of gradient descent on lessons drawn from the replay buffer."""
        networks = self._inner.network
        optimiser = torch.optim.SGD(networks.parameters(), lr=self._settings.learning_rate)
        with one_thread():
            for _ in range(self._settings.steps):
                drawn = self._rng.integers(len(self._replay), size=self._settings.batch_size)
                rows = [self._replay[i] for i in drawn]
                lessons = p2.Lessons.join([row for row, _ in rows])
                truth = torch.tensor([label for _, label in rows], dtype=torch.float32)
                optimiser.zero_grad()
                value = self._loss(lessons, truth, torch.from_numpy(lessons.target[:, 2] == alone))
                value.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(networks.parameters(), 1.0)
                optimiser.step()

    def _loss(self, lessons: p2.Lessons, truth: Tensor, alone: Tensor) -> Tensor:
        """Error of each network of the ensemble on lessons with known answers."""
        gains = p2.gains(self._inner.network(p2.blocks(lessons, self._inner.features, self._inner.kinds)))
        old, surprise = (torch.from_numpy(v.astype(np.float32)) for v in (lessons.target_old, lessons.surprise))
        found, wanted = old + gains * surprise, truth.expand(len(gains), -1)
        total = torch.zeros(())
        if alone.any():
            total = total + speed_loss(found[:, alone], wanted[:, alone])
        if not alone.all():
            total = total + pressure_loss(found[:, ~alone], wanted[:, ~alone])
        return total
