"""Parquet files as tables of text, so that the same checks hold for them as for CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.table import Table, check_header

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
    """The file's columns, in its own types; an `InputError` if it is no Parquet."""
    try:
        return pd.read_parquet(path, dtype_backend="pyarrow")
    except OSError as error:
        raise InputError(f"expected a whole Parquet file: {error}", file=path) from error
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:  # what Arrow's errors derive from
        raise InputError(f"expected Parquet: {error}", file=path) from error


def _text(path: Path, column: pd.Series[Any]) -> pd.Series[str]:
    try:
        cells = column.astype("string[pyarrow]").fillna("")
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"expected plain values: {error}", file=path, column=str(column.name)) from error
    return pd.Series(cells.astype(str).str.strip().array, dtype=str)
