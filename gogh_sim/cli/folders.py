"""The folder of a run: whole, or to be done again.

A run is written into a folder of its own inside (`.part-<host>-<process>`), whose files are moved up when the last is
there, summary.json after all others. So a folder is whole exactly if it holds a summary.json, and a killed run, or two
processes at the same run, leave no mixture.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json

SUMMARY = "summary.json"
CONFIG = ".hydra"
PROGRESS = "progress"
"""File in a run's unfinished folder: the share done, as text."""

OF_A_SWEEP = ("multirun.yaml", ".submitit")
"""What Hydra and its launchers write into a sweep's folder before any run has written anything."""

_UNFINISHED = ".part-"


def first_existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    whole = folder.absolute()
    return next(place for place in (whole, *whole.parents) if place.exists())


def found_identity(folder: Path) -> str | None:
    """Identity of the whole run in a folder; None where there is none, empty where a run says nothing of it."""
    try:
        summary = parsed_json((folder / SUMMARY).read_bytes(), folder / SUMMARY)
    except (OSError, InputError):
        return None
    return str(summary.get("identity", "")) if isinstance(summary, dict) else None


def runs_in(sweep: Path) -> dict[Path, str]:
    """Identities of the whole runs at or below a sweep's folder, by their folders, in order of path."""
    folders = (file.parent for file in sorted(sweep.rglob(SUMMARY)))
    found = ((folder, found_identity(folder)) for folder in folders if not folder.name.startswith(_UNFINISHED))
    return {folder: known for folder, known in found if known is not None}


def share_done(out: Path) -> float:
    """Share of an unfinished run that its furthest attempt has done, in [0, 1]; 0 where none has begun."""
    shares = [0.0]
    for file in out.glob(f"{_UNFINISHED}*/{PROGRESS}"):
        try:
            shares.append(float(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # just being written, or just moved away
            continue
    return max(shares)


@contextmanager
def written_aside(out: Path, known: str) -> Iterator[Path]:
    """Give a folder to write a run into; when the block ends well its files become those of `out`.

    A run with identity `known` that another process has finished meanwhile stays, and this one is dropped. If the
    block does not end well, nothing is left of it; `out` itself goes, where it holds nothing else.
    """
    aside = out / f"{_UNFINISHED}{socket.gethostname()}-{os.getpid()}"
    clear_dead(out)
    aside.mkdir(parents=True)
    try:
        yield aside
        (aside / PROGRESS).unlink(missing_ok=True)
        if found_identity(out) != known:
            _move_up(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        remove_if_empty(out)


def remove_empty(folder: Path, existing: Path) -> None:
    """Remove a folder and those above it, up to `existing`, as far as they hold nothing but what Hydra wrote."""
    whole = folder.absolute()
    for place in (whole, *whole.parents):
        if place == existing or not place.is_dir() or any(e.name not in OF_A_SWEEP for e in place.iterdir()):
            break
        shutil.rmtree(place)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _move_up(aside: Path, out: Path) -> None:
    """Replace what `out` has of a run; what it may hold beside stays."""
    (out / SUMMARY).unlink(missing_ok=True)  # what is replaced piece by piece is not whole
    entries = sorted(aside.iterdir(), key=lambda entry: (entry.name == SUMMARY, entry.name))
    for entry in entries:
        target = out / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)


def clear_dead(out: Path) -> None:
    """Remove what killed processes of this machine left; those of another machine may be alive."""
    for left in out.glob(f"{_UNFINISHED}{socket.gethostname()}-*"):
        number = left.name.rpartition("-")[2]
        if not (number.isdigit() and int(number) != os.getpid() and _alive(int(number))):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
