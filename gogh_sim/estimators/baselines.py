"""What P1 and P2 have to beat: simpler ways to fill the catalogue's table, given the same record.

Every function returns (T, W, W + 1) estimates in the catalogue's coordinates. Copying the nearest known workload is
`p1.copied_table`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from types import MappingProxyType
from typing import Protocol

import numpy as np

from gogh_sim.estimators import p1
from gogh_sim.estimators.coordinates import pressure_of
from gogh_sim.estimators.history import History
from gogh_sim.estimators.record import Record
from gogh_sim.types import REFERENCE_GPU, FloatArray, GpuType, IntArray, Workload

RANK = 4
"""Directions that matrix completion keeps."""


class Regressor(Protocol):
    """What scikit-learn calls a regressor."""

    def fit(self, x: FloatArray, y: FloatArray) -> Regressor:
        """Learn y (n,) from x (n, k)."""
        ...

    def predict(self, x: FloatArray) -> FloatArray:
        """(n,) answers."""
        ...


def _ridge() -> Regressor:
    from sklearn.linear_model import RidgeCV

    regressor: Regressor = RidgeCV(np.logspace(-1, 3, 13))
    return regressor


def _boosting() -> Regressor:
    from sklearn.ensemble import GradientBoostingRegressor

    regressor: Regressor = GradientBoostingRegressor(n_estimators=100, max_depth=3, subsample=0.7, random_state=0)
    return regressor


REGRESSORS: Mapping[str, Callable[[], Regressor]] = MappingProxyType({"ridge": _ridge, "gradient boosting": _boosting})
"""Regressors on the features of workloads, one per type, by the name that reports use; they need scikit-learn."""


def regressors_missing() -> str | None:
    """Why the regressors cannot be run; None if they can."""
    return None if find_spec("sklearn") else "scikit-learn is not installed: pip install 'gogh-sim[baselines]'"


def mean_table(record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]) -> FloatArray:
    """The known workloads' mean for everything new; what is known stays."""
    return _replaced(record, workloads, gpu_types, lambda values, queries: np.full(len(queries), values.mean()))


def regressed_table(
    make: Callable[[], Regressor], record: Record, workloads: Sequence[Workload], gpu_types: Sequence[GpuType]
) -> FloatArray:
    """Speed, sensitivity and intensity of new workloads from features; what is known stays.

    A type that the history lacks is taken for the most similar one.
    """
    return _replaced(
        record, workloads, gpu_types, lambda values, queries: make().fit(record.features, values).predict(queries)
    )


def _replaced(
    record: Record,
    workloads: Sequence[Workload],
    gpu_types: Sequence[GpuType],
    predict: Callable[[FloatArray, FloatArray], FloatArray],
) -> FloatArray:
    """The copied table with the coordinates of new workloads replaced by predictions, type by type."""
    history = record.history
    stand_in, _ = record.types(gpu_types)
    new = record.known(workloads) < 0
    table = p1.copied_table(record, workloads, gpu_types)
    if not new.any():
        return table
    queries, similar = record.encoder.workloads(workloads)[new], record.subjects(workloads).similar[new]
    for t, known in enumerate(stand_in):
        moved = np.zeros((3, len(workloads)))
        for role, values in enumerate(
            (history.log_speed[:, known], history.sensitivity[known], history.intensity[known])
        ):
            moved[role, new] = predict(values, queries) - values[similar]
        table[t, :, -1] += moved[0]
        table[t, :, :-1] += moved[1][:, None] + moved[2]
    table[[kind.name == REFERENCE_GPU for kind in gpu_types], :, -1] = 0.0
    return table


class MatrixCompletion:
    """Low-rank completion of log rates, as Gavel estimates throughputs of new jobs (Narayanan et al., OSDI 2020).

    Rows are workloads; columns are every type alone and beside every partner, or, for what a workload does to others,
    every type and sufferer. A new row is the mean row plus the combination of the `RANK` main directions of the known
    rows that is likeliest, given what was measured of it (probabilistic principal components).
    """

    def __init__(self, history: History) -> None:
        count = len(history.workloads)
        speed = history.log_speed.T[:, :, None]
        beside = speed - np.log1p(np.exp(history.log_pressure))
        suffers = np.concatenate([beside, speed], axis=2).transpose(1, 0, 2)
        presses = beside.transpose(2, 0, 1) - history.log_speed.T
        self._suffers = _Rows.of(suffers.reshape(count, -1))
        self._presses = _Rows.of(presses.reshape(count, -1))
        self._shape = suffers.shape[1:]

    def suffers(self, at: IntArray, log_rate: FloatArray, noise: float) -> tuple[FloatArray, FloatArray]:
        """(T,) log speeds and (T, W) log pressures of a new workload beside the known ones.

        `at` (M, 2) are the types and partners (the number of workloads for none) measured, `log_rate` (M,) over the
        rate alone on the reference type.
        """
        row = self._suffers.complete(at[:, 0] * self._shape[1] + at[:, 1], log_rate, noise).reshape(self._shape)
        return row[:, -1], pressure_of(np.exp(np.minimum(row[:, :-1] - row[:, -1:], 0.0)))

    def presses(self, at: IntArray, log_norm: FloatArray, noise: float) -> FloatArray:
        """(T, W) log pressures on the known workloads beside a new one; `at` (M, 2) as types and sufferers."""
        columns = self._shape[1] - 1
        row = self._presses.complete(at[:, 0] * columns + at[:, 1], log_norm, noise).reshape(self._shape[0], columns)
        return pressure_of(np.exp(np.minimum(row, 0.0)))


class _Rows:
    """Mean row and main directions of a matrix, each scaled to its spread, and the mean square of what they miss."""

    def __init__(self, mean: FloatArray, directions: FloatArray, rest: float) -> None:
        self._mean, self._directions, self._rest = mean, directions, rest

    @classmethod
    def of(cls, matrix: FloatArray) -> _Rows:
        mean = matrix.mean(axis=0)
        _, size, axes = np.linalg.svd(matrix - mean, full_matrices=False)
        rest = float((size[RANK:] ** 2).sum() / matrix.size)
        return cls(mean, size[:RANK, None] * axes[:RANK] / np.sqrt(len(matrix)), rest)

    def complete(self, columns: IntArray, values: FloatArray, noise: float) -> FloatArray:
        basis = self._directions[:, columns]
        total = basis.T @ basis + (self._rest + noise) * np.eye(len(columns))
        weight = basis @ np.linalg.solve(total, values - self._mean[columns])
        result: FloatArray = self._mean + weight @ self._directions
        return result
