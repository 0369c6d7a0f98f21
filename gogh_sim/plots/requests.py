"""Rates of requests over time, one panel a trace."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gogh_sim.plots.style import new_axes, new_figure
from gogh_sim.types import FloatArray

_HOUR_S = 3600.0


def rate_over_time(rates: FloatArray, step_s: float, unit: str, ax: Axes | None = None) -> Axes:
    """Rate in each step of `step_s` seconds, as a line over hours."""
    ax = ax or new_axes()
    edges_h = np.arange(rates.size + 1) * step_s / _HOUR_S
    ax.stairs(rates, edges_h, color="#0072b2")
    ax.set(xlabel="Time (h)", ylabel=unit[:1].upper() + unit[1:], xlim=(0, edges_h[-1]), ylim=(0, None))
    return ax


def rates_over_time(traces: Mapping[str, tuple[FloatArray, float, str]]) -> Figure:
    """One panel under the other; of each trace by its name: rates, seconds of a step, and what the rates count."""
    figure = new_figure(1.6 * len(traces))
    axes = figure.subplots(len(traces), 1, squeeze=False)[:, 0]
    for ax, (name, (rates, step_s, unit)) in zip(axes, traces.items(), strict=True):
        rate_over_time(rates, step_s, unit, ax).set_title(name)
    return figure
