"""A table that grows row by row, in little memory: full chunks of rows are packed into typed columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

CHUNK_ROWS = 1 << 15
"""Rows kept as tuples, some 200 bytes each, before they are packed."""


class Table:
    """Rows of fixed columns.

    Parameters
    ----------
    columns
        Name and dtype of each, as pandas knows them.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = dict(columns)
        self._rows: list[tuple[Any, ...]] = []
        self._packed: list[pd.DataFrame] = []
        self._packed_rows = 0

    def __len__(self) -> int:
        return self._packed_rows + len(self._rows)

    def add(self, row: tuple[Any, ...]) -> None:
        """Append a row; its values are in the order of the columns."""
        self._rows.append(row)
        if len(self._rows) >= CHUNK_ROWS:
            self._pack()

    def frame(self) -> pd.DataFrame:
        """All rows so far."""
        if self._rows or not self._packed:
            self._pack()
        return self._packed[0] if len(self._packed) == 1 else pd.concat(self._packed, ignore_index=True)

    def _pack(self) -> None:
        self._packed.append(frame_of(self._rows, self._columns))
        self._packed_rows += len(self._rows)
        self._rows = []


def frame_of(rows: Iterable[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Table of rows, with these names and dtypes."""
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    typed = zip(columns.items(), values, strict=True)
    return pd.DataFrame({name: pd.Series(column, dtype=dtype) for (name, dtype), column in typed})
