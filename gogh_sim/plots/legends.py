"""Legends outside the axes, which leave the axes their room however many and however long the names are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_CHARACTERS_PER_IN = 17.0
"""Of the legend's font, as wide as they are in the mean of names."""

_ENTRY_CHARACTERS = 6
"""Width of an entry's line and of the gaps around it."""

_MOST_ROWS = 10


class Layout(NamedTuple):
    """Labels as they are written, and over how many columns."""

    labels: list[str]
    columns: int


def legend_above(ax: Axes, columns: int = 4) -> None:
    """Legend on top of the axes, outside, where it can cover no data; none for nameless parts."""
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        figure = ax.get_figure(root=True)
        assert figure is not None  # axes are always in one
        text, columns = layout(labels, columns, figure.get_figwidth() * ax.get_position().width)
        ax.legend(handles, text, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=columns, columnspacing=1.2)


def legend_of_figure(
    figure: Figure,
    entries: Mapping[str, Artist],
    loc: Literal["outside upper center", "outside upper left"] = "outside upper center",
) -> None:
    """Legend of all axes together, by label; none if there is no entry."""
    if entries:
        text, columns = layout(list(entries), 4, figure.get_figwidth())
        figure.legend(list(entries.values()), text, loc=loc, ncols=columns, columnspacing=1.2)


def fitting(name: str, width_in: float) -> str:
    """The name, without its middle where it would take more than this width."""
    longest = int(width_in * _CHARACTERS_PER_IN)
    return name if len(name) <= longest else _without_middle(name, longest)


def layout(labels: Sequence[str], most_columns: int, width_in: float) -> Layout:
    """As many columns as have room beside each other; where rows become too many, more columns of cut labels.

    Labels that are cut lose their middle, and get a number where others are cut to the same.
    """
    room = int(width_in * _CHARACTERS_PER_IN)
    columns = max((c for c in range(1, most_columns + 1) if _width(labels, c) <= room), default=1)
    columns = max(min(columns, len(labels)), min(most_columns, -(-len(labels) // _MOST_ROWS)))
    if _width(labels, columns) <= room:
        return Layout(list(labels), columns)
    return Layout(list(_cut(labels, room // columns - _ENTRY_CHARACTERS)), columns)


def _width(labels: Sequence[str], columns: int) -> int:
    """Characters that labels take which are dealt to columns as Matplotlib does it."""
    parts = (labels[part[0] : part[-1] + 1] for part in np.array_split(np.arange(len(labels)), columns) if part.size)
    return sum(max(map(len, part)) + _ENTRY_CHARACTERS for part in parts)


def _cut(labels: Sequence[str], longest: int) -> Iterator[str]:
    cut = [label if len(label) <= longest else _without_middle(label, longest - 4) for label in labels]
    alike, numbers = Counter(cut), Counter[str]()
    for label in cut:
        numbers[label] += 1
        yield f"{label} ({numbers[label]})" if alike[label] > 1 else label


def _without_middle(label: str, longest: int) -> str:
    tail = longest // 3
    return f"{label[: longest - tail - 1]}…{label[len(label) - tail :]}"
