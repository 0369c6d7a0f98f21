"""Text files as numbered rows of cells: comma- or tab-separated, or words with comment lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from gogh_sim.errors import InputError
from gogh_sim.traces.files import open_text

ROW_LINES = 1000
"""Most lines of one row, whose cells in quotes may hold line ends."""


class Row(NamedTuple):
    """One row: the line it begins at, counted from 1, and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Separated:
    """Rows whose cells a delimiter separates; under QUOTE_MINIMAL a cell in quotes may hold it."""

    delimiter: str = ","
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL

    def rows(self, stream: Iterable[str], path: Path) -> Iterator[Row]:
        """Rows in order; blank lines are none.

        Raises
        ------
        InputError
            At what is no such text, or a row over more than `ROW_LINES` lines, naming the line.
        """
        line = 1

        def lines() -> Iterator[str]:
            for number, text in enumerate(stream, start=1):
                if number - line >= ROW_LINES:
                    what = f"expected rows over at most {ROW_LINES} lines, found a longer one"
                    raise InputError(what, file=path, line=line)
                yield text

        reader: Any = csv.reader(lines(), delimiter=self.delimiter, quoting=self.quoting, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield Row(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            what = f"expected comma-separated text: {error}"
            raise InputError(what, file=path, line=reader.line_num) from error
        except UnicodeDecodeError as error:
            raise _not_utf8(error, path, line) from error


@dataclass(frozen=True, slots=True)
class Words:
    """Rows whose cells are separated by blanks; lines that begin with `comment` are none."""

    comment: str = ";"

    def rows(self, stream: Iterable[str], path: Path) -> Iterator[Row]:
        """Rows in order; an `InputError` at what is not UTF-8."""
        line = 0
        try:
            for line, text in enumerate(stream, start=1):
                cells = text.split()
                if cells and not cells[0].startswith(self.comment):
                    yield Row(line, cells)
        except UnicodeDecodeError as error:
            raise _not_utf8(error, path, line + 1) from error


COMMAS = Separated()
TABS = Separated("\t", csv.QUOTE_NONE)
WORDS = Words()

Dialect = Separated | Words


def _not_utf8(error: UnicodeDecodeError, path: Path, line: int) -> InputError:
    return InputError(f"expected UTF-8 text, found the byte 0x{error.object[error.start]:02x}", file=path, line=line)


def texts(path: Path, dialect: Dialect) -> Iterator[tuple[bool, str]]:
    """The file in pieces, in order: whether the piece is a row, and its text with line ends.

    Joined together they are the whole text.
    """
    with open_text(path) as stream:
        tape = _Tape(stream)
        for _ in dialect.rows(tape, path):
            lines = tape.taken()
            # What precedes the row, blank lines or comments, came in the same go: a row begins where cells begin.
            skipped = _blank_lines(lines, dialect)
            if skipped:
                yield False, "".join(lines[:skipped])
            yield True, "".join(lines[skipped:])
        if rest := tape.taken():
            yield False, "".join(rest)


def _blank_lines(lines: list[str], dialect: Dialect) -> int:
    """How many of the first lines are no part of a row."""
    count = 0
    while count < len(lines) - 1:
        head = lines[count].strip("\r\n") if isinstance(dialect, Separated) else lines[count].strip()
        if head and not (isinstance(dialect, Words) and head.startswith(dialect.comment)):
            break
        count += 1
    return count


class _Tape:
    """Lines of a stream, kept until they are taken."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self._lines.append(line)
            yield line

    def taken(self) -> list[str]:
        lines, self._lines = self._lines, []
        return lines
