"""A figure of a reproduction: the frame that it shows, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a figure shows, apart from the numbers judged.

    Attributes
    ----------
    name
        Of its files, such as ``frontier``; unique within the experiment.
    caption
        One sentence that says what is seen, for the documentation.
    frame
        The numbers drawn, all of them; saved beside the figure.
    draw
        From the frame to axes or a whole figure, by the functions of `gogh_sim.plots`.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    draw: Callable[[pd.DataFrame], Axes | Figure]
