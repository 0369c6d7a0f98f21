"""A table that grows row by row, in bounded memory: full chunks of rows become typed columns and are handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

CHUNK_ROWS = 1 << 16
"""Rows kept as tuples, some 200 bytes each, before they are handed on."""


class Table:
    """Rows of fixed columns on their way to where they are kept.

    Parameters
    ----------
    columns
        Name and dtype of each, as pandas knows them.
    keep
        Takes each chunk.
    """

    def __init__(self, columns: Mapping[str, str], keep: Callable[[pd.DataFrame], None]) -> None:
        self._columns = dict(columns)
        self._keep = keep
        self._rows: list[tuple[Any, ...]] = []
        self._handed_on = 0

    def __len__(self) -> int:
        return self._handed_on + len(self._rows)

    def add(self, row: tuple[Any, ...]) -> None:
        """Append a row; its values are in the order of the columns."""
        self._rows.append(row)
        if len(self._rows) >= CHUNK_ROWS:
            self._hand_on()

    def close(self) -> None:
        """Hand on what is left, and no rows if there never were any."""
        if self._rows or not self._handed_on:
            self._hand_on()

    def _hand_on(self) -> None:
        self._keep(frame_of(self._rows, self._columns))
        self._handed_on += len(self._rows)
        self._rows = []


def frame_of(rows: Iterable[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Table of rows, with these names and dtypes."""
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    typed = zip(columns.items(), values, strict=True)
    return pd.DataFrame({name: pd.Series(column, dtype=dtype) for (name, dtype), column in typed})
