"""Energy against what it buys: SLO attainment, completion time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gogh_sim.metrics.statistics import Interval, mean_interval
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import Look, by_policy, new_axes, policy_look


def energy_against_slo(summaries: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Node energy against SLO attainment, a labelled point per policy; 95 % intervals over seeds where several.

    Down and to the right is better. Policies without a known attainment are not points; the axis label counts them.

    Parameters
    ----------
    summaries
        ``node_energy_kwh``, ``slo_attainment``; optionally ``scheduler``. A row per run.
    """
    return _energy_against(summaries, ax, "slo_attainment", "SLO attainment (%)", scale=100.0, most=100.0)


def energy_against_jct(summaries: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Node energy against mean job completion time, drawn as `energy_against_slo`; down and to the left is better.

    Parameters
    ----------
    summaries
        ``node_energy_kwh``, ``jct_mean_s``; optionally ``scheduler``. A row per run.
    """
    return _energy_against(summaries, ax, "jct_mean_s", "Mean JCT (hours)", scale=1 / 3600, most=np.inf)


def energy_slo_curve(summaries: pd.DataFrame, parameter: str, ax: Axes | None = None) -> Axes:
    """Node energy against SLO attainment while a parameter varies: a curve per policy, its ends marked by the values.

    Points are means over seeds, joined in order of the parameter, with 95 % intervals where there are several seeds.

    Parameters
    ----------
    summaries
        Columns `parameter` (numbers), ``node_energy_kwh``, ``slo_attainment``; optionally ``scheduler``. A row per run.
    """
    ax = ax or new_axes()
    for scheduler, part in by_policy(summaries):
        look = policy_look(scheduler)
        values = np.sort(part[parameter].dropna().unique())
        groups = [part[part[parameter] == value] for value in values]
        slo = [mean_interval(100 * group["slo_attainment"].to_numpy(np.float64)) for group in groups]
        energy = [mean_interval(group["node_energy_kwh"].to_numpy(np.float64)) for group in groups]
        for across, up in zip(slo, energy, strict=True):
            _cross(ax, across, up, look, most=100.0)
        ax.plot(
            [interval.mean for interval in slo],
            [interval.mean for interval in energy],
            color=look.color,
            linestyle=look.linestyle,
            marker=look.marker,
            markersize=4,
            label=scheduler or "_nolegend_",
        )
        for end in {0, len(values) - 1}:
            place = (slo[end].mean, energy[end].mean)
            ax.annotate(
                f"{values[end]:g}", place, xytext=(3, 3), textcoords="offset points", fontsize=6, color=look.color
            )
    ax.set(xlabel=f"SLO attainment (%), {parameter} as marked", ylabel="Node energy (kWh)")
    ax.margins(0.12)
    legend_above(ax)
    return ax


def _energy_against(
    summaries: pd.DataFrame, ax: Axes | None, measure: str, label: str, scale: float, most: float
) -> Axes:
    ax = ax or new_axes()
    left_out = 0
    for scheduler, part in by_policy(summaries):
        look = policy_look(scheduler)
        across = mean_interval(scale * part[measure].to_numpy(np.float64))
        energy = mean_interval(part["node_energy_kwh"].to_numpy(np.float64))
        if across.n == 0:
            left_out += 1
            continue
        _cross(ax, across, energy, look, most)
        size = 8 if look.marker == "*" else 5
        ax.plot(across.mean, energy.mean, color=look.color, marker=look.marker, markersize=size, linestyle="none")
        ax.lines[-1].set_label(scheduler or "_nolegend_")
    note = f"; {left_out} without it not shown" if left_out else ""
    ax.set(xlabel=f"{label}{note}", ylabel="Node energy (kWh)")
    ax.margins(0.12)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    legend_above(ax)
    return ax


def _cross(ax: Axes, across: Interval, up: Interval, look: Look, most: float) -> None:
    """Error bars of a point, the one across within `most`."""
    ax.errorbar(
        across.mean,
        up.mean,
        xerr=_arms(across, most),
        yerr=_arms(up, np.inf),
        color=look.color,
        linestyle="none",
        elinewidth=0.8,
        alpha=0.6,
    )


def _arms(interval: Interval, most: float) -> list[list[float]] | None:
    """Lengths of the error bar's two arms, within what the quantity can be; None for a single value."""
    if interval.n < 2:
        return None
    return [[interval.mean - max(interval.low, 0.0)], [min(interval.high, most) - interval.mean]]
