"""Figures to files: the one place where a figure gets its bytes, which are equal for equal figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gogh_sim.outputs import write_whole

FORMATS = ("png", "svg")

SCREEN_DPI = 130
"""Enough for a page on a screen; for figures that are committed, so small."""

# What a file says of itself beyond the drawing differs by day and version: equal runs give equal files without it.
_METADATA: dict[str, dict[str, None]] = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


def save(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS, dpi: int | None = None) -> list[Path]:
    """Write ``<stem>.<format>`` for each format; a file that exists is whole.

    Parameters
    ----------
    figure
        Drawn within `gogh_sim.plots.style.paper_style`, in which this has to be called too.
    dpi
        Dots per inch of formats made of dots; that of the style by default.
    """
    given: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
    return [
        write_whole(
            stem.with_name(f"{stem.name}.{suffix}"),
            partial(figure.savefig, format=suffix, metadata=_METADATA.get(suffix), **given),
        )
        for suffix in formats
    ]


def figure_of(drawn: Axes | Figure) -> Figure:
    """The figure that axes belong to; a figure is its own."""
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    assert figure is not None  # axes made by the plots always have one
    return figure
