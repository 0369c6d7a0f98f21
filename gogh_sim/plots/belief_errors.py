"""How wrong policies believe the rates of their jobs to be, over a run."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from gogh_sim.plots.legends import legend_of_figure
from gogh_sim.plots.style import new_figure, policy_look


def belief_errors(table: pd.DataFrame) -> Figure:
    """Median error over time since the start, a panel per kind of situation, a line per policy; bands are limits.

    Parameters
    ----------
    table
        ``policy``, ``situation`` (a panel each), ``time_h``, ``found`` and its limits ``low`` and ``high``, percent.
    """
    situations = list(dict.fromkeys(table["situation"]))
    figure = new_figure(height_in=2.6, width_in=5.6)
    axes = figure.subplots(1, len(situations), sharey=True, squeeze=False)[0]
    for ax, situation in zip(axes, situations, strict=True):
        for policy, rows in table[table["situation"] == situation].groupby("policy", sort=False):
            look = policy_look(str(policy))
            ordered = rows.sort_values("time_h")
            low, high = ordered["low"].clip(lower=0), ordered["high"]
            ax.fill_between(ordered["time_h"], low, high, color=look.color, alpha=0.15, linewidth=0)
            ax.plot(ordered["time_h"], ordered["found"], color=look.color, linestyle=look.linestyle, label=str(policy))
        ax.set(xlabel="Time since start (h)", title=situation)
    axes[0].set_ylabel("Median error of believed rates (%)")
    axes[0].set_ylim(0, 1.15 * float(table["found"].max()))
    handles, labels = axes[0].get_legend_handles_labels()
    legend_of_figure(figure, dict(zip(labels, handles, strict=True)))
    return figure
