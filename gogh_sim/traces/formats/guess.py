"""Which format a trace file has, told by its first row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gogh_sim.errors import InputError
from gogh_sim.limits import LONGEST_LINE
from gogh_sim.traces import parquet
from gogh_sim.traces.files import open_text
from gogh_sim.traces.formats import (
    acme,
    gavel,
    helios,
    itp,
    openb,
    pai,
    pai_tables,
    philly_list,
    plain,
    pollux,
    spot,
    swf,
)

HEADERS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "acme": (acme.COLUMNS,),
        "helios": (helios.COLUMNS,),
        "itp": (itp.COLUMNS,),
        "openb": (openb.POD_COLUMNS,),
        "pai": pai.LAYOUTS,
        "philly_list": philly_list.LAYOUTS,
        "plain": plain.LAYOUTS,
        "pollux": (pollux.COLUMNS,),
        "spot": (spot.COLUMNS,),
    }
)
"""Columns that the header of each format holds, layout by layout."""


def guess(path: Path | str) -> str:
    """Name of the format that the file has.

    Raises
    ------
    InputError
        If the file cannot be opened, or its first row is that of no format.
    """
    path = Path(path)
    if path.is_dir():
        return "pai_tables"
    if parquet.is_parquet(path):
        return "plain"
    first = _first_line(path)
    found = _by_header({name.strip() for name in first.split(",")}) or _by_width(first)
    if found is None:
        what = f"expected the first row of a trace format, found {first[:60]!r}; name the format by --format"
        raise InputError(what, file=path)
    return found


def _first_line(path: Path) -> str:
    """The first line that is neither blank nor a comment of the Standard Workload Format."""
    # By pieces: what is an array of records may stand in one line.
    with open_text(path, longest_line=None) as stream:
        lines = (line.strip("\r\n") for line in iter(lambda: stream.readline(LONGEST_LINE), ""))
        return next((line for line in lines if line.strip() and not line.lstrip().startswith(";")), "")


def _by_header(names: set[str]) -> str | None:
    """Format of the longest layout that the names hold."""
    held = [(len(layout), form) for form, layouts in HEADERS.items() for layout in layouts if names >= set(layout)]
    return max(held)[1] if held else None


def _by_width(line: str) -> str | None:
    if line.lstrip().startswith("["):
        return "philly"
    if line.count("\t") + 1 in {len(layout) for layout in gavel.LAYOUTS}:
        return "gavel"
    if len(line.split()) == len(swf.FIELDS):
        return "swf"
    return "pai_tables" if line.count(",") + 1 == len(pai_tables.TASK) else None
