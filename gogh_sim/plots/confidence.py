"""Confidence asked of an estimate against how often it held."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import SOURCE_LOOKS, new_axes

_SHARES = {"speed": "-", "norm": ":"}
"""Line styles of speeds alone and of normalised throughputs."""


def confidence_held(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of rates that were at least what was believed of them, over the confidence asked; on the line it is honest.

    Below the line beliefs are too bold, above it too cautious. Bands are 95 % intervals over seeds.

    Parameters
    ----------
    table
        ``source`` ("P1", "P2"), ``what`` ("speed", "norm"), ``confidence``, ``found``, ``ci_low``, ``ci_high``.
    """
    ax = ax or new_axes(height_in=3.2)
    for (source, what), part in table.groupby(["source", "what"], sort=False):
        look = SOURCE_LOOKS[str(source)]
        rows = part.sort_values("confidence")
        ax.fill_between(rows["confidence"], rows["ci_low"], rows["ci_high"], color=look.color, alpha=0.12, linewidth=0)
        ax.plot(
            rows["confidence"],
            rows["found"],
            color=look.color,
            linestyle=_SHARES[str(what)],
            marker=look.marker,
            markersize=3,
            label=f"{source}, {what}",
        )
    ax.plot([0, 1], [0, 1], color="#7f7f7f", linewidth=0.8, label="_nolegend_", zorder=0)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="Confidence asked", ylabel="Share that held")
    ax.set_aspect("equal")
    legend_above(ax, columns=2)
    return ax
