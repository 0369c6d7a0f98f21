"""Energy against SLO attainment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gogh_sim.metrics.statistics import Interval, mean_interval
from gogh_sim.plots.style import by_policy, legend_above, new_axes, policy_look


def energy_against_slo(summaries: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Node energy against SLO attainment, a labelled point per policy; 95 % intervals over seeds where several.

    Down and to the right is better. Policies without a known attainment are not points; the axis label counts them.

    Parameters
    ----------
    summaries
        ``node_energy_kwh``, ``slo_attainment``; optionally ``scheduler``. A row per run.
    """
    ax = ax or new_axes()
    left_out = 0
    for scheduler, part in by_policy(summaries):
        look = policy_look(scheduler)
        attained = mean_interval(100 * part["slo_attainment"].to_numpy(np.float64))
        energy = mean_interval(part["node_energy_kwh"].to_numpy(np.float64))
        if attained.n == 0:
            left_out += 1
            continue
        ax.errorbar(
            attained.mean,
            energy.mean,
            xerr=_half(attained),
            yerr=_half(energy),
            label=scheduler or None,
            color=look.color,
            marker=look.marker,
            markersize=7 if look.marker == "*" else 5,
            linestyle="none",
            elinewidth=0.8,
            capsize=2,
        )
    note = f"; {left_out} without SLA not shown" if left_out else ""
    ax.set(xlabel=f"SLO attainment (%){note}", ylabel="Node energy (kWh)")
    ax.margins(0.12)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    legend_above(ax)
    return ax


def _half(interval: Interval) -> float | None:
    return interval.half_width if interval.n > 1 else None
