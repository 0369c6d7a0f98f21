"""Where policies stand: a row per policy, a panel per measure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from gogh_sim.plots.style import new_figure, policy_look

_ROW_IN = 0.16


def standing(table: pd.DataFrame) -> Figure:
    """Measures side by side, policies from the least of the first measure, on top, to its greatest; bars are limits.

    Parameters
    ----------
    table
        ``policy``, ``measure`` (a panel each, with its unit), ``found`` and its limits ``low`` and ``high``.
    """
    measures = list(dict.fromkeys(table["measure"]))
    order = table[table["measure"] == measures[0]].sort_values("found", ascending=False)["policy"].tolist()
    figure = new_figure(height_in=0.6 + _ROW_IN * len(order), width_in=5.2)
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for ax, measure in zip(axes, measures, strict=True):
        own = table[table["measure"] == measure].set_index("policy").loc[order]
        for row, (policy, found) in enumerate(own.iterrows()):
            look = policy_look(str(policy))
            ax.plot([found["low"], found["high"]], [row, row], color=look.color, linewidth=0.9)
            ax.plot(found["found"], row, color=look.color, marker=look.marker, markersize=4, linestyle="none")
        ax.set_xlabel(measure)
    axes[0].set_yticks(range(len(order)), order)
    axes[0].set_ylim(-0.6, len(order) - 0.4)  # markers are more than half a row high
    return figure
