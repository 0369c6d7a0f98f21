"""Training of P1: known workloads in the role of new ones, with their own family out of sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators import p1
from gogh_sim.estimators.coordinates import pressure_of
from gogh_sim.estimators.networks import Ensemble, build
from gogh_sim.estimators.optimisation import descend, jittered, pressure_loss, speed_loss
from gogh_sim.estimators.record import Record, Subjects
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.types import BoolArray, FloatArray, IntArray

STRICT_SHARE = 0.7
"""Share of questions in which the whole family of the new job is out of sight; else only the workload itself."""
NEW_PARTNER_SHARE = 0.3
"""Share of questions in which the partner is new, too."""

CORRECTION_PRICE = 0.1
"""Price, per squared log pressure, of leaving the cautious copy of a job's sensitivity and intensity."""
BEYOND_PRICE = 0.5
"""Price, per squared log pressure, of letting a pair differ from the sum of its two workloads."""


@dataclass(frozen=True)
class _Roles:
    """The workloads of a record as known ones, as new ones, and as new ones of new families."""

    known: Subjects
    new: Subjects
    strange: Subjects
    same_family: BoolArray

    @classmethod
    def of(cls, record: Record) -> _Roles:
        count = len(record.history.workloads)
        family = np.array([w.family for w in record.history.workloads])
        same = family[:, None] == family[None, :]
        return cls(
            known=Subjects(record.features, np.arange(count), np.zeros(count)),
            new=record.pretend_new(np.eye(count, dtype=np.bool_)),
            strange=record.pretend_new(same),
            same_family=same,
        )

    def cast(self, a: IntArray, b: IntArray, rng: np.random.Generator) -> tuple[Subjects, Subjects]:
        """Job and partner of each question, with what is out of sight drawn by chance."""
        strict = rng.random(len(a)) < STRICT_SHARE
        job = self.strange.take(a).where(strict, self.new.take(a))
        hidden = (strict & self.same_family[a, b]) | (a == b)
        partner_new = hidden | (rng.random(len(a)) < NEW_PARTNER_SHARE)
        stranger = self.strange.take(b).where(strict, self.new.take(b))
        return job, stranger.where(partner_new, self.known.take(b))


def train(record: Record, settings: TrainingSettings, members: int, seed: int) -> Ensemble:
    """An ensemble trained on this record alone; the same seed gives the same weights."""
    seeds = np.random.SeedSequence(seed).spawn(members)
    return Ensemble([_train_one(record, settings, s) for s in seeds])


def _train_one(record: Record, settings: TrainingSettings, seed: np.random.SeedSequence) -> torch.nn.Module:
    rng = np.random.default_rng(seed)
    network = build(
        settings.p1_architecture, p1.widths(record), p1.OUTPUTS, settings.parameters, int(seed.generate_state(1)[0])
    )
    roles = _Roles.of(record)
    truth_speed = np.log(record.history.speed)
    truth_pressure = pressure_of(record.history.norm)
    singles = np.argwhere(np.isfinite(truth_speed))
    pairs = np.argwhere(np.isfinite(truth_pressure))

    def loss() -> Tensor:
        t, a = singles[rng.integers(len(singles), size=settings.batch_size // 2)].T[::-1]
        job, _ = roles.cast(a, a, rng)
        copied = record.history.log_speed[job.similar, t] + p1.caution(record, job, t)[:, p1.SPEED]
        found = ask(job, None, t)[:, p1.SPEED] + _tensor(copied)
        total = speed_loss(found, _tensor(truth_speed[a, t]))
        return total + pair_loss() if len(pairs) else total

    def pair_loss() -> Tensor:
        t, a, b = pairs[rng.integers(len(pairs), size=settings.batch_size)].T
        job, partner = roles.cast(a, b, rng)
        own, other, both = ask(job, None, t), ask(partner, None, t), p1.beyond(ask(job, partner, t))
        mine = own[:, : p1.OWN_BEYOND] + _tensor(p1.caution(record, job, t))
        theirs = other[:, : p1.OWN_BEYOND] + _tensor(p1.caution(record, partner, t))
        new = _tensor((partner.apart > 0).astype(np.float64))
        copied = record.history.log_pressure
        found_own = _tensor(copied[t, job.similar, partner.similar]) + both[:, p1.OWN_BEYOND]
        found_own = found_own + mine[:, p1.SENSITIVITY] + new * theirs[:, p1.INTENSITY]
        found_other = _tensor(copied[t, partner.similar, job.similar]) + both[:, p1.PARTNER_BEYOND]
        found_other = found_other + mine[:, p1.INTENSITY] + new * theirs[:, p1.SENSITIVITY]
        return (
            pressure_loss(found_own, _tensor(truth_pressure[t, a, b]))
            + pressure_loss(found_other, _tensor(truth_pressure[t, b, a]))
            + BEYOND_PRICE * both[:, p1.OWN_BEYOND :].square().mean()
            + CORRECTION_PRICE * own[:, p1.SENSITIVITY : p1.OWN_BEYOND].square().mean()
        )

    def ask(job: Subjects, partner: Subjects | None, t: IntArray) -> Tensor:
        blocks = p1.blocks(p1.Questions(job, partner, record.type_features[t], t), record)
        answer: Tensor = network(jittered(blocks, settings.jitter, rng))
        return answer

    descend(network.parameters(), loss, settings.p1_steps, settings.learning_rate, settings.weight_decay)
    return network


def _tensor(values: FloatArray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
