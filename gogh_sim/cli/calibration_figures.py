"""The figures of docs/profiles.md: every law against the public measurements that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gogh_sim.plots import calibration as draw
from gogh_sim.plots.files import SCREEN_DPI, figure_of, save
from gogh_sim.plots.style import new_axes, new_figure, paper_style
from gogh_sim.profiles.calibration.fitted import cap_points, pair_points, power_points, step_points

_PANEL_IN = (2.1, 2.1)


@dataclass(frozen=True, slots=True)
class LawFigure:
    """One law: where its points come from, how a group of them is drawn, and its name among the residuals."""

    points: Callable[[Path], pd.DataFrame]
    panel: Callable[[pd.DataFrame, Axes], Axes]
    law: str


LAWS: Mapping[str, LawFigure] = {
    "solo": LawFigure(step_points, draw.times_against_measured, "step time"),
    "interference": LawFigure(pair_points, draw.norms_against_measured, "norm"),
    "power": LawFigure(power_points, draw.watts_against_measured, "watts"),
    "cap": LawFigure(cap_points, draw.speed_under_cap, "speed under a cap"),
}
"""Figures by file name."""


def write_calibration_figures(data: Path, out: Path) -> list[Path]:
    """Draw every law from the public measurements in `data`; the same data give the same bytes.

    Returns
    -------
    list of Path
        The PNG files, one per law, then that of the residuals.

    Raises
    ------
    InputError
        If a table of the data is missing.
    """
    frames = {name: figure.points(data) for name, figure in LAWS.items()}
    with paper_style():
        files = [_save(_panels(frames[name], LAWS[name].panel), out / name) for name in LAWS]
        axes = draw.residuals({LAWS[name].law: frame for name, frame in frames.items()}, new_axes(3.4, 6.0))
        files.append(_save(figure_of(axes), out / "residuals"))
    return files


def _panels(points: pd.DataFrame, panel: Callable[[pd.DataFrame, Axes], Axes]) -> Figure:
    """A panel per group side by side, under one legend."""
    groups = list(dict.fromkeys(points["group"]))
    figure = new_figure(height_in=_PANEL_IN[1] + 0.3, width_in=_PANEL_IN[0] * len(groups))
    axes = figure.subplots(1, len(groups), squeeze=False)[0]
    for ax, group in zip(axes, groups, strict=True):
        own = points[points["group"] == group]
        panel(own, ax)
        ax.set_title(f"{group}\n{len(own)} points", loc="left", fontsize=7)
        if ax is not axes[0]:
            ax.set_ylabel("")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), markerscale=2)
    return figure


def _save(figure: Figure, stem: Path) -> Path:
    (file,) = save(figure, stem, ["png"], SCREEN_DPI)
    return file
