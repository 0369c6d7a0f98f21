"""Training of an estimator from a history, with errors on families that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gogh_sim.estimators import p1, p1_training, p2_training
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.evaluation import ErrorTable, error_table
from gogh_sim.estimators.history import History, without_families
from gogh_sim.estimators.networks import Ensemble, one_thread, scale_outputs
from gogh_sim.estimators.p2_training import Beliefs, Errors
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.types import FloatArray, IntArray


def train(history: History, settings: TrainingSettings, seed: int) -> tuple[Estimator, ErrorTable]:
    """Train P1 and P2 on all families but the held-out ones.

    P1 is cross-fitted, too: for each fold of families, a P1 trained on the other folds. That tells how much of its
    corrections holds up on families it has not seen, and the rest is taken back (stacking). P2 has to correct P1 on
    workloads that P1 does not know, so it is trained on the cross-fitted answers. The covariance of their errors is the
    prior of online learning.

    Returns
    -------
    The estimator, which holds the known part of the history alone, and its errors on the held-out families (an empty
    table without any).
    """
    known = without_families(history, settings.held_out)
    record = Record.of(known)
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(3)]
    with one_thread():
        network = p1_training.train(record, settings, settings.members, seeds[0])
        folds = _folds(record, settings, seeds[1])
        share = _trusted_share(folds, record)
        for trained in (network, *(fold.network for fold in folds)):
            _trust(trained, share)
        beliefs = _beliefs(folds, known)
        doubt = Errors.of(beliefs, known).doubt([w.family for w in known.workloads])
        refiner = p2_training.train(record, beliefs, doubt, settings, settings.members, seeds[2])
        estimator = Estimator(
            record=record,
            p1=network,
            p2=refiner,
            doubt=doubt,
            architectures=(settings.p1_architecture, settings.p2_architecture),
            parameters=settings.parameters,
        )
        return estimator, error_table(estimator, history, settings.held_out)


@dataclass(frozen=True)
class _Fold:
    """A P1 that has not seen some families: its workloads' numbers, its record, and the network."""

    unseen: IntArray
    record: Record
    network: Ensemble


def _folds(record: Record, settings: TrainingSettings, seed: int) -> list[_Fold]:
    """P1 networks that have each missed a fold of the families; every family is missed once."""
    history = record.history
    fold_of = _deal(history, settings.folds, seed)
    folds = []
    for fold in range(max(fold_of.values()) + 1):
        part = Record(history.of_families([f for f in history.families if fold_of[f] != fold]), record.encoder)
        unseen = np.flatnonzero([fold_of[w.family] == fold for w in history.workloads])
        folds.append(_Fold(unseen, part, p1_training.train(part, settings, 1, seed + 1 + fold)))
    return folds


def _trusted_share(folds: Sequence[_Fold], record: Record) -> FloatArray:
    """(3,) share of the corrections of speed, sensitivity and intensity that holds up on unseen families.

    Least squares through the origin of what was missing against what the networks added, within [0, 1].
    """
    history = record.history
    types = np.arange(len(history.gpu_types))
    found, missing = [], []
    for fold in folds:
        workloads = [history.workloads[w] for w in fold.unseen]
        new = np.ones((len(types), len(workloads)), dtype=np.bool_)
        found.append(p1.corrections(fold.network, fold.record, workloads, history.gpu_types, new))
        missing.append(p1.shortfall(fold.record, record, workloads))
    x, y = np.concatenate(found, axis=1), np.concatenate(missing, axis=1)
    product = np.where(np.isfinite(y), x * y, 0.0).sum(axis=(0, 1))
    square = np.where(np.isfinite(y), x * x, 0.0).sum(axis=(0, 1))
    result: FloatArray = np.clip(product / np.maximum(square, 1e-12), 0.0, 1.0)
    return result


def _trust(network: Ensemble, share: FloatArray) -> None:
    factors = torch.ones(p1.OUTPUTS)
    factors[: len(share)] = torch.from_numpy(share).float()
    for member in network.members:
        scale_outputs(member, factors)


def _beliefs(folds: Sequence[_Fold], history: History) -> Beliefs:
    """What a P1 that has not seen a workload's family believes of it, for every workload of the record."""
    fold_of = np.zeros(len(history.workloads), dtype=np.int64)
    estimates: list[FloatArray] = []
    for number, fold in enumerate(folds):
        fold_of[fold.unseen] = number
        catalogue = p1.estimate(fold.network, fold.record, history.workloads, history.gpu_types, np.zeros(2))
        estimates.append(catalogue.estimate)
    return Beliefs(np.stack(estimates), fold_of)


def _deal(history: History, folds: int, seed: int) -> dict[str, int]:
    """Fold of each family: shuffled, then dealt out in turn."""
    families = list(history.families)
    np.random.default_rng(seed).shuffle(families)
    usable = min(folds, len(families))
    return {family: i % usable for i, family in enumerate(families)}
