"""A policy's frontier of energy against service, while its settings vary, beside policies that have one point each."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.plots.style import new_axes, policy_look

_LINES = ("-", (0, (3.0, 1.5)), (0, (1.0, 1.2)))
_MARKERS = ("o", "^", "s")
_LEAST_SLO, _MOST_SLO = 0.0, 100.0


def frontier(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Energy against SLO attainment: a curve per knob with its values beside it, a named point per other policy.

    Down and to the right is better.

    Parameters
    ----------
    table
        ``policy``, ``energy_mean`` and ``slo_mean`` with limits ``_low`` and ``_high``, percent; ``knob`` and ``value``
        of points on a curve, "" and nan of others.
    """
    ax = ax or new_axes(height_in=3.6, width_in=5.2)
    for row in table[table["knob"] == ""].to_dict("records"):
        policy, slo, energy = str(row["policy"]), row["slo_mean"], row["energy_mean"]
        look = policy_look(policy)
        reach = [max(row["slo_low"], _LEAST_SLO), min(row["slo_high"], _MOST_SLO)]
        ax.plot(reach, [energy] * 2, color=look.color, linewidth=0.5, alpha=0.5)
        ax.plot([slo] * 2, [row["energy_low"], row["energy_high"]], color=look.color, linewidth=0.5, alpha=0.5)
        ax.plot(slo, energy, color=look.color, marker=look.marker, ms=4, linestyle="none", label=policy)
    curves = table[table["knob"] != ""]
    for number, (knob, points) in enumerate(curves.groupby("knob", sort=False)):
        look = policy_look(str(points["policy"].iloc[0]))
        ordered = points.sort_values("value")
        ax.plot(
            ordered["slo_mean"],
            ordered["energy_mean"],
            color=look.color,
            linestyle=_LINES[number % len(_LINES)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            label=f"{points['policy'].iloc[0]}, {knob}",
        )
        right = number % 2 == 0
        # Values that change nothing lie on one point and are named together there.
        for (x, y), here in ordered.groupby(["slo_mean", "energy_mean"], sort=False):
            values = ", ".join(f"{value:g}" for value in here["value"])
            beside, side = ((6, -2), "left") if right else ((-6, -2), "right")
            ax.annotate(values, (x, y), xytext=beside, textcoords="offset points", fontsize=6, ha=side)
    ax.set(xlabel="SLO attainment (%)", ylabel="Energy (% of conventional mean)")
    ax.margins(0.06)
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.legend(loc="outside right upper", ncols=1)
    return ax
