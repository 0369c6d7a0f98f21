"""Linear programs solved from the inside, so that of many optimal answers the central one is given.

A simplex answer lies at a corner: of jobs that are all alike it prefers some without reason. A path that keeps away
from every bound ends in the middle of the optimal face, where equals are treated equally.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from scipy import linalg, sparse
from scipy.optimize import linprog

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray

Matrix: TypeAlias = FloatArray | sparse.csr_array

_SMALL = 200_000
"""Cells up to which a matrix is kept dense, because that is faster."""

_TOLERANCE = 1e-9
_MOST_STEPS = 100
_STEP_BACK = 0.99
_RIDGE = 1e-13


class Answer(NamedTuple):
    """Values of the variables and of the objective."""

    x: FloatArray
    objective: float


class _Point(NamedTuple):
    """Variables and slacks, prices of the rows, reduced costs."""

    v: FloatArray
    y: FloatArray
    z: FloatArray


def minimise(cost: FloatArray, matrix: sparse.csr_array, bounds: FloatArray) -> Answer:
    """Minimise ``cost @ x`` subject to ``matrix @ x <= bounds`` and ``x >= 0``.

    Primal-dual path following with predictor and corrector (Mehrotra, "On the implementation of a primal-dual interior
    point method", SIAM Journal on Optimization 1992). Where it does not converge, a simplex answer is given.

    Raises
    ------
    InputError
        If there is no answer, or no best one.
    """
    rows = matrix.shape[0]
    slacked = sparse.csr_array(sparse.hstack([matrix, sparse.eye_array(rows)]))
    whole: Matrix = slacked.toarray() if rows * slacked.shape[1] <= _SMALL else slacked
    costs = np.concatenate([cost, np.zeros(rows)])
    scale = (1 + float(np.abs(bounds).max()), 1 + float(np.abs(costs).max()))
    try:
        point = _start(costs, whole, bounds)
        for _ in range(_MOST_STEPS):
            primal = bounds - whole @ point.v
            dual = costs - whole.T @ point.y - point.z
            objective = float(costs @ point.v)
            gap = abs(float(point.v @ point.z)) / (1 + abs(objective))
            if max(gap, np.abs(primal).max() / scale[0], np.abs(dual).max() / scale[1]) < _TOLERANCE:
                return Answer(point.v[: len(cost)], objective)
            point = _step(point, whole, primal, dual)
    except linalg.LinAlgError:
        pass
    return _corner(cost, matrix, bounds)


def _start(costs: FloatArray, whole: Matrix, bounds: FloatArray) -> _Point:
    """Least-squares point, moved into the inside."""
    factor = linalg.cho_factor(_normal(whole, np.ones(len(costs))))
    v = whole.T @ linalg.cho_solve(factor, bounds)
    y = linalg.cho_solve(factor, whole @ costs)
    z = costs - whole.T @ y
    v = v + max(-1.5 * float(v.min()), 0.0)
    z = z + max(-1.5 * float(z.min()), 0.0)
    product = float(v @ z) + 1e-3
    return _Point(v + 0.5 * product / max(float(z.sum()), 1e-3), y, z + 0.5 * product / max(float(v.sum()), 1e-3))


def _step(point: _Point, whole: Matrix, primal: FloatArray, dual: FloatArray) -> _Point:
    v, y, z = point
    weight = v / z
    normal = _normal(whole, weight)
    # Near the end weights differ by many orders of magnitude: factored at unit diagonal, with a little added to it.
    unit = 1.0 / np.sqrt(normal.diagonal())
    factor = linalg.cho_factor(normal * np.outer(unit, unit) + _RIDGE * np.eye(len(unit)))

    def towards(products: FloatArray) -> _Point:
        dy = unit * linalg.cho_solve(factor, unit * (primal - whole @ (products / z) + whole @ (weight * dual)))
        dz = dual - whole.T @ dy
        return _Point(products / z - weight * dz, dy, dz)

    guess = towards(-v * z)
    mean = float(v @ z) / len(v)
    reached = (v + _most(v, guess.v) * guess.v) @ (z + _most(z, guess.z) * guess.z) / len(v)
    centring = (float(reached) / mean) ** 3
    move = towards(centring * mean - v * z - guess.v * guess.z)
    forward, back = _STEP_BACK * _most(v, move.v), _STEP_BACK * _most(z, move.z)
    return _Point(v + forward * move.v, y + back * move.y, z + back * move.z)


def _normal(whole: Matrix, weight: FloatArray) -> FloatArray:
    """The matrix times its weighted transpose, row by row."""
    product = (whole * weight) @ whole.T
    return product.toarray() if sparse.issparse(product) else np.asarray(product)


def _most(values: FloatArray, move: FloatArray) -> float:
    """Longest step, up to 1 (a little more, so that full steps are taken), that keeps values from turning negative."""
    falling = move < 0
    return min(1.0 / _STEP_BACK, float((-values[falling] / move[falling]).min(initial=np.inf)))


def _corner(cost: FloatArray, matrix: sparse.csr_array, bounds: FloatArray) -> Answer:
    found = linprog(cost, A_ub=matrix, b_ub=bounds, bounds=(0, None))  # type: ignore[call-overload]
    if found.status != 0:
        raise InputError(f"the linear program has no answer: {found.message}")
    return Answer(np.asarray(found.x), float(found.fun))
