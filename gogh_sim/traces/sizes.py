"""Classes of gang size, by which durations and endings are tabled."""

from __future__ import annotations

from typing import Any

import numpy as np

CLASS_EDGES = (1, 2, 5, 9)
CLASS_NAMES = ("1", "2-4", "5-8", ">8")


def size_class(num_gpus: Any) -> Any:
    """Number of the gang's class in `CLASS_NAMES`."""
    return np.searchsorted(CLASS_EDGES, num_gpus, side="right") - 1
