"""No half-written folders: what a failed run leaves is removed, unless it holds results."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIG_ONLY = (".hydra", "multirun.yaml")
"""What Hydra writes into a folder before the run writes anything."""


def first_existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    whole = folder.absolute()
    return next(place for place in (whole, *whole.parents) if place.exists())


@contextmanager
def cleared_on_failure(out: Path, existing: Path) -> Iterator[None]:
    """If the block does not end well, remove `out` and the folders above it, up to `existing`, that hold no results."""
    try:
        yield
    except BaseException:
        whole = out.absolute()
        for folder in (whole, *whole.parents):
            if folder == existing or not _without_results(folder):
                break
            shutil.rmtree(folder)
        raise


def _without_results(folder: Path) -> bool:
    return folder.is_dir() and all(entry.name in _CONFIG_ONLY for entry in folder.iterdir())
