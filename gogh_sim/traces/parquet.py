"""Parquet files as tables of text, so that the same checks hold for them as for CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gogh_sim.errors import InputError
from gogh_sim.limits import check_ratio, most_bytes, too_large
from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.table import MOST_COLUMNS, Table, check_header

_BATCH_ROWS = 4096
_CELL_BYTES = 8
"""Least bytes of a cell in memory, however few it has in the file."""

_MAGIC = b"PAR1"  # first four bytes of a Parquet file, by its format description


def is_parquet(path: Path) -> bool:
    """Whether the name or the first bytes say so; a file that cannot be opened is none."""
    try:
        with path.open("rb") as stream:
            return path.suffix == ".parquet" or stream.read(4) == _MAGIC
    except OSError:
        return False


def read_table(path: Path, layouts: Sequence[Sequence[str]], ledger: Ledger) -> Table:
    """Read a file that holds all columns of one of the layouts; "lines" are rows, counted from 1.

    Raises
    ------
    InputError
        If the file is no Parquet, lacks a column, or holds a column that is no plain value.
    """
    frame = read_frame(path)
    check_header(path, [str(name) for name in frame.columns], layouts)
    columns = {str(name): _text(path, frame[name]) for name in frame}
    return Table(columns, np.arange(1, len(frame) + 1, dtype=np.int64), ledger)


def read_frame(path: Path) -> pd.DataFrame:
    """The file's columns, in its own types.

    Repeated values take no space in Parquet, so a small file can hold more than any memory. What its footer claims is
    held against the bounds of `limits` first, and then what is really unpacked, row group by row group, in small
    batches; texts are counted at their full length.

    Raises
    ------
    InputError
        If it is no Parquet, or beyond a bound.
    """
    try:
        with pq.ParquetFile(path) as file:
            texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
            _check_claims(path, file.metadata)
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            frame: pd.DataFrame = _unpacked(path, file).to_pandas(types_mapper=pd.ArrowDtype)
            return frame
    except OSError as error:
        raise InputError(f"expected a whole Parquet file: {error}", file=path) from error
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:  # what Arrow's errors derive from
        raise InputError(f"expected Parquet: {error}", file=path) from error


def _check_claims(path: Path, claims: pq.FileMetaData) -> None:
    if claims.num_columns > MOST_COLUMNS:
        raise InputError(f"expected at most {MOST_COLUMNS} columns, found {claims.num_columns}", file=path)
    groups = [claims.row_group(i) for i in range(claims.num_row_groups)]
    least = _CELL_BYTES * sum(max(group.num_rows, 0) for group in groups) * claims.num_columns
    told = sum(max(group.total_byte_size, 0) for group in groups)
    _check_content(path, max(least, told))


def _check_content(path: Path, count: int) -> None:
    if count > most_bytes():
        raise too_large(path, most_bytes(), settable=True)
    check_ratio(path, count, path.stat().st_size)


def _unpacked(path: Path, file: pq.ParquetFile) -> pa.Table:
    """The table, with texts as texts."""
    total = 0
    batches = []
    for batch in file.iter_batches(_BATCH_ROWS):
        total += sum(_text_bytes(column) for column in batch.columns)
        _check_content(path, total)
        batches.append(pa.record_batch([_plain(column) for column in batch.columns], names=batch.schema.names))
    schema = pa.schema(
        [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in file.schema_arrow]
    )
    return pa.Table.from_batches(batches, schema if not batches else None)


def _text_bytes(column: pa.Array) -> int:
    """Bytes that a column takes with every text written out."""
    if not pa.types.is_dictionary(column.type):
        return max(int(column.nbytes), _CELL_BYTES * len(column))
    lengths = pc.binary_length(column.dictionary)
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0) + _CELL_BYTES * len(column)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _text(path: Path, column: pd.Series[Any]) -> pd.Series[str]:
    try:
        cells = column.astype("string[pyarrow]").fillna("")
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"expected plain values: {error}", file=path, column=str(column.name)) from error
    return pd.Series(cells.astype(str).str.strip().array, dtype=str)
