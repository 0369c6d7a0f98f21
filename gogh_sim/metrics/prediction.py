"""Errors of the learner's beliefs against what was then measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray

SOURCES = ("P1", "P2", "measured")
"""Where a belief can come from, in the order in which it is refined."""


def percentage_error(estimates: pd.DataFrame) -> FloatArray:
    """Per estimate: ``100 * |predicted - measured| / measured``, in percent."""
    predicted = estimates["predicted_rate"].to_numpy(dtype=np.float64)
    measured = estimates["measured_rate"].to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~(measured > 0) | ~np.isfinite(predicted))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"estimate {row}: expected a finite prediction and a positive measured rate, "
            f"found {predicted[row]} and {measured[row]}"
        )
    return np.asarray(100 * np.abs(predicted - measured) / measured, dtype=np.float64)


def mape(estimates: pd.DataFrame, source: str) -> float:
    """Mean absolute percentage error, in percent, of the estimates from one source; nan where there are none."""
    error = percentage_error(estimates[estimates["source"] == source])
    return float(error.mean()) if error.size else float("nan")


def running_mape(estimates: pd.DataFrame, source: str, window: int) -> pd.DataFrame:
    """Mean percentage error over the last `window` estimates of one source, fewer at the beginning.

    Returns
    -------
    DataFrame
        ``time_s`` and ``mape`` (percent), a row per estimate of that source in order of time.
    """
    own = estimates[estimates["source"] == source].sort_values("time_s", kind="stable")
    total = np.concatenate([[0.0], np.cumsum(percentage_error(own))])
    last = np.arange(1, len(own) + 1)
    first = np.maximum(0, last - window)
    return pd.DataFrame({"time_s": own["time_s"].to_numpy(), "mape": (total[last] - total[first]) / (last - first)})
