"""A profile as a folder: every table that ``profile.name=FOLDER`` needs."""

from __future__ import annotations

from pathlib import Path

from gogh_sim.errors import InputError
from gogh_sim.profiles.load import build
from gogh_sim.profiles.tables import Tables, write_tables


def writable(out: Path) -> Path:
    """`out`, if it is a folder or can be made one; `InputError` otherwise."""
    if out.exists() and not out.is_dir():
        raise InputError("expected a folder to write into, found a file", file=out)
    if not out.absolute().parent.is_dir():
        raise InputError(f"expected a folder to write into, found none at {out.parent}", file=out)
    return out


def write_profile(tables: Tables, out: Path) -> None:
    """Write `tables` into `out`; made if missing.

    Raises
    ------
    InputError
        If the tables are not a valid profile; nothing is written then.
    """
    build(tables, out.name)
    write_tables(vars(tables), writable(out))
