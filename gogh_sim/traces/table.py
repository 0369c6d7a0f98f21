"""Tables of text with line numbers: every cell is checked, every rejected row is reported."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.files import open_text
from gogh_sim.traces.rows import COMMAS, Dialect, Row
from gogh_sim.types import BoolArray, FloatArray, IntArray

LARGEST = 1e12
"""Largest number taken from a file: seconds of 31,000 years; beyond it sums of seconds lose their fractions."""

MISSING = ("", "None", "none", "null", "NULL", "nan", "NaN", "NaT")
"""Cells that stand for nothing, where a column may be empty."""

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

MOST_COLUMNS = 1000
"""Most columns of a file."""

_CHUNK_CELLS = 1 << 20

Mask: TypeAlias = "BoolArray | pd.Series[bool]"
"""One truth value a row."""


class _Hit(NamedTuple):
    rows: BoolArray
    first: int
    line: int
    total: int


class Table:
    """Columns of text by name, the line and number of each row, and which rows are still in use.

    The checks below take rows out of use and enter them in the `Ledger`; readers build jobs from what `kept` marks.
    """

    def __init__(
        self, columns: Mapping[str, pd.Series[str]], lines: IntArray, ledger: Ledger, records: IntArray | None = None
    ) -> None:
        self.columns = columns
        self.lines = lines
        self.records = np.arange(len(lines), dtype=np.int64) if records is None else records
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
            self.ledger.reject(what, line=hit.line, column=column, records=self.records[hit.rows].tolist())

    def leave_out(self, rows: Mask, column: str, reason: str) -> None:
        """Rows that are sound but no job for a simulation."""
        if hit := self._hit(rows):
            self.kept &= ~hit.rows
            self.ledger.leave_out(reason, line=hit.line, column=column, count=hit.total)

    def adjust(self, rows: Mask, column: str, change: str) -> None:
        """Rows that the reader keeps with a change."""
        if hit := self._hit(rows):
            self.ledger.adjust(change, line=hit.line, column=column, count=hit.total)

    def note(self, rows: Mask, column: str | None, what: str) -> None:
        """Rows kept as they are though they deserve a look."""
        if hit := self._hit(rows):
            self.ledger.note(what, line=hit.line, column=column, count=hit.total)

    def _hit(self, rows: Mask) -> _Hit | None:
        marked = np.asarray(rows, dtype=bool) & self.kept
        if not marked.any():
            return None
        first = int(np.argmax(marked))
        return _Hit(marked, first, int(self.lines[first]), int(marked.sum()))

    def optional(self, column: str) -> pd.Series[str]:
        """Column, or empty cells where the file lacks it; what stands for nothing is made empty."""
        if column not in self.columns:
            return pd.Series("", index=pd.RangeIndex(len(self)), dtype=str)
        text = self.columns[column]
        return text.mask(text.isin(MISSING), "")

    def numbers(self, column: str, *, least: float = 0.0, most: float = LARGEST, empty: bool = False) -> FloatArray:
        """Column as numbers from `least` to `most`, nan where a row is rejected, or its cell empty and `empty` set."""
        text = self.columns[column]
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        good = ((values >= least) & (values <= most)) | (text.isin(MISSING).to_numpy() & empty)
        self.reject(~good, column, f"a number from {least:g} to {most:g}" + (" or nothing" if empty else ""))
        return np.where(good, values, np.nan)

    def integers(self, column: str, *, least: int = 0, most: float = LARGEST) -> IntArray:
        """Column as whole numbers; rejected rows hold `least`."""
        values = self.numbers(column, least=least, most=most)
        whole = values == np.floor(values)
        self.reject(~whole, column, "a whole number")
        return np.where(self.kept & whole, values, least).astype(np.int64)

    def datetimes(self, column: str, *, empty: bool = False) -> pd.Series[pd.Timestamp]:
        """Column of ``YYYY-MM-DD HH:MM:SS``, with or without a zone such as +08:00, as timestamps without zone.

        All rows are on the clock of the first: a zone that differs from its zone is reckoned in, and where the first
        has none, none may have one, nor the other way round.
        """
        text = self.columns[column]
        times = pd.to_datetime(text.str.slice(0, 19), format=TIME_FORMAT, errors="coerce")
        zones = text.str.slice(19)
        offsets = zones.map({name: _offset_s(name) for name in zones.unique()}).to_numpy(np.float64)
        nothing = text.isin(MISSING).to_numpy() & empty
        good = times.notna().to_numpy() & ~(offsets == np.inf)
        self.reject(~(good | nothing), column, "a time as YYYY-MM-DD HH:MM:SS" + (" or nothing" if empty else ""))
        known = np.flatnonzero(good & self.kept)
        if not len(known):
            return times
        zone = offsets[known[0]]
        wanted = "no zone" if np.isnan(zone) else "a zone"
        self.reject(good & (np.isnan(offsets) != np.isnan(zone)), column, f"one clock, with {wanted} as in other rows")
        shift = np.where(np.isfinite(offsets - zone), offsets - zone, 0.0)
        return times - pd.to_timedelta(pd.Series(shift), unit="s")

    def names(self, column: str) -> pd.Series[str]:
        """Column of names, each there and there once."""
        text = self.columns[column]
        self.reject(text == "", column, "a name")
        self.reject(text.duplicated(), column, "a name that no earlier row has")
        return text

    def numbered(self, prefix: str) -> pd.Series[str]:
        """Names of rows by their place in the file, for formats without any; rows just like an earlier one are told."""
        repeated = pd.DataFrame(dict(self.columns)).duplicated()
        self.note(repeated, None, "the same in every cell as an earlier row")
        width = len(str(len(self)))
        return pd.Series([f"{prefix}-{row:0{width}d}" for row in range(1, len(self) + 1)], dtype=str)


def _offset_s(zone: str) -> float:
    """Seconds east of Greenwich of a zone such as +08:00 or Z; nan for none, infinite for what is no zone."""
    if zone == "":
        return np.nan
    if zone == "Z":
        return 0.0
    try:
        sign, hours, minutes = {"+": 1, "-": -1}[zone[0]], int(zone[1:3]), int(zone[4:6])
    except (KeyError, ValueError, IndexError):
        return np.inf
    sound = len(zone) == 6 and zone[3] == ":" and 0 <= hours <= 15 and 0 <= minutes < 60
    return float(sign * (hours * 3600 + minutes * 60)) if sound else np.inf


def read_table(path: Path, layouts: Sequence[Sequence[str]], ledger: Ledger) -> Table:
    """Read a CSV file with a header that names all columns of one of the layouts; further columns are kept too.

    Raises
    ------
    InputError
        If the file cannot be opened as `files.open_text` describes, is empty, is not CSV, or lacks a column.
    """
    with open_text(path) as stream:
        rows = COMMAS.rows(stream, path)
        first = next(rows, None)
        header = [name.strip() for name in first.cells] if first else []
        check_header(path, header, layouts)
        return _read_rows(rows, header, ledger)


def read_bare_table(
    path: Path,
    layouts: Sequence[Sequence[str]],
    ledger: Ledger,
    dialect: Dialect = COMMAS,
    wanted: Collection[str] | None = None,
) -> Table:
    """Read a file without a header, whose first row's width tells which of the layouts it has.

    Parameters
    ----------
    wanted
        Columns to keep, which saves memory; None for all.

    Raises
    ------
    InputError
        If the file cannot be opened, is empty, is not of the dialect, or its first row is as wide as no layout.
    """
    with open_text(path) as stream:
        rows = dialect.rows(stream, path)
        first = next(rows, None)
        if first is None:
            raise InputError("expected rows of a trace, found an empty file", file=path, line=1)
        width = len(first.cells)
        layout = next((layout for layout in layouts if len(layout) == width), None)
        if layout is None:
            widths = " or ".join(str(len(layout)) for layout in layouts)
            raise InputError(f"expected {widths} cells in the row, found {width}", file=path, line=first.line)
        return _read_rows(chain([first], rows), layout, ledger, wanted)


def check_header(path: Path, header: Sequence[str], layouts: Sequence[Sequence[str]]) -> None:
    """Raise an `InputError` unless the names hold all of one of the layouts, each name once."""
    if not any(header):
        raise InputError("expected a header line, found an empty file or line", file=path, line=1)
    if len(header) > MOST_COLUMNS:
        raise InputError(f"expected at most {MOST_COLUMNS} columns, found {len(header)}", file=path, line=1)
    shown = ",".join(header)[:120]
    missing = min(([name for name in layout if name not in header] for layout in layouts), key=len)
    if missing:
        what = f"expected a column of this name, found the header {shown!r}"
        raise InputError(what, file=path, line=1, column=missing[0])
    if len(set(header)) < len(header):
        raise InputError(f"expected every column once, found the header {shown!r}", file=path, line=1)


def _read_rows(
    rows: Iterator[Row], header: Sequence[str], ledger: Ledger, wanted: Collection[str] | None = None
) -> Table:
    """Table of the rows of full width; cells are packed by chunks, to save memory."""
    width = len(header)
    places = [i for i, name in enumerate(header) if wanted is None or name in wanted]
    chunks: list[list[pd.Series[str]]] = [[pd.Series([], dtype=str)] for _ in places]
    lines, records, uneven = array("q"), array("q"), array("q")
    first_uneven = (0, 0)

    def even() -> Iterator[list[str]]:
        nonlocal first_uneven
        for number, (line, cells) in enumerate(rows):
            if len(cells) == width:
                lines.append(line)
                records.append(number)
                yield cells
            else:
                first_uneven = first_uneven if uneven else (line, len(cells))
                uneven.append(number)

    full = even()
    while chunk := list(islice(full, max(1, _CHUNK_CELLS // width))):
        for series, place in zip(chunks, places, strict=True):
            series.append(pd.Series([cells[place].strip() for cells in chunk], dtype=str))
    if uneven:
        line, found = first_uneven
        ledger.reject(f"expected {width} cells in the row, found {found}", line=line, records=uneven)
    names = [header[place] for place in places]
    columns = {name: pd.concat(series, ignore_index=True) for name, series in zip(names, chunks, strict=True)}
    return Table(columns, np.array(lines, dtype=np.int64), ledger, np.array(records, dtype=np.int64))
