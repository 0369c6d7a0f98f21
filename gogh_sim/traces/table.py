"""Comma-separated tables with line numbers: every cell is checked, every rejected row is reported."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.files import open_text
from gogh_sim.types import BoolArray, FloatArray, IntArray

LARGEST = 1e12
"""Largest number taken from a file: seconds of 31,000 years; beyond it sums of seconds lose their fractions."""

_CHUNK_ROWS = 1 << 16

Mask: TypeAlias = "BoolArray | pd.Series[bool]"
"""One truth value a row."""


class _Hit(NamedTuple):
    rows: BoolArray
    first: int
    line: int
    total: int


class Table:
    """Columns of text by name, the line of each row, and which rows are still in use.

    The checks below take rows out of use and enter them in the `Ledger`; readers build jobs from what `kept` marks.
    """

    def __init__(self, columns: Mapping[str, pd.Series[str]], lines: IntArray, ledger: Ledger) -> None:
        self.columns = columns
        self.lines = lines
        self.ledger = ledger
        self.kept: BoolArray = np.ones(len(lines), dtype=bool)

    def __len__(self) -> int:
        return len(self.lines)

    def reject(self, bad: Mask, column: str, expected: str) -> None:
        """Faulty rows: say what was expected in `column` and what the first of them holds instead."""
        if hit := self._hit(bad):
            self.kept &= ~hit.rows
            found = str(self.columns[column].iloc[hit.first])[:60]
            what = f"expected {expected}, found {found!r}"
            self.ledger.reject(what, line=hit.line, column=column, count=hit.total)

    def leave_out(self, rows: Mask, column: str, reason: str) -> None:
        """Rows that are sound but no job for a simulation."""
        if hit := self._hit(rows):
            self.kept &= ~hit.rows
            self.ledger.leave_out(reason, line=hit.line, column=column, count=hit.total)

    def adjust(self, rows: Mask, column: str, change: str) -> None:
        """Rows that the reader keeps with a change."""
        if hit := self._hit(rows):
            self.ledger.adjust(change, line=hit.line, column=column, count=hit.total)

    def note(self, rows: Mask, column: str, what: str) -> None:
        """Rows kept as they are though they deserve a look."""
        if hit := self._hit(rows):
            self.ledger.note(what, line=hit.line, column=column, count=hit.total)

    def _hit(self, rows: Mask) -> _Hit | None:
        marked = np.asarray(rows, dtype=bool) & self.kept
        if not marked.any():
            return None
        first = int(np.argmax(marked))
        return _Hit(marked, first, int(self.lines[first]), int(marked.sum()))

    def numbers(self, column: str, *, least: float = 0.0, most: float = LARGEST, empty: bool = False) -> FloatArray:
        """Column as numbers from `least` to `most`, nan where a cell is empty and `empty` allows it."""
        text = self.columns[column]
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        good = ((values >= least) & (values <= most)) | (np.asarray(text == "") & empty)
        self.reject(~good, column, f"a number from {least:g} to {most:g}" + (" or nothing" if empty else ""))
        return values

    def integers(self, column: str, *, least: int = 0, most: float = LARGEST) -> IntArray:
        """Column as whole numbers; rejected rows hold `least`."""
        values = self.numbers(column, least=least, most=most)
        whole = values == np.floor(values)
        self.reject(~whole, column, "a whole number")
        return np.where(self.kept & whole, values, least).astype(np.int64)

    def datetimes(self, column: str) -> pd.Series[pd.Timestamp]:
        """Column of ``YYYY-MM-DD HH:MM:SS`` without zone as timestamps."""
        times = pd.to_datetime(self.columns[column], format="%Y-%m-%d %H:%M:%S", errors="coerce")
        self.reject(times.isna(), column, "a time as YYYY-MM-DD HH:MM:SS")
        return times

    def names(self, column: str) -> pd.Series[str]:
        """Column of names, each there and there once."""
        text = self.columns[column]
        self.reject(text == "", column, "a name")
        self.reject(text.duplicated(), column, "a name that no earlier row has")
        return text


def read_table(path: Path, layouts: Sequence[Sequence[str]], ledger: Ledger) -> Table:
    """Read a CSV file with a header that names all columns of one of the layouts; further columns are kept too.

    Raises
    ------
    InputError
        If the file cannot be opened as `files.open_text` describes, is empty, is not CSV, or lacks a column.
    """
    with open_text(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header, layouts)
            chunks, lines = _read_rows(reader, len(header), ledger)
        except csv.Error as error:
            raise InputError(f"expected comma-separated text: {error}", file=path, line=reader.line_num) from error
        except UnicodeDecodeError as error:
            what = f"expected UTF-8 text, found the byte 0x{error.object[error.start]:02x}"
            raise InputError(what, file=path, line=reader.line_num + 1) from error
    columns = dict(zip(header, chunks, strict=True))
    return Table(columns, np.asarray(lines, dtype=np.int64), ledger)


def _check_header(path: Path, header: Sequence[str], layouts: Sequence[Sequence[str]]) -> None:
    if not any(header):
        raise InputError("expected a header line, found an empty file or line", file=path, line=1)
    shown = ",".join(header)[:120]
    missing = min(([name for name in layout if name not in header] for layout in layouts), key=len)
    if missing:
        what = f"expected a column of this name, found the header {shown!r}"
        raise InputError(what, file=path, line=1, column=missing[0])
    if len(set(header)) < len(header):
        raise InputError(f"expected every column once, found the header {shown!r}", file=path, line=1)


def _read_rows(reader: Any, width: int, ledger: Ledger) -> tuple[list[pd.Series[str]], list[int]]:
    """Columns of the rows of full width, and the line of each row; packed by chunks, to save memory."""
    chunks: list[list[pd.Series[str]]] = [[pd.Series([], dtype=str)] for _ in range(width)]
    lines: list[int] = []
    uneven: list[tuple[int, int]] = []

    def even() -> Iterator[list[str]]:
        for row in reader:
            if len(row) == width:
                lines.append(reader.line_num)
                yield row
            elif row:  # a blank line is no row
                uneven.append((reader.line_num, len(row)))

    rows = even()
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        for series, cells in zip(chunks, zip(*chunk, strict=True), strict=True):
            series.append(pd.Series([cell.strip() for cell in cells], dtype=str))
    if uneven:
        line, found = uneven[0]
        ledger.reject(f"expected {width} cells in the row, found {found}", line=line, count=len(uneven))
    return [pd.concat(series, ignore_index=True) for series in chunks], lines
