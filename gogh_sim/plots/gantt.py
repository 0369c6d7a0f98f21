"""Which job holds which GPU when."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from gogh_sim.metrics.intervals import with_lanes
from gogh_sim.plots.style import new_axes, time_unit, type_color

MOST_GPUS = 96
"""Rows that one page can show; of a larger cluster the first ones are drawn, and the axis says so."""

_GAP = 0.12
_RESTORE_COLOR = "#555555"


def height_in(gpus: int) -> float:
    """Height, in inches, of a figure with room for a row per GPU, of which `MOST_GPUS` are drawn at most."""
    return 0.9 + 0.06 * min(max(gpus, 12), MOST_GPUS)


def occupancy_gantt(
    intervals: pd.DataFrame, gpus: pd.DataFrame, ax: Axes | None = None, most_gpus: int = MOST_GPUS
) -> Axes:
    """A row per GPU, a bar per stay of a job, in shades of the GPU type's colour; jobs that share split the row.

    The dark beginning of a bar is its checkpoint and restore time.

    Parameters
    ----------
    intervals
        As of `gogh_sim.metrics.intervals.occupancy_intervals`, of one run.
    gpus
        ``node_id``, ``slot``, ``gpu_type``: rows from top to bottom.
    most_gpus
        Rows drawn at most.
    """
    shown = gpus.iloc[:most_gpus]
    ax = ax or new_axes(height_in=height_in(len(shown)))
    row_of = {(str(n), int(s)): i for i, (n, s) in enumerate(zip(shown["node_id"], shown["slot"], strict=True))}
    bars = with_lanes(intervals)
    keys = list(zip(bars["node_id"].astype(str), bars["slot"].astype(int), strict=True))
    bars = bars.assign(row=[row_of.get(key, -1) for key in keys])
    bars = bars[bars["row"] >= 0]
    lanes = bars.groupby("row")["lane"].transform("max").to_numpy(np.float64) + 1
    height = (1 - _GAP) / lanes
    bottom = bars["row"].to_numpy(np.float64) + _GAP / 2 + bars["lane"].to_numpy(np.float64) * height
    end_s = float(intervals["end_s"].max()) if len(intervals) else 0.0
    unit = time_unit(end_s)
    start, ready, end = (bars[c].to_numpy(np.float64) / unit.seconds for c in ("start_s", "ready_s", "end_s"))
    types = shown["gpu_type"].astype(str).to_numpy()
    shades = [_shade(type_color(types[row]), job) for row, job in zip(bars["row"], bars["job_id"], strict=True)]
    many = len(bars) > 5000  # beyond that an SVG of vectors is too large to open
    for left, right, color in ((start, end, shades), (start, np.minimum(ready, end), [_RESTORE_COLOR] * len(bars))):
        ax.add_collection(
            PolyCollection(list(_boxes(left, right, bottom, height)), facecolors=color, linewidths=0, rasterized=many)
        )
    _label_rows(ax, shown, total=len(gpus))
    ax.set(xlim=(0, max(end_s / unit.seconds, 1e-9)), xlabel=f"Time ({unit.name})")
    ax.grid(visible=False)
    return ax


def _boxes(left: np.ndarray, right: np.ndarray, bottom: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(n, 4, 2) corners of n boxes."""
    x = np.stack([left, right, right, left], axis=1)
    y = np.stack([bottom, bottom, bottom + height, bottom + height], axis=1)
    return np.stack([x, y], axis=2)


def _shade(color: str, job_id: str) -> tuple[float, float, float]:
    """One of eight tints of a colour, by the job's name, so that neighbours can be told apart."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    tint = zlib.crc32(job_id.encode()) % 8 / 8 * 0.55
    red, green, blue = (channels + (1 - channels) * tint).tolist()
    return red, green, blue


def _label_rows(ax: Axes, shown: pd.DataFrame, total: int) -> None:
    """Name the GPU types beside their rows and draw a line between nodes."""
    node = shown["node_id"].astype(str).to_numpy()
    gpu_type = shown["gpu_type"].astype(str).to_numpy()
    for boundary in np.flatnonzero(node[1:] != node[:-1]) + 1.0:
        ax.axhline(boundary, color="#bbbbbb", linewidth=0.3, zorder=0)
    cuts = np.concatenate([[0], np.flatnonzero(gpu_type[1:] != gpu_type[:-1]) + 1, [len(shown)]])
    for boundary in cuts[1:-1].tolist():
        ax.axhline(boundary, color="#333333", linewidth=0.6)
    ax.set_yticks((cuts[:-1] + cuts[1:]) / 2, [str(gpu_type[i]) for i in cuts[:-1]] if len(shown) else [])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(shown), 0)
    ax.set_ylabel("GPUs" if len(shown) == total else f"GPUs (first {len(shown)} of {total})")
