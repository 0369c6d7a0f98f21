"""What was found beside what others published."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from gogh_sim.plots.legends import legend_of_figure
from gogh_sim.plots.style import COLUMN_WIDTH_IN, by_policy, new_figure, policy_look

_ALIASES = {"best-fit": "best_fit", "dot-product": "dot_product"}
"""Published names of policies, by the names that have a look here."""


def packing_curves(curves: pd.DataFrame) -> Figure:
    """Shares of GPUs allocated and fragmented against the load that has arrived; published values are markers.

    Parameters
    ----------
    curves
        ``policy``, ``measure`` (a panel each), ``arrived_percent``, ``found`` with its 95 % limits ``low`` and
        ``high``, ``published`` (nan where nothing was); percent of all GPUs.
    """
    measures = list(dict.fromkeys(curves["measure"]))
    figure = new_figure(height_in=1.0 + 1.6 * len(measures), width_in=COLUMN_WIDTH_IN)
    axes = figure.subplots(len(measures), 1, sharex=True, squeeze=False)[:, 0]
    for ax, measure in zip(axes, measures, strict=True):
        own = curves[curves["measure"] == measure]
        for policy, part in by_policy(own.assign(scheduler=own["policy"].replace(_ALIASES))):
            look = policy_look(policy)
            across = part["arrived_percent"]
            ax.plot(across, part["found"], color=look.color, linestyle=look.linestyle, label=policy)
            ax.fill_between(across, part["low"], part["high"], color=look.color, alpha=0.15, linewidth=0)
            ax.plot(across, part["published"], color=look.color, marker=look.marker, markersize=4, linestyle="none")
        ax.set(ylabel=f"GPUs {measure} (%)")
    axes[-1].set_xlabel("Arrived load (% of GPUs)")
    handles, labels = axes[0].get_legend_handles_labels()
    legend_of_figure(figure, dict(zip(labels, handles, strict=True)), loc="outside upper left")
    return figure
