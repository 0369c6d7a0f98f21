"""Figures of requests hold the rates."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import StepPatch

from gogh_sim.plots.requests import rate_over_time, rates_over_time

RATES = np.array([1.0, 3.0, 2.0])


def test_rates_are_drawn_in_steps_over_hours() -> None:
    ax = rate_over_time(RATES, 1800.0, "requests per second")
    (line,) = (patch for patch in ax.patches if isinstance(patch, StepPatch))
    assert line.get_data().values.tolist() == RATES.tolist()
    assert line.get_data().edges.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert ax.get_ylabel() == "Requests per second"


def test_a_panel_a_trace() -> None:
    figure = rates_over_time({"a": (RATES, 60.0, "instances"), "b": (RATES, 60.0, "instances")})
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
