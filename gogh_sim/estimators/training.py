"""Training of an estimator from a history, with errors on families that it has not seen."""

from __future__ import annotations

import numpy as np

from gogh_sim.estimators import p1, p1_training, p2_training
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.evaluation import ErrorTable, error_table
from gogh_sim.estimators.history import History, without_families
from gogh_sim.estimators.networks import one_thread
from gogh_sim.estimators.p2_training import Beliefs, robust_variance, truth_of
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.settings import TrainingSettings
from gogh_sim.types import REFERENCE_GPU, FloatArray

_NO_VARIANCE = np.zeros(2)


def train(history: History, settings: TrainingSettings, seed: int) -> tuple[Estimator, ErrorTable]:
    """Train P1 and P2 on all families but the held-out ones.

    P2 has to correct P1 on workloads that P1 does not know, so it is trained on cross-fitted answers: for each fold of
    families, a P1 trained on the other folds. The spread of these answers around the truth is also the variance that
    online learning gives to P1's estimates.

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
        beliefs = _cross_fitted(record, settings, seeds[1])
        variance = _variance(beliefs, known)
        refiner = p2_training.train(record, beliefs, variance, settings, settings.members, seeds[2])
    estimator = Estimator(
        record=record,
        p1=network,
        p2=refiner,
        p1_variance=variance,
        p2_variance=p2_training.residual_variance(refiner, record, beliefs, seeds[2]),
        architectures=(settings.p1_architecture, settings.p2_architecture),
        parameters=settings.parameters,
    )
    return estimator, error_table(estimator, history, settings.held_out)


def _cross_fitted(record: Record, settings: TrainingSettings, seed: int) -> Beliefs:
    """What a P1 that has not seen a workload's family believes of it, for every workload of the record."""
    history = record.history
    fold_of_family = _folds(history, settings.folds, seed)
    estimates: list[FloatArray] = []
    for fold in range(max(fold_of_family.values()) + 1):
        rest = [f for f in history.families if fold_of_family[f] != fold]
        part = Record(history.of_families(rest), record.encoder)
        network = p1_training.train(part, settings, 1, seed + 1 + fold)
        estimates.append(p1.estimate(network, part, history.workloads, history.gpu_types, _NO_VARIANCE).estimate)
    fold_of = np.array([fold_of_family[w.family] for w in history.workloads], dtype=np.int64)
    return Beliefs(np.stack(estimates), fold_of)


def _folds(history: History, folds: int, seed: int) -> dict[str, int]:
    """Fold of each family: shuffled, then dealt out in turn."""
    families = list(history.families)
    np.random.default_rng(seed).shuffle(families)
    usable = min(folds, len(families))
    return {family: i % usable for i, family in enumerate(families)}


def _variance(beliefs: Beliefs, history: History) -> FloatArray:
    """(2,) variance of what is believed of each workload by its own fold, alone (reference left out) and in pairs."""
    gaps: list[list[FloatArray]] = [[], []]
    truth = truth_of(history)
    types = [i for i, t in enumerate(history.gpu_types) if t.name != REFERENCE_GPU]
    for w, fold in enumerate(beliefs.fold):
        gap = beliefs.estimate[fold, :, w] - truth[:, w]
        gaps[0].append(gap[types, -1])
        gaps[1].append(gap[:, :-1].ravel())
    return np.array([robust_variance(np.concatenate(parts)) for parts in gaps])
