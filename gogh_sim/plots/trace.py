"""Traces side by side: arrivals, run times, sizes of gangs, and how jobs ended."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gogh_sim.plots.jct import duration_label
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import new_axes, new_figure

# Colours of Okabe and Ito, "Color Universal Design" (2008), told apart by all common kinds of colour vision.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#000000", "#56b4e9")
_LINES = ("-", "--", ":", "-.")
SIZES = ("<1", "1", "2-3", "4-7", "8", ">8")
_SIZE_TOPS = (0.9999, 1.0, 3.0, 7.0, 8.0)
_STATUSES = ("pass", "failed", "killed")
_HOUR_S = 3600.0
_TICKS_S = (1, 60, 3600, 86400, 30 * 86400)

Traces = Mapping[str, pd.DataFrame]
"""Jobs of each trace by its name, with the columns submit_s, duration_s, num_gpus, gpu_fraction and status."""


def duration_distribution(traces: Traces, ax: Axes | None = None) -> Axes:
    """Share of jobs that run at most so long, a curve per trace; log time axis."""
    ax = ax or new_axes()
    for place, (name, jobs) in enumerate(traces.items()):
        times = np.sort(jobs["duration_s"].to_numpy(np.float64))
        share = 100 * np.arange(1, len(times) + 1) / max(len(times), 1)
        ax.step(times, share, where="post", label=name, color=_color(place), linestyle=_LINES[place % len(_LINES)])
    ax.set_xscale("log")
    ax.set_xticks(_TICKS_S, [duration_label(tick) for tick in _TICKS_S])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="Run time (log scale)", ylabel="Share of jobs (%)", ylim=(0, 101))
    return ax


def hourly_distribution(traces: Traces, ax: Axes | None = None) -> Axes:
    """Share of hours with more than so many times the mean of submissions, a curve per trace: burstiness."""
    ax = ax or new_axes()
    for place, (name, jobs) in enumerate(traces.items()):
        hours = ((jobs["submit_s"] - jobs["submit_s"].min()) // _HOUR_S).to_numpy(np.int64)
        counts = np.sort(np.bincount(hours)) if len(hours) else np.zeros(0)
        share = 100 * (1 - np.arange(1, len(counts) + 1) / max(len(counts), 1))
        relative = counts / counts.mean() if len(counts) else counts
        ax.step(relative, share, where="post", label=name, color=_color(place), linestyle=_LINES[place % len(_LINES)])
    ax.set_yscale("symlog", linthresh=1.0)
    ax.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    ax.set(xlabel="Jobs in an hour / mean", ylabel="Hours with more (%)", xlim=(0, None))
    return ax


def size_shares(traces: Traces, ax: Axes | None = None) -> Axes:
    """Share of jobs by GPUs asked for, a group of bars per class of size."""
    demands = {name: jobs["num_gpus"] * jobs["gpu_fraction"] for name, jobs in traces.items()}
    counts = {
        name: np.bincount(np.searchsorted(_SIZE_TOPS, demand), minlength=len(SIZES)) for name, demand in demands.items()
    }
    return _bars(counts, SIZES, "GPUs of a job", ax)


def ending_shares(traces: Traces, ax: Axes | None = None) -> Axes:
    """Share of jobs by how they ended, a group of bars per ending."""
    counts = {name: np.array([(jobs["status"] == s).sum() for s in _STATUSES]) for name, jobs in traces.items()}
    return _bars(counts, _STATUSES, "Ending", ax)


def _color(place: int) -> str:
    return _COLORS[place % len(_COLORS)]


def _bars(counts: Mapping[str, np.ndarray], labels: tuple[str, ...], axis: str, ax: Axes | None) -> Axes:
    ax = ax or new_axes()
    width = 0.8 / max(len(counts), 1)
    for i, (name, found) in enumerate(counts.items()):
        places = np.arange(len(labels)) - 0.4 + (i + 0.5) * width
        ax.bar(places, 100 * found / max(found.sum(), 1), width, label=name, color=_color(i))
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlabel=axis, ylabel="Share of jobs (%)")
    return ax


def trace_overview(traces: Traces) -> Figure:
    """All four in one figure."""
    figure = new_figure(4.6, 7.0)
    axes = figure.subplots(2, 2)
    duration_distribution(traces, axes[0, 0])
    hourly_distribution(traces, axes[0, 1])
    size_shares(traces, axes[1, 0])
    ending_shares(traces, axes[1, 1])
    legend_above(axes[0, 0])
    return figure
