"""Rows of a user's CSV: read as text, then checked cell by cell, so that a message can name line and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.limits import check_size


def read_rows(path: Path, columns: Sequence[str], what: str) -> pd.DataFrame:
    """Rows as text, with the column ``line`` of where each stands.

    Lines that begin with # and empty lines are skipped, and counted.

    Raises
    ------
    InputError
        If there is no such file, it is no CSV, or a column is missing.
    """
    if not path.is_file():
        raise InputError(f"expected a CSV of {what}, found none", file=path)
    try:
        check_size(path)
        text = path.read_text(encoding="utf-8-sig").splitlines()
        kept = [number for number, line in enumerate(text, start=1) if line.strip() and not line.startswith("#")]
        skipped = sorted(set(range(len(text))) - {number - 1 for number in kept})
        rows = pd.read_csv(path, dtype=str, skiprows=skipped, skip_blank_lines=False, encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", file=path) from error
    except (ValueError, pd.errors.ParserError) as error:  # no CSV, an empty one, not UTF-8
        raise InputError(f"expected a CSV of {what}: {error}", file=path) from error
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise InputError(f"expected columns {list(columns)}, found none named {missing}", file=path, line=kept[0])
    return rows.assign(line=kept[1 : len(rows) + 1])


def as_positive(rows: pd.DataFrame, columns: Sequence[str], path: Path) -> pd.DataFrame:
    """`rows` with these columns as numbers, empty cells as nan; `InputError` at the first that is not above 0."""
    for column in columns:
        values = pd.to_numeric(rows[column], errors="coerce")
        refuse(rows, rows[column].notna() & ~((values > 0) & np.isfinite(values)), path, column, "a positive number")
        rows = rows.assign(**{column: values.astype(np.float64)})
    return rows


def refuse(rows: pd.DataFrame, bad: pd.Series, file: Path, column: str, expected: str) -> None:
    """`InputError` that names the first bad row, if there is one."""
    if bad.any():
        row = rows[bad].iloc[0]
        raise InputError(f"expected {expected}, found {row[column]!r}", file=file, line=int(row["line"]), column=column)
