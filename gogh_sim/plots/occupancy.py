"""How many GPUs of each type hold a job, over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.metrics.statistics import bin_edges, bin_means
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.power import BINS
from gogh_sim.plots.style import TimeUnit, new_axes, time_unit, type_color

_PREFIX = "busy_"


def occupancy_by_type(
    timeline: pd.DataFrame,
    ax: Axes | None = None,
    gpus_per_type: Mapping[str, int] | None = None,
    bins: int = BINS,
    unit: TimeUnit | None = None,
) -> Axes:
    """GPUs with at least one job, stacked by type; a line marks how many there are where that is given.

    Parameters
    ----------
    timeline
        ``time_s`` and ``busy_<GPU type>`` of one run.
    gpus_per_type
        How many GPUs the cluster has of each type.
    bins
        Bins of equal length; each shows its exact time-weighted mean.
    unit
        Of the time axis; by default what suits the run.
    """
    ax = ax or new_axes()
    time_s = timeline["time_s"].to_numpy(np.float64)
    unit = unit or time_unit(time_s[-1] - time_s[0])
    edges_s = bin_edges(float(time_s[0]), float(time_s[-1]), bins)
    base = np.zeros(bins)
    for column in (c for c in timeline.columns if c.startswith(_PREFIX)):
        gpu_type = column.removeprefix(_PREFIX)
        top = base + bin_means(time_s, timeline[column].to_numpy(np.float64), edges_s)
        label = gpu_type if gpus_per_type is None else f"{gpu_type} ({gpus_per_type.get(gpu_type, 0)})"
        ax.stairs(top, edges_s / unit.seconds, baseline=base, fill=True, color=type_color(gpu_type), label=label, lw=0)
        base = top
    if gpus_per_type is not None:
        ax.axhline(sum(gpus_per_type.values()), color="#333333", linewidth=0.8, linestyle=(0, (4, 2)))
    ax.set(
        xlabel=f"Time ({unit.name})",
        ylabel="GPUs in use",
        xlim=(edges_s[0] / unit.seconds, edges_s[-1] / unit.seconds),
    )
    ax.set_ylim(bottom=0)
    legend_above(ax)
    return ax
