"""Which known workload, or GPU type, is most like a new one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.types import BoolArray, FloatArray, IntArray


class Nearest(NamedTuple):
    """Per query: number of the most similar known row and the distance to it."""

    row: IntArray
    distance: FloatArray


def distances(queries: FloatArray, known: FloatArray) -> FloatArray:
    """(Q, K) Euclidean distances between rows of features, as a root of the mean over columns."""
    square = (queries**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2.0 * queries @ known.T
    result: FloatArray = np.sqrt(np.maximum(square, 0.0) / max(known.shape[1], 1))
    return result


def nearest(queries: FloatArray, known: FloatArray, excluded: BoolArray | None = None) -> Nearest:
    """Most similar known row of each query; the first of equals.

    Parameters
    ----------
    queries, known
        (Q, F) and (K, F) features.
    excluded
        (Q, K) pairs that must not be chosen.

    Raises
    ------
    InputError
        If a query has nothing left to choose from.
    """
    apart = distances(queries, known)
    if excluded is not None:
        apart = np.where(excluded, np.inf, apart)
    if apart.shape[1] == 0 or not np.isfinite(apart.min(axis=1)).all():
        raise InputError("the history holds no workload to compare with: it needs at least two families")
    row = apart.argmin(axis=1)
    return Nearest(row.astype(np.int64), np.take_along_axis(apart, row[:, None], axis=1)[:, 0])
