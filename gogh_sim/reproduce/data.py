"""Where the published data and results lie: the user's copy, which does not come with the package."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gogh_sim.errors import InputError
from gogh_sim.traces.files import read_text

VARIABLE = "GOGH_DATA"
"""Environment variable that names the folder."""


def data_folder() -> Path:
    """Folder of public data sets: the one named by `VARIABLE`, else ``../shared/data`` beside the repository.

    Raises
    ------
    InputError
        If there is none.
    """
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get(VARIABLE, beside))
    if not folder.is_dir():
        raise InputError(f"expected the folder of published data and results; set {VARIABLE}", file=folder)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file with a header."""
    return list(csv.DictReader(read_text(path).splitlines()))


def fields(path: Path) -> list[list[str]]:
    """Fields of a tab-separated file without a header."""
    return [line.split("\t") for line in read_text(path).splitlines() if line]


def document(path: Path) -> Any:
    """Content of a JSON file."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"expected JSON: {error}", file=path) from error


def only(rows: Sequence[dict[str, str]], path: Path, **where: str) -> dict[str, str]:
    """The first row with these cells.

    Raises
    ------
    InputError
        If there is none.
    """
    for row in rows:
        if all(row.get(column) == value for column, value in where.items()):
            return row
    raise InputError(f"expected a row with {where}", file=path)
