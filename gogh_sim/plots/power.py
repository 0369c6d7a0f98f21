"""Node power over time by policy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.metrics.statistics import bin_edges, bin_means
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import by_policy, by_run, new_axes, policy_look, time_unit

BINS = 200
"""Bins over the longest run; each shows its exact time-weighted mean, so areas are energies."""


def power_over_time(timeline: pd.DataFrame, ax: Axes | None = None, bins: int = BINS) -> Axes:
    """Power of all nodes, a step line per policy; the mean over its runs where it has several.

    Parameters
    ----------
    timeline
        ``time_s``, ``node_w``; optionally ``scheduler`` and ``run``.
    bins
        Bins of equal length over the longest run; 0 W after a shorter one has closed.
    """
    ax = ax or new_axes()
    start_s, end_s = float(timeline["time_s"].min()), float(timeline["time_s"].max())
    unit = time_unit(end_s - start_s)
    edges_s = bin_edges(start_s, end_s, bins)
    for scheduler, part in by_policy(timeline):
        look = policy_look(scheduler)
        runs = np.array(
            [
                bin_means(run["time_s"].to_numpy(np.float64), run["node_w"].to_numpy(np.float64) / 1000, edges_s)
                for run in by_run(part)
            ]
        )
        edges = edges_s / unit.seconds
        ax.stairs(
            runs.mean(axis=0),
            edges,
            baseline=None,
            label=scheduler or None,
            color=look.color,
            linestyle=look.linestyle,
            linewidth=1.2,
        )
    ax.set(xlabel=f"Time ({unit.name})", ylabel="Node power (kW)", xlim=(edges_s[0] / unit.seconds, edges[-1]))
    ax.set_ylim(bottom=0)
    legend_above(ax)
    return ax
