"""One look for all figures: sizes, colours per policy and GPU type, and the empty axes they start from."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gogh_sim.metrics.comparison import policy_order

COLUMN_WIDTH_IN = 3.5
"""Width of one column in a two-column paper, inches; figures are legible at this size."""

RC: Mapping[str, Any] = MappingProxyType(
    {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.5,
        "lines.linewidth": 1.2,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "legend.borderaxespad": 0.2,
        "figure.dpi": 100,
        "savefig.dpi": 300,
        "svg.hashsalt": "gogh_sim",
        "svg.fonttype": "path",
    }
)
"""Settings of Matplotlib for `paper_style`; never set globally."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one policy is drawn; colour alone never tells two apart."""

    color: str
    linestyle: str | tuple[int, tuple[float, ...]]
    marker: str


# Colours of Okabe and Ito, "Color Universal Design" (2008), told apart by all common kinds of colour vision.
_BLACK, _ORANGE, _SKY, _GREEN, _BLUE, _VERMILION, _PURPLE, _GREY = (
    "#000000",
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#7f7f7f",
)
_DASHED, _DOTTED, _DASHDOT = (0, (4.0, 1.5)), (0, (1.0, 1.2)), (0, (4.0, 1.2, 1.0, 1.2))

_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "": Look(_BLACK, "-", "o"),  # a run by itself
        "gogh": Look(_VERMILION, "-", "o"),
        "gogh_p1": Look(_VERMILION, _DASHED, "v"),
        "gogh_nocolo": Look(_VERMILION, _DOTTED, "^"),
        "oracle": Look(_BLACK, _DASHED, "*"),
        "fifo": Look(_BLUE, "-", "s"),
        "best_fit": Look(_SKY, "-", "D"),
        "greedy_energy": Look(_GREEN, "-", "P"),
        "sjf": Look(_PURPLE, "-", "X"),
        "srtf": Look(_PURPLE, _DASHED, "<"),
        "edf": Look(_PURPLE, _DOTTED, ">"),
        "random": Look(_GREY, _DOTTED, "x"),
        "round_robin": Look(_GREY, "-", "+"),
        "least_loaded": Look(_GREY, _DASHED, "1"),
        "fastest": Look(_ORANGE, "-", "h"),
        "backfill": Look(_BLUE, _DASHED, "p"),
        "las": Look(_ORANGE, _DASHED, "d"),
        "gandiva": Look(_ORANGE, _DOTTED, "H"),
        "fgd": Look(_GREEN, _DASHED, "^"),
        "pwr": Look(_GREEN, _DOTTED, "3"),
        "dot_product": Look(_ORANGE, _DASHDOT, "s"),
    }
)
_OTHER_COLORS = (_ORANGE, _SKY, _GREEN, _BLUE, _PURPLE, _GREY)
_OTHER_LINES: tuple[tuple[int, tuple[float, ...]], ...] = (_DASHDOT, _DASHED, _DOTTED)
_OTHER_MARKERS = ("o", "s", "D", "^", "v", "P", "X")

# Tol's "high-contrast" and "muted" schemes (Paul Tol, "Colour Schemes", 2021), apart from the policies' colours.
_TYPE_COLORS: Mapping[str, str] = MappingProxyType(
    {
        "T4": "#ddcc77",
        "V100": "#88ccee",
        "A100": "#44aa99",
        "H100": "#332288",
        "P100": "#cc6677",
        "K80": "#aa4499",
    }
)
_OTHER_TYPE_COLORS = ("#117733", "#999933", "#882255", "#555555")

SOURCE_LOOKS: Mapping[str, Look] = MappingProxyType(
    {"P1": Look(_ORANGE, "-", "o"), "P2": Look(_BLUE, "-", "s"), "measured": Look(_GREEN, _DASHED, "^")}
)
"""How the sources of predictions are drawn."""


def paper_style() -> AbstractContextManager[None]:
    """Context in which figures that are made, drawn and saved have the look of `RC`; what was set before returns."""
    settings: Any = dict(RC)  # its own type lists every key Matplotlib knows
    return mpl.rc_context(settings)


def policy_look(scheduler: str) -> Look:
    """Look of a policy, the same in every figure and run; an unknown one gets its own by its name."""
    if scheduler in _LOOKS:
        return _LOOKS[scheduler]
    number = zlib.crc32(scheduler.encode())  # unlike hash(), the same in every process
    return Look(
        _OTHER_COLORS[number % len(_OTHER_COLORS)],
        _OTHER_LINES[number // 7 % len(_OTHER_LINES)],
        _OTHER_MARKERS[number // 31 % len(_OTHER_MARKERS)],
    )


def type_color(gpu_type: str) -> str:
    """Colour of a GPU type, the same in every figure and run."""
    known = _TYPE_COLORS.get(gpu_type)
    return known or _OTHER_TYPE_COLORS[zlib.crc32(gpu_type.encode()) % len(_OTHER_TYPE_COLORS)]


def new_axes(height_in: float = 2.4, width_in: float = COLUMN_WIDTH_IN) -> Axes:
    """Axes in a figure of its own, which pyplot does not know of and nobody has to close."""
    return new_figure(height_in, width_in).add_subplot()


def new_figure(height_in: float = 2.4, width_in: float = COLUMN_WIDTH_IN) -> Figure:
    """Figure with a canvas, unknown to pyplot, that makes room for labels and outside legends by itself."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def by_policy(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Parts of a frame by its column ``scheduler``, baselines first; one nameless part where it has none."""
    if "scheduler" not in frame.columns:
        yield "", frame
        return
    for scheduler in sorted(frame["scheduler"].astype(str).unique(), key=policy_order):
        yield scheduler, frame[frame["scheduler"] == scheduler]


def by_run(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Parts of a frame by its column ``run``; the frame itself where it has none."""
    if "run" not in frame.columns:
        yield frame
        return
    for run in frame["run"].unique():
        yield frame[frame["run"] == run]


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """Unit of a time axis."""

    name: str
    seconds: float


def time_unit(span_s: float) -> TimeUnit:
    """Unit in which a span reads best: days beyond four days, hours beyond two hours, else minutes."""
    if span_s > 4 * 86400:
        return TimeUnit("days", 86400.0)
    return TimeUnit("hours", 3600.0) if span_s > 7200 else TimeUnit("minutes", 60.0)
