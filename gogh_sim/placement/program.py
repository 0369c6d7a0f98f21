"""The master problem as arrays and as the text of an MPS file: a set partition over given columns.

Columns may be added, so that from one pricing round to the next only what is new is worked out and spelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from gogh_sim.placement.columns import Columns
from gogh_sim.placement.problem import Problem
from gogh_sim.types import FloatArray


class Program:
    """n_k uses of column k, s_g queued jobs of group g, a row j_g per group and r_i per capacity limit.

    Costs are scaled to the typical queue cost, for the solver's tolerances: `scale` is what one unit stands for.

    Attributes
    ----------
    uses, queued
        (K,) and (G,) values of an answer; nan before there is one.
    job_price, room_price
        (G,) and (R,) prices that came with it; nan where the solver gave none, 0 for a limit that no column touches.
    """

    def __init__(self, problem: Problem, columns: Columns, *, integer: bool) -> None:
        queue_cost = problem.groups.queue_cost
        self.scale = float(np.median(queue_cost[queue_cost > 0])) if (queue_cost > 0).any() else 1.0
        self.problem, self.integer = problem, integer
        self.cost = np.zeros(0)
        self.queue_cost = queue_cost / self.scale
        self._room_names = [f"r{i}" for i in range(problem.rows.room.size)]
        self._job_names = [f"j{g}" for g in range(len(problem.groups))]
        self._touched = np.zeros(problem.rows.room.size, dtype=np.bool_)
        self._matrices: list[sparse.csc_array] = []
        self._lines: list[str] = []
        self.add(columns)

    def __len__(self) -> int:
        return int(self.cost.size)

    def add(self, columns: Columns) -> None:
        """More columns, behind those that are there."""
        matrix = _matrix(self.problem, columns)
        rooms = len(self._room_names)
        self._touched |= np.bincount(matrix.indices, minlength=matrix.shape[0])[:rooms] > 0
        self._lines += self._spelled(len(self), columns.cost / self.scale, matrix)
        self._matrices.append(matrix)
        self.cost = np.concatenate([self.cost, columns.cost / self.scale])
        self.uses, self.queued = np.full(len(self), np.nan), np.full(len(self._job_names), np.nan)
        self.job_price, self.room_price = np.full(len(self._job_names), np.nan), np.where(self._touched, np.nan, 0.0)

    @property
    def matrix(self) -> sparse.csr_array:
        """(R + G, K) room that a use of a column takes, and the jobs that it places."""
        return sparse.csr_array(sparse.hstack(self._matrices))

    @property
    def objective(self) -> float:
        """Cost of the answer, in the unit of the problem."""
        return float(self.cost @ self.uses + self.queue_cost @ self.queued) * self.scale

    def write(self, path: Path) -> None:
        """Write it as an MPS file."""
        groups, rows = self.problem.groups, self.problem.rows
        rooms = [
            (name, room) for name, room, there in zip(self._room_names, rows.room, self._touched, strict=True) if there
        ]
        jobs = list(zip(self._job_names, groups.count.tolist(), strict=True))
        parts = [
            "NAME placement FREE\nROWS\n N  OBJ\n",
            *(f" E  {name}\n" for name, _ in jobs),
            *(f" L  {name}\n" for name, _ in rooms),
            "COLUMNS\n",
            *([" MARK 'MARKER' 'INTORG'\n"] if self.integer else []),
            *self._lines,
            *([" MARK 'MARKER' 'INTEND'\n"] if self.integer else []),
            *(f" s{g} OBJ {cost!r} j{g} 1\n" for g, cost in enumerate(self.queue_cost.tolist())),
            "RHS\n",
            *(f" RHS {name} {value}\n" for name, value in [*jobs, *rooms]),
            "BOUNDS\n",
            *(f" PL BND n{k}\n" for k in range(len(self))),
            "ENDATA\n",
        ]
        path.write_text("".join(parts), encoding="ascii")

    def read(self, path: Path) -> None:
        """Take the answer from CBC's solution file: a line of status, then number, name, value and price of each.

        Raises
        ------
        ValueError, IndexError
            If the file is something else.
        """
        values: dict[str, str] = {}
        prices: dict[str, str] = {}
        with path.open(encoding="ascii", errors="replace") as file:
            # The line of status goes the same way: it has as many words, and its second is the name of nothing.
            for line in file:
                words = line.split()
                # An infeasible variable is marked by two stars before its number.
                first = 1 if words[0] == "**" else 0
                values[words[first + 1]] = words[first + 2]
                prices[words[first + 1]] = words[first + 3]
        self.uses = _numbers(values, [f"n{k}" for k in range(len(self))], "0")
        self.queued = _numbers(values, [f"s{g}" for g in range(len(self._job_names))], "0")
        self.job_price = _numbers(prices, self._job_names, "nan")
        self.room_price = np.where(self._touched, _numbers(prices, self._room_names, "nan"), 0.0)

    def _spelled(self, first: int, cost: FloatArray, matrix: sparse.csc_array) -> list[str]:
        """The lines of columns, numbered from `first`, one string each."""
        names = self._room_names + self._job_names
        entries = [
            f"{names[row]} {value}" for row, value in zip(matrix.indices.tolist(), matrix.data.tolist(), strict=True)
        ]
        ends = matrix.indptr.tolist()
        return [
            f" n{k} OBJ {value!r}\n" + "".join(f" n{k} {entry}\n" for entry in entries[begin:end])
            for k, value, begin, end in zip(
                range(first, first + cost.size), cost.tolist(), ends[:-1], ends[1:], strict=True
            )
        ]


def _matrix(problem: Problem, columns: Columns) -> sparse.csc_array:
    group, column, jobs = columns.entries
    rows = problem.rows
    taken = rows.taken[:, columns.first] * (rows.gpu_type[:, np.newaxis] == columns.gpu_type)
    row, taker = np.nonzero(taken)
    where = (np.concatenate([row, rows.room.size + group]), np.concatenate([taker, column]))
    shape = (rows.room.size + len(problem.groups), len(columns))
    return sparse.csc_array((np.concatenate([taken[row, taker], jobs]), where), shape=shape)


def _numbers(words: dict[str, str], names: Sequence[str], absent: str) -> FloatArray:
    return np.array([float(words.get(name, absent)) for name in names], dtype=np.float64)
