"""Trace files taken apart into the texts of their rows, and put together again without some of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.traces import json_array, parquet
from gogh_sim.traces.files import write_text
from gogh_sim.traces.rows import COMMAS, TABS, WORDS, Dialect, texts


class Shape(Protocol):
    """How rows stand in a file. Rows are numbered from 0, headers and blank lines not counted."""

    def rows(self, path: Path) -> Iterator[str]:
        """Text of every row."""
        ...

    def copy(self, path: Path, target: Path, without: Collection[int]) -> None:
        """Write the file anew without some rows, all else as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """Text of rows after `head` rows of headers."""

    dialect: Dialect
    head: int

    def rows(self, path: Path) -> Iterator[str]:
        """Text of every row, without the line end."""
        texts_of_rows = (text for is_row, text in texts(path, self.dialect) if is_row)
        for number, text in enumerate(texts_of_rows):
            if number >= self.head:
                yield text.rstrip("\r\n")

    def copy(self, path: Path, target: Path, without: Collection[int]) -> None:
        """Write the text anew without some rows."""
        kept: list[str] = []
        number = -self.head
        for is_row, text in texts(path, self.dialect):
            if not is_row or number not in without:
                kept.append(text)
            number += is_row
        write_text(target, "".join(kept))


class JsonArray:
    """Elements of a JSON array."""

    def rows(self, path: Path) -> Iterator[str]:
        """Text of every element."""
        for element in json_array.elements(path):
            yield element.text

    def copy(self, path: Path, target: Path, without: Collection[int]) -> None:
        """Write the array anew, an element a line."""
        kept = [text for number, text in enumerate(self.rows(path)) if number not in without]
        write_text(target, "[\n" + ",\n".join(kept) + "\n]\n")


class CsvOrParquet:
    """CSV with a header, or Parquet, by what the file is."""

    def rows(self, path: Path) -> Iterator[str]:
        """Text of every row; of Parquet, its cells separated by commas."""
        if not parquet.is_parquet(path):
            yield from HEADED.rows(path)
            return
        for cells in parquet.read_frame(path).astype("string[pyarrow]").fillna("").itertuples(index=False):
            yield ",".join(cells)

    def copy(self, path: Path, target: Path, without: Collection[int]) -> None:
        """Write the file anew without some rows."""
        if not parquet.is_parquet(path):
            HEADED.copy(path, target, without)
            return
        frame = parquet.read_frame(path)
        keep = np.ones(len(frame), dtype=bool)
        keep[list(without)] = False
        try:
            frame[keep].to_parquet(target, index=False)
        except OSError as error:
            raise InputError(f"cannot write the file: {error.strerror or error}", file=target) from error


HEADED = Lines(COMMAS, 1)
BARE = Lines(COMMAS, 0)
TABBED = Lines(TABS, 0)
WORDED = Lines(WORDS, 0)
JSON_ARRAY = JsonArray()
PLAIN = CsvOrParquet()
