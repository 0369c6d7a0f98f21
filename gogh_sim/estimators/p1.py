"""P1: throughput of a new job, and of its partner, from features and the record of the most similar known job.

The answer is what the record says of the similar jobs, corrected by the network. Alone, the network corrects the log
relative speed, the sensitivity and the intensity of the job; beside a partner, it adds what the two do to each other
beyond that. Log pressure on a job is then ``copy + sensitivity of the job + intensity of the partner + beyond``, in the
shape of the interference law ``norm = 1 / (1 + s * i)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators.catalogue import Catalogue, Source
from gogh_sim.estimators.networks import Blocks, Ensemble, one_thread
from gogh_sim.estimators.record import Record, Subjects
from gogh_sim.types import REFERENCE_GPU, BoolArray, FloatArray, GpuType, IntArray, Workload

OUTPUTS = 5
SPEED, SENSITIVITY, INTENSITY, OWN_BEYOND, PARTNER_BEYOND = range(OUTPUTS)
"""Outputs: the first three are read where the job is alone, the last two beside a partner."""
BEYOND_LIMIT = 0.5
"""Bound on what a pair may differ, in log pressure, from what its two workloads do elsewhere."""
HISTORY_VARIANCE = 0.02**2
"""Variance of an estimate that the history measured: a run-to-run spread of 2 %."""


@dataclass(frozen=True)
class Questions:
    """Q questions to P1: a job alone (`partner` is None) or beside a partner on a GPU type.

    `kind` are features of the type, `stand_in` the number of the history's type whose record is read.
    """

    job: Subjects
    partner: Subjects | None
    kind: FloatArray
    stand_in: IntArray


def widths(record: Record) -> tuple[int, ...]:
    """Widths of P1's blocks: similar job and its record, partner and its record, GPU type, the job."""
    w = record.encoder.workload_width
    return (w + 4 + len(record.history.gpu_types), w + 4, record.encoder.type_width, w)


def blocks(questions: Questions, record: Record) -> Blocks:
    """Input of the network; the partner's block is zero without one."""
    job, partner, t = questions.job, questions.partner, questions.stand_in
    history = record.history
    trust = record.trust(job.apart)[:, None]
    known = np.isfinite(history.speed[job.similar, t])[:, None]
    told = [history.log_speed[job.similar] - record.mean_speed, known, _law(record, job, t)]
    similar = np.hstack([trust * np.hstack([*told, job.features - record.similar_features(job)]), trust])
    beside = np.zeros((len(t), widths(record)[1]))
    if partner is not None:
        beside = np.column_stack([partner.features, _law(record, partner, t), partner.apart, np.ones(len(t))])
    parts = (similar, beside, questions.kind, job.features)
    return tuple(torch.from_numpy(np.ascontiguousarray(p, dtype=np.float32)) for p in parts)


def caution(record: Record, job: Subjects, stand_in: IntArray) -> FloatArray:
    """(Q, 3) steps back from the copy of speed, sensitivity and intensity, where the network starts to correct.

    What a similar workload differs by from the mean counts for less the farther it is; 0 for a workload that is known
    itself.
    """
    speed = record.history.log_speed[job.similar, stand_in] - record.mean_speed[stand_in]
    effects = np.column_stack([speed, _law(record, job, stand_in)])
    return -(1.0 - record.trust(job.apart))[:, None] * effects


def shortfall(record: Record, full: Record, workloads: Sequence[Workload]) -> FloatArray:
    """(T, W, 3) what is missing to the truth of the full record when the cautious copy from a part of it answers."""
    kinds = full.history.gpu_types
    numbers = full.known(workloads)
    copied = copied_table(record, workloads, kinds)[:, :, -1]
    similar = record.subjects(workloads).similar
    true_law = np.stack([full.history.sensitivity[:, numbers], full.history.intensity[:, numbers]], axis=2)
    copied_law = np.stack([record.history.sensitivity[:, similar], record.history.intensity[:, similar]], axis=2)
    speed = np.log(full.history.speed[numbers]).T - copied
    return np.concatenate([speed[:, :, None], true_law - copied_law], axis=2) - _caution_table(record, workloads, kinds)


def beyond(outputs: Tensor) -> Tensor:
    """What the pair differs from the sum of its two, from outputs beside a partner; within `BEYOND_LIMIT`."""
    return BEYOND_LIMIT * torch.tanh(outputs / BEYOND_LIMIT)


