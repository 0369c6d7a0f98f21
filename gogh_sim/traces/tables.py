"""Access to the shipped tables of statistics."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from gogh_sim.types import FloatArray


@cache
def load(name: str) -> dict[str, Any]:
    """Table ``statistics/<name>.json``; not to be changed."""
    text = files("gogh_sim.traces").joinpath("statistics", f"{name}.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def pick(shares: dict[str, float], uniform: FloatArray) -> npt.NDArray[np.str_]:
    """Names drawn in proportion to their shares, by numbers in [0, 1)."""
    names: npt.NDArray[np.str_] = np.array(list(shares))
    edges = np.cumsum(list(shares.values()))
    found: npt.NDArray[np.str_] = names[
        np.minimum(np.searchsorted(edges, uniform * edges[-1], "right"), len(names) - 1)
    ]
    return found
