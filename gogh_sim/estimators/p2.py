"""P2: what one observation of a workload teaches about its other situations: types and partners not tried.

The network gives a gain; a refined estimate is ``old + gain * surprise``, with the surprise ``measured - old`` of the
observed situation. Where nothing surprised, nothing moves, so refinements do not drift however often they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from gogh_sim.estimators.features import Encoder
from gogh_sim.estimators.networks import Blocks, Ensemble, one_thread
from gogh_sim.types import FloatArray, IntArray

MAX_GAIN = 1.5
"""Bound on the size of a gain, so that a network far from its training data cannot run away."""
TOUCHES_TRAINED = 10
"""Observations per workload in training. Beyond, gains fall as one over the number of refinements, so that estimates
settle however long a run is."""
ROLES = 3
"""Of the shared workload in a situation: alone, slowed by a partner, slowing a partner."""
_TYPE, _JOB, _PARTNER = range(3)


@dataclass(frozen=True)
class Lessons:
    """Q questions to P2: an observed and a target situation that share one workload.

    Attributes
    ----------
    shared
        (Q,) number of the shared workload.
    observed, target
        (Q, 3) situations: type, workload, partner (the number of workloads for none).
    surprise
        (Q,) measurement less old estimate at the observed situation.
    observed_old, target_old
        (Q,) estimates before the observation.
    touches
        (Q,) refinements that the target has seen before.
    """

    shared: IntArray
    observed: IntArray
    target: IntArray
    surprise: FloatArray
    observed_old: FloatArray
    target_old: FloatArray
    touches: IntArray

    def take(self, rows: IntArray) -> Lessons:
        """These rows, in this order."""
        return Lessons(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Lessons]) -> Lessons:
        """All rows of several."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def widths(encoder: Encoder) -> tuple[int, ...]:
    """Widths of P2's blocks: shared workload, other one and type observed, those of the target, evidence."""
    w, g = encoder.workload_width, encoder.type_width
    return (w, w + g, w + g, 6 + ROLES**2)


def blocks(lessons: Lessons, features: FloatArray, kinds: FloatArray) -> Blocks:
    """Input of the network; `features` (W, F) of workloads and `kinds` (T, G) of types are the encoder's."""
    padded = np.vstack([features, np.zeros(features.shape[1])])
    evidence = np.column_stack(
        [
            lessons.surprise,
            lessons.observed_old,
            lessons.target_old,
            np.log1p(lessons.touches),
            lessons.observed[:, _TYPE] == lessons.target[:, _TYPE],
            _other(lessons.shared, lessons.observed) == _other(lessons.shared, lessons.target),
            _role_pairs(lessons, len(features)),
        ]
    )
    parts = (
        features[lessons.shared],
        _side(lessons.shared, lessons.observed, padded, kinds),
        _side(lessons.shared, lessons.target, padded, kinds),
        evidence,
    )
    return tuple(torch.from_numpy(np.ascontiguousarray(p, dtype=np.float32)) for p in parts)


def gains(output: Tensor) -> Tensor:
    """Gains within +-MAX_GAIN from a network's output (..., 1)."""
    return MAX_GAIN * torch.tanh(output[..., 0] / MAX_GAIN)


def refine(network: Ensemble, lessons: Lessons, features: FloatArray, kinds: FloatArray) -> FloatArray:
    """(Q,) refined estimates at the targets."""
    with one_thread():
        output = gains(network.answer(blocks(lessons, features, kinds))[0])
    settle = TOUCHES_TRAINED / np.maximum(lessons.touches, TOUCHES_TRAINED)
    gain: FloatArray = output.numpy().astype(np.float64) * settle
    return lessons.target_old + gain * lessons.surprise


def _other(shared: IntArray, situations: IntArray) -> IntArray:
    """The workload beside the shared one; the number of workloads where it is alone."""
    return np.where(situations[:, _JOB] == shared, situations[:, _PARTNER], situations[:, _JOB])


def _side(shared: IntArray, situations: IntArray, padded: FloatArray, kinds: FloatArray) -> FloatArray:
    """Features of the other workload (zeros: none) and of the type."""
    return np.column_stack([padded[_other(shared, situations)], kinds[situations[:, _TYPE]]])


def _role_pairs(lessons: Lessons, workloads: int) -> FloatArray:
    """(Q, 9) one column per pair of roles of the shared workload, observed and at the target."""
    pair = ROLES * _role(lessons.shared, lessons.observed, workloads) + _role(lessons.shared, lessons.target, workloads)
    columns: FloatArray = np.eye(ROLES**2)[pair]
    return columns


def _role(shared: IntArray, situations: IntArray, workloads: int) -> IntArray:
    """0 alone, 1 slowed by a partner, 2 slowing one."""
    alone = situations[:, _PARTNER] == workloads
    return np.where(alone, 0, np.where(situations[:, _JOB] == shared, 1, 2)).astype(np.int64)
