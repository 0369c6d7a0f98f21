"""Fitted laws against the measurements behind them, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gogh_sim.plots.style import new_axes

_FITTED, _UNSEEN, _OTHER = "#0072b2", "#d55e00", "#7f7f7f"
_DOT: Mapping[str, Any] = {"s": 7, "linewidths": 0, "alpha": 0.45}


def times_against_measured(points: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Step times by the law over measured ones, both logarithmic; on the line they agree.

    Parameters
    ----------
    points
        ``measured`` and ``fitted`` in milliseconds.
    """
    ax = ax or new_axes()
    ax.scatter(points["measured"], points["fitted"], color=_FITTED, label="model at a batch size", **_DOT)
    ax.set(xscale="log", yscale="log", xlabel="Measured step (ms)", ylabel="Fitted step (ms)")
    _diagonal(ax, float(points["measured"].min()), float(points["measured"].max()))
    return ax


def norms_against_measured(points: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Normalised throughput beside a partner by the law over measured, in sample and held out.

    Parameters
    ----------
    points
        ``measured``, ``fitted`` and ``unseen``: by a fit to all pairs, and by one that did not see this pair.
    """
    ax = ax or new_axes()
    ax.scatter(points["measured"], points["unseen"], color=_UNSEEN, label="pair held out", marker="^", **_DOT)
    ax.scatter(points["measured"], points["fitted"], color=_FITTED, label="in sample", **_DOT)
    ax.set(xlim=(0, 1.05), ylim=(0, 1.05), xlabel="Measured norm", ylabel="Norm by the law")
    _diagonal(ax, 0.0, 1.0)
    return ax


def watts_against_measured(points: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Watts by the concave law, and by the forms it is compared with, over measured ones.

    Parameters
    ----------
    points
        ``measured``, ``fitted``, ``linear`` and ``quadratic`` in watts and, the same in every row, ``alpha``.
    """
    ax = ax or new_axes()
    ax.scatter(points["measured"], points["quadratic"], color=_OTHER, label="0.3u + 0.7u^2", marker="v", **_DOT)
    ax.scatter(points["measured"], points["linear"], color=_UNSEEN, label="linear", marker="^", **_DOT)
    ax.scatter(points["measured"], points["fitted"], color=_FITTED, label="u^alpha", **_DOT)
    alpha = float(points["alpha"].iloc[0])
    ax.text(0.97, 0.05, f"alpha = {alpha:.2f}", transform=ax.transAxes, ha="right", fontsize=7)
    ax.set(xlabel="Measured power (W)", ylabel="Power by the law (W)")
    _diagonal(ax, float(points["measured"].min()), float(points["measured"].max()))
    return ax


def speed_under_cap(points: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Speed under a binding power cap over what the cap leaves of the dynamic power.

    Parameters
    ----------
    points
        ``dynamic_share``, ``measured`` and, the same in every row, ``gamma``.
    """
    ax = ax or new_axes()
    share = np.linspace(0.0, 1.0, 101)
    gamma = float(points["gamma"].iloc[0])
    ax.scatter(points["dynamic_share"], points["measured"], color=_FITTED, label="measured", **_DOT)
    ax.plot(share, share**gamma, color="#000000", label="share^gamma")
    ax.plot(share, share, color=_OTHER, linestyle="--", label="linear")
    ax.text(0.97, 0.05, f"gamma = {gamma:.2f}", transform=ax.transAxes, ha="right", fontsize=7)
    ax.set(xlim=(0, 1.02), xlabel="Dynamic power left by the cap", ylabel="Speed (of uncapped)")
    ax.set_ylim(bottom=0)
    return ax


def residuals(points: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Box plots of ``fitted / measured - 1`` in percent, a row per law and group; whiskers from the 5th to the 95th.

    Parameters
    ----------
    points
        Per law: ``group``, ``measured``, ``fitted``.
    """
    ax = ax or new_axes()
    labels, found = [], []
    for law, frame in points.items():
        for group in dict.fromkeys(frame["group"]):
            own = frame[frame["group"] == group]
            labels.append(f"{law}: {group} ({len(own)})")
            found.append(100.0 * (own["fitted"] / own["measured"] - 1.0).to_numpy(dtype=np.float64))
    boxes = ax.boxplot(found, orientation="horizontal", whis=(5, 95), showfliers=False, widths=0.6)
    for line in boxes["medians"]:
        line.set_color(_UNSEEN)
    ax.axvline(0.0, color=_OTHER, linewidth=0.8, zorder=0)
    ax.set_yticks(range(1, len(labels) + 1), labels)
    ax.invert_yaxis()
    ax.set_xlabel("Fitted over measured, less one (%)")
    return ax


def _diagonal(ax: Axes, low: float, high: float) -> None:
    ax.plot([low, high], [low, high], color=_OTHER, linewidth=0.8, label="_nolegend_", zorder=0)
