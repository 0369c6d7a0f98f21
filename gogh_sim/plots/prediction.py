"""How wrong the learner's predictions are as it learns."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.metrics.prediction import SOURCES, running_mape
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import SOURCE_LOOKS, TimeUnit, new_axes, time_unit

WINDOW = 100
"""Predictions in the running mean."""

FEWEST = 10
"""Predictions that the first point drawn averages (all, where there are fewer): means of one or two say little."""


def error_over_time(
    estimates: pd.DataFrame, ax: Axes | None = None, window: int = WINDOW, unit: TimeUnit | None = None
) -> Axes:
    """Running mean absolute percentage error by source of the prediction (P1, P2, measured).

    Parameters
    ----------
    estimates
        ``time_s``, ``source``, ``predicted_rate``, ``measured_rate``; of one run, or of several pooled.
    window
        Predictions of one source that a point averages, fewer at the beginning.
    unit
        Of the time axis; by default what suits the estimates.
    """
    ax = ax or new_axes()
    span_s = float(estimates["time_s"].max()) if len(estimates) else 0.0
    unit = unit or time_unit(span_s)
    for source in SOURCES:
        error = running_mape(estimates, source, window)
        if error.empty:
            continue
        error = error.iloc[min(FEWEST, len(error)) - 1 :]
        look = SOURCE_LOOKS[source]
        ax.step(
            error["time_s"] / unit.seconds,
            error["mape"],
            where="post",
            color=look.color,
            linestyle=look.linestyle,
            label=source,
        )
    ax.set(xlabel=f"Time ({unit.name})", ylabel=f"MAPE, last {window} (%)")
    ax.set_ylim(bottom=0)
    legend_above(ax, columns=3)
    return ax
