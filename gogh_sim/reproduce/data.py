"""Where the published data and results lie: the user's copy, which does not come with the package."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json
from gogh_sim.profiles.public_data import VARIABLE, data_folder
from gogh_sim.traces.files import read_text

__all__ = ["VARIABLE", "data_folder", "document", "fields", "only", "table"]


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file with a header."""
    return list(csv.DictReader(read_text(path).splitlines()))


def fields(path: Path) -> list[list[str]]:
    """Fields of a tab-separated file without a header."""
    return [line.split("\t") for line in read_text(path).splitlines() if line]


def document(path: Path) -> Any:
    """Content of a JSON file."""
    return parsed_json(read_text(path), path)


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
