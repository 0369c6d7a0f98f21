"""Where public data sets lie: the user's copy, which does not come with the package."""

from __future__ import annotations

import os
from pathlib import Path

from gogh_sim.errors import InputError

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
        raise InputError(f"expected the folder of public data sets; set {VARIABLE}", file=folder)
    return folder