def estimate(
    network: Ensemble,
    record: Record,
    workloads: Sequence[Workload],
    gpu_types: Sequence[GpuType],
    variance: FloatArray,
) -> Catalogue:
    """Catalogue of all situations of these workloads before anything is observed, in two batched passes.

    What the history holds is taken over as measured; P1 answers the rest, but for pairs that the history lacks of
    workloads that it holds: those are completed from what the two do elsewhere, and doubted as such completions are.
    Where both of a pair are new P1 is asked from both sides and the two answers are averaged. Alone on the reference
    type the relative speed is 1 by definition.

    Parameters
    ----------
    variance
        (2,) variance of P1's error alone and beside a partner, in the catalogue's coordinates.
    """
    _, known_type = record.types(gpu_types)
    new = (record.known(workloads) < 0)[None, :] | ~known_type[:, None]
    types, count = new.shape
    believed = copied_table(record, workloads, gpu_types)
    single = corrections(network, record, workloads, gpu_types, new) + _caution_table(record, workloads, gpu_types)
    pairs = single[:, :, None, SENSITIVITY] + single[:, None, :, INTENSITY]
    believed[:, :, :count] += pairs + _beyond(network, record, workloads, gpu_types, new)
    believed[:, :, count] += single[:, :, SPEED]
    reference = [i for i, kind in enumerate(gpu_types) if kind.name == REFERENCE_GPU]
    believed[reference, :, count] = 0.0
    fresh = np.concatenate([new[:, :, None] | new[:, None, :], new[:, :, None]], axis=2)
    spread = np.where(np.arange(count + 1) == count, variance[0], variance[1])
    spread = np.where(fresh, spread, HISTORY_VARIANCE)
    spread[:, :, :count] += completion_variance(record, workloads, gpu_types)
    spread[reference, :, count] = 0.0
    told = ~fresh
    told[:, :, :count] &= ~lacking(record, workloads, gpu_types)
    return Catalogue(
        estimate=believed,
        variance=spread,
        source=np.where(told, Source.MEASURED, Source.P1).astype(np.int64),
        count=told.astype(np.int64),
        touches=np.zeros((types, count, count + 1), dtype=np.int64),
    )


def lacking(record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> BoolArray:
    """(T, W, W) pairs of workloads that the history holds on the type, but not together."""
    number, (stand_in, known_type) = record.known(workloads), record.types(gpu_types)
    held = (number >= 0) & known_type[:, None]
    together = np.isfinite(record.history.norm[np.ix_(stand_in, number, number)])
    result: BoolArray = held[:, :, None] & held[:, None, :] & ~together
    return result


def completion_variance(record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> FloatArray:
    """(T, W, W) variance of the log pressures that were completed, where they are `lacking`; 0 elsewhere."""
    stand_in, _ = record.types(gpu_types)
    by_type = record.history.completion_variance[stand_in]
    return np.where(lacking(record, workloads, gpu_types), by_type[:, None, None], 0.0)


def copied_table(record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> FloatArray:
    """(T, W, W + 1) estimates that copy the most similar known workloads: the baseline that P1 has to beat."""
    similar, (stand_in, _) = record.subjects(workloads).similar, record.types(gpu_types)
    pairs = record.history.log_pressure[np.ix_(stand_in, similar, similar)]
    return np.concatenate([pairs, record.history.log_speed[similar][:, stand_in].T[:, :, None]], axis=2)


def corrections(
    network: Ensemble, record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType], new: BoolArray
) -> FloatArray:
    """(T, W, 3) what the network corrects in speed, sensitivity and intensity of the workloads marked (T, W) as new."""
    t, a = np.nonzero(new)
    questions = _questions(record, workloads, gpu_types, t, a, None)
    answers, _ = network.answer(blocks(questions, record))
    result = np.zeros((*new.shape, OWN_BEYOND))
    result[t, a] = answers[:, :OWN_BEYOND].numpy()
    return result


def _caution_table(record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> FloatArray:
    """(T, W, 3) `caution` for all workloads and types."""
    t, a = (index.ravel() for index in np.indices((len(gpu_types), len(workloads))))
    questions = _questions(record, workloads, gpu_types, t, a, None)
    flat = caution(record, questions.job, questions.stand_in)
    return flat.reshape(len(gpu_types), len(workloads), OWN_BEYOND)


def _beyond(
    network: Ensemble, record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType], new: BoolArray
) -> FloatArray:
    """(T, W, W) what pairs differ from the sum of their two, mean of the answers from both sides."""
    types, count = new.shape
    t, a, b = np.nonzero(np.broadcast_to(new[:, :, None], (types, count, count)))
    questions = _questions(record, workloads, gpu_types, t, a, b)
    with one_thread():
        answers = beyond(network.answer(blocks(questions, record))[0]).numpy().astype(np.float64)
    total, asked = np.zeros((types, count, count)), np.zeros((types, count, count))
    total[t, a, b] += answers[:, OWN_BEYOND]
    asked[t, a, b] += 1
    total[t, b, a] += answers[:, PARTNER_BEYOND]
    asked[t, b, a] += 1
    result: FloatArray = total / np.maximum(asked, 1)
    return result


def _questions(
    record: Record,
    workloads: Sequence[Workload],
    gpu_types: Sequence[GpuType],
    t: IntArray,
    a: IntArray,
    b: IntArray | None,
) -> Questions:
    subjects, (stand_in, _) = record.subjects(workloads), record.types(gpu_types)
    kinds = record.encoder.gpu_types(gpu_types)
    return Questions(subjects.take(a), None if b is None else subjects.take(b), kinds[t], stand_in[t])


def _law(record: Record, subjects: Subjects, stand_in: IntArray) -> FloatArray:
    """(Q, 2) sensitivity and intensity of the similar known workloads on the type."""
    at = (stand_in, subjects.similar)
    return np.column_stack([record.history.sensitivity[at], record.history.intensity[at]])
