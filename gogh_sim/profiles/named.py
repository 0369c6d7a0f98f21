"""Profiles by name: shipped, made from the user's copy of public data, or a folder of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.gavel import gavel_tables
from gogh_sim.profiles.load import build, folder_of, name_of, shipped_folder
from gogh_sim.profiles.profile import Profile
from gogh_sim.profiles.public_data import data_folder
from gogh_sim.profiles.sharing import SLICES, read_slices
from gogh_sim.profiles.tables import Tables, read_tables

FROM_PUBLIC_DATA: Mapping[str, Callable[[Path], Tables]] = {"gavel": gavel_tables}
"""Profiles that hold measured rows of others, and so are made from the data folder whenever they are asked for."""


def tables_of(name: str) -> Tables:
    """Tables of a profile by name, or in the folder of that path.

    Raises
    ------
    InputError
        If there is no such profile, or its data are missing or faulty.
    """
    if name in FROM_PUBLIC_DATA:
        return FROM_PUBLIC_DATA[name](data_folder())
    return read_tables(folder_of(name))


def slices_of(name: str) -> pd.DataFrame:
    """MIG slices of a profile's own folder where it holds a table of them, else those that ship."""
    if name not in FROM_PUBLIC_DATA and (folder_of(name) / SLICES).is_file():
        return read_slices(folder_of(name))
    return read_slices(shipped_folder("calibrated"))


def load(name: str = "calibrated") -> Profile:
    """A profile by name, or in the folder of that path.

    Raises
    ------
    InputError
        If there is no such profile, or a table lacks a column, a cell or a valid number; the message names the place.
    """
    return build(tables_of(name), name_of(name))
