"""Accounts of the round mechanism: what each row was allocated, has received and is owed."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from gogh_sim.placement.turns import priorities
from gogh_sim.types import FloatArray

Row: TypeAlias = tuple[int, ...]
"""One job, or two that share their GPUs, by number."""


class Accounts:
    """Time received and owed, per row and GPU type, since the last reset.

    Every row counts `head_start_s` of time at a reset, and a job alone also when it comes, so that no priority is
    infinite. Rows are kept in the order in which they came, which breaks the last ties.

    Parameters
    ----------
    num_types
        GPU types.
    head_start_s
        Half the length of a round.
    """

    def __init__(self, num_types: int, head_start_s: float) -> None:
        self._head_start_s = head_start_s
        self._nothing = np.zeros(num_types)
        self._received: dict[Row, FloatArray] = {}
        self._owed: dict[Row, FloatArray] = {}
        self._shares: dict[Row, FloatArray] = {}
        self._type_s = np.zeros(num_types)
        self._reset_s = 0.0

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row, in the order in which they came."""
        return tuple(self._received)

    def open(self, row: Row) -> None:
        """A row that may get time from now on; its first account does not count towards the type's time."""
        self._received[row] = self._nothing + (self._head_start_s if len(row) == 1 else 0.0)
        self._owed[row] = self._nothing.copy()

    def close(self, row: Row) -> None:
        """A row that is no more."""
        del self._received[row], self._owed[row]
        self._shares.pop(row, None)

    def charge(self, row: Row, gpu_type: int, seconds: float) -> None:
        """The row has had this time on the type."""
        self._received[row][gpu_type] += seconds
        self._type_s[gpu_type] += seconds

    def reset(self, now_s: float) -> None:
        """Turn what was allocated and not received into what is owed, and begin anew."""
        elapsed_s = now_s - self._reset_s
        for row, received in self._received.items():
            self._owed[row] += self._shares.get(row, self._nothing) * elapsed_s - (received - self._head_start_s)
            received[:] = self._head_start_s
        self._type_s = self._nothing + self._head_start_s * len(self._received)
        self._reset_s = now_s

    def forget_reset(self) -> None:
        """Make shares due whatever the time."""
        self._reset_s = 0.0

    def due(self, now_s: float, interval_s: float) -> bool:
        """Whether the last reset is long enough ago for another."""
        return self._reset_s == 0 or now_s - self._reset_s >= interval_s

    def allocate(self, shares: dict[Row, FloatArray]) -> None:
        """Shares from now on."""
        self._shares = shares

    def is_allocated(self, row: Row) -> bool:
        """Whether the row was there when shares were last given."""
        return row in self._shares

    def tables(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(R, K) priority, time owed and share of every row; there must be one."""
        shares = np.array([self._shares.get(row, self._nothing) for row in self._received])
        received = np.array(list(self._received.values()))
        return priorities(shares, received, self._type_s), np.array(list(self._owed.values())), shares
