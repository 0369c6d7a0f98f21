"""Online fine-tuning: P2 is shown its lessons again once a later measurement has told what they should have said."""

from __future__ import annotations

import copy
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from gogh_sim.errors import InputError
from gogh_sim.estimators import p2
from gogh_sim.estimators.learning import JobFactor, Refining
from gogh_sim.estimators.networks import Ensemble, one_thread
from gogh_sim.estimators.posterior import Measured, Reading
from gogh_sim.types import FloatArray


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
    batch_size: int = 32
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        for name in ("capacity", "every", "steps", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"tuning.{name} must be positive, found {getattr(self, name)}")


class Replayed(NamedTuple):
    """A lesson (a row per coordinate), how a later log rate hung on the coordinates, and how far off that was without
    the lesson's correction."""

    lesson: p2.Lessons
    slope: FloatArray
    missing: float


class Tuned:
    """Learning with a P2 that goes on learning.

    The last lesson of every workload is kept until the next measurement that involves it. What that measurement finds
    missing, had P2 corrected nothing, is what the correction should have brought, as far as this situation shows it.

    Parameters
    ----------
    refining
        Learning by a trained P2, of which a copy is tuned.
    settings
        See `TuningSettings`.
    rng
        Draws lessons from the buffer.
    """

    def __init__(self, refining: Refining, settings: TuningSettings, rng: np.random.Generator) -> None:
        if refining.network is None:
            raise InputError("fine-tuning needs a P2 network to tune")
        self.network: Ensemble = copy.deepcopy(refining.network)
        self.catalogue = refining.catalogue
        self._refining = refining
        self._settings = settings
        self._rng = rng
        self._last: OrderedDict[int, tuple[p2.Lessons, FloatArray]] = OrderedDict()
        self._replay: deque[Replayed] = deque(maxlen=settings.capacity)
        self._fresh = 0

    def factor(self, workload: int, job_id: str, variance: float) -> JobFactor:
        """What is known of the job's own factor."""
        return self._refining.factor(workload, job_id, variance)

    def observe(self, measured: Measured, job_id: str, variance: float, noise: float) -> None:
        """Take in a measurement; remember what it tells of earlier lessons, and now and then fine-tune."""
        self._refining.posterior.observe(measured, job_id, variance, noise, self._correct)
        if self._fresh >= self._settings.every:
            self._fresh = 0
            self._tune()

    def refresh_variance(self) -> None:
        """Bring the catalogue's variances up to date."""
        self._refining.refresh_variance()

    def speed_covariance(self) -> FloatArray:
        """(W, T, T) covariance over types of the log speeds alone of each workload."""
        return self._refining.speed_covariance()

    def _correct(self, reading: Reading) -> FloatArray:
        earlier = self._last.get(reading.workload)
        if earlier is not None:
            lesson, moved = earlier
            missing = reading.gap + float(reading.slope @ moved)
            self._replay.append(Replayed(lesson, reading.slope, missing))
            self._fresh += 1
        lesson = p2.Lessons.of(reading, self.catalogue)
        correction = p2.correct(self.network, lesson, self._refining.features, self._refining.kinds)
        self._last[reading.workload] = (lesson, correction * reading.gap)
        return correction

    def _tune(self) -> None:
        """A few steps of gradient descent on lessons drawn from the replay buffer."""
        optimiser = torch.optim.SGD(self.network.parameters(), lr=self._settings.learning_rate)
        with one_thread():
            for _ in range(self._settings.steps):
                drawn = self._rng.integers(len(self._replay), size=self._settings.batch_size)
                optimiser.zero_grad()
                value = self._loss([self._replay[i] for i in drawn])
                value.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
                optimiser.step()

    def _loss(self, rows: list[Replayed]) -> Tensor:
        """Robust error, over the networks of the ensemble, of what corrections bring at the later measurements."""
        lessons = p2.Lessons.join([row.lesson for row in rows])
        output = self.network(p2.blocks(lessons, self._refining.features, self._refining.kinds))
        effect = np.concatenate([row.slope for row in rows]) * lessons.gap
        brought = p2.corrections(output, lessons.room) * torch.from_numpy(effect.astype(np.float32))
        found = brought.reshape(len(brought), len(rows), -1).sum(dim=2)
        missing = torch.tensor([row.missing for row in rows], dtype=torch.float32)
        return smooth_l1_loss(found, missing.expand_as(found), beta=0.05)
