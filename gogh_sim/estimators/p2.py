"""P2: what one measurement of a workload teaches about its other situations: types and partners not tried.

Asked per coordinate of the workload (speed, sensitivity, intensity on each type), the network gives the gain of the
refinement ``new = old + gain * (measured - believed)``. It starts from the gain that the joint Gaussian of P1's errors
would take (`posterior`) and corrects it by what features tell. Where nothing surprised, nothing moves. Because a pair's
log pressure is the sum of what one suffers and the other presses, partners never tried are refined, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators.catalogue import Catalogue
from gogh_sim.estimators.doubt import ROLES
from gogh_sim.estimators.features import Encoder
from gogh_sim.estimators.networks import Blocks, Ensemble, one_thread
from gogh_sim.estimators.posterior import Reading
from gogh_sim.types import FloatArray, IntArray

CORRECTION_LIMIT = 0.5
"""Bound on the size of a correction, so that a network far from its training data cannot run away."""
MEASURED_ROLES = 3
"""Of the workload in the measured situation: alone, slowed by a partner, slowing a partner."""


@dataclass(frozen=True)
class Lessons:
    """Q questions to P2: one measurement, and one coordinate of a workload that it involves.

    Attributes
    ----------
    workload, other
        (Q,) the workload refined and the one beside it (the number of workloads for none).
    observed, target
        (Q,) GPU types measured and refined.
    measured_role, role
        (Q,) role of the workload in the measurement, and which of its coordinates is refined.
    gap
        (Q,) measured less believed log rate.
    observed_old, target_old
        (Q,) estimates before: the log rate measured, over the rate alone on the reference type; and of the coordinate,
        that is the log speed, or the mean log pressure from (or on) all workloads.
    gain, room
        (Q,) Kalman gain, and the share of the coordinate's prior variance that is left: corrections shrink with it, so
        that estimates settle however long a run is.
    touches
        (Q,) measurements that taught of the workload before.
    """

    workload: IntArray
    other: IntArray
    observed: IntArray
    target: IntArray
    measured_role: IntArray
    role: IntArray
    gap: FloatArray
    observed_old: FloatArray
    target_old: FloatArray
    gain: FloatArray
    room: FloatArray
    touches: IntArray

    @classmethod
    def join(cls, parts: Sequence[Lessons]) -> Lessons:
        """All rows of several."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    @classmethod
    def of(cls, reading: Reading, catalogue: Catalogue) -> Lessons:
        """Questions about every coordinate of the reading's workload, speeds of all types first."""
        types, workloads = len(catalogue.estimate), catalogue.alone
        measured, w = reading.measured, reading.workload
        partners = measured.partners
        slowing = w != measured.workload
        other = measured.workload if slowing else int(partners[0]) if len(partners) else workloads
        size = ROLES * types
        estimate = catalogue.estimate
        pressure = estimate[:, w, :workloads].mean(axis=1), estimate[:, :, w].mean(axis=1)
        old = np.concatenate([estimate[:, w, workloads], *pressure])
        return cls(
            workload=np.full(size, w),
            other=np.full(size, other),
            observed=np.full(size, measured.gpu_type),
            target=np.tile(np.arange(types), ROLES),
            measured_role=np.full(size, 2 if slowing else 1 if len(partners) else 0),
            role=np.repeat(np.arange(ROLES), types),
            gap=np.full(size, reading.gap),
            observed_old=np.full(size, measured.log_rate - reading.gap),
            target_old=old,
            gain=reading.gain,
            room=reading.room,
            touches=np.full(size, reading.touches),
        )


def widths(encoder: Encoder) -> tuple[int, ...]:
    """Widths of P2's blocks: the workload, the other one and the type measured, the type refined, evidence."""
    w, g = encoder.workload_width, encoder.type_width
    return (w, w + g, g, 7 + MEASURED_ROLES * ROLES)


def blocks(lessons: Lessons, features: FloatArray, kinds: FloatArray) -> Blocks:
    """Input of the network; `features` (W, F) of workloads and `kinds` (T, G) of types are the encoder's."""
    padded = np.vstack([features, np.zeros(features.shape[1])])
    evidence = np.column_stack(
        [
            lessons.gap,
            lessons.observed_old,
            lessons.target_old,
            lessons.gain,
            lessons.room,
            np.log1p(lessons.touches),
            lessons.observed == lessons.target,
            np.eye(MEASURED_ROLES * ROLES)[MEASURED_ROLES * lessons.role + lessons.measured_role],
        ]
    )
    parts = (
        features[lessons.workload],
        np.column_stack([padded[lessons.other], kinds[lessons.observed]]),
        kinds[lessons.target],
        evidence,
    )
    return tuple(torch.from_numpy(np.ascontiguousarray(p, dtype=np.float32)) for p in parts)


def corrections(output: Tensor, room: FloatArray) -> Tensor:
    """Corrections of gains, at most `CORRECTION_LIMIT` of the room, from a network's output (..., Q, 1)."""
    return torch.from_numpy(room.astype(np.float32)) * CORRECTION_LIMIT * torch.tanh(output[..., 0] / CORRECTION_LIMIT)


def correct(network: Ensemble, lessons: Lessons, features: FloatArray, kinds: FloatArray) -> FloatArray:
    """(Q,) corrections of gains."""
    with one_thread():
        output = corrections(network.answer(blocks(lessons, features, kinds))[0], lessons.room)
    found: FloatArray = output.numpy().astype(np.float64)
    return found
