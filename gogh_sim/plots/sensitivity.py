"""How a measure follows a parameter that a sweep varied."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import by_policy, new_axes, policy_look


def sensitivity(
    summaries: pd.DataFrame, parameter: str, measure: str, label: str, ax: Axes | None = None, scale: float = 1.0
) -> Axes:
    """Mean of a measure over the values of a parameter, a line per policy; 95 % bands over seeds where several.

    Parameters
    ----------
    summaries
        Columns `parameter` and `measure`, both numbers; optionally ``scheduler``. A row per run.
    label
        The measure with its unit, for the axis.
    scale
        Units of the axis per unit of the measure.
    """
    ax = ax or new_axes()
    for scheduler, part in by_policy(summaries):
        look = policy_look(scheduler)
        values = np.sort(part[parameter].dropna().unique())
        found = [mean_interval(scale * part.loc[part[parameter] == v, measure].to_numpy(np.float64)) for v in values]
        ax.plot(
            values,
            [interval.mean for interval in found],
            color=look.color,
            linestyle=look.linestyle,
            marker=look.marker,
            markersize=4,
            label=scheduler or "_nolegend_",
        )
        low, high = [i.low for i in found], [i.high for i in found]
        if not np.isnan(low).all():
            ax.fill_between(values, low, high, color=look.color, alpha=0.15, linewidth=0)
    ax.set(xlabel=parameter, ylabel=label)
    legend_above(ax)
    return ax
