"""The hand-written inputs of the calibration: which models, and which public rows tell their step times."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any, cast

import pandas as pd


@dataclass(frozen=True, slots=True)
class Inputs:
    """Tables of `inputs/`: one row per model, and one row per model and measured GPU variant."""

    models: pd.DataFrame
    anchors: pd.DataFrame


def load_inputs() -> Inputs:
    """Read the tables that ship beside this module."""
    return Inputs(models=_read("models.csv").set_index("model"), anchors=_read("anchors.csv"))


def batches_of(cell: object) -> tuple[int, ...]:
    """Batch sizes of a cell such as ``"8;16"`` (a lone number is read as such); empty for an empty cell."""
    return () if pd.isna(cast(Any, cell)) else tuple(int(float(x)) for x in str(cell).split(";"))


def _read(name: str) -> pd.DataFrame:
    path = resources.files("gogh_sim.profiles.calibration") / "inputs" / name
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file)
