"""The figure of confidences holds the shares that it was given."""

from __future__ import annotations

import pandas as pd

from gogh_sim.plots.confidence import confidence_held
from gogh_sim.plots.style import SOURCE_LOOKS


def test_a_line_per_source_and_quantity_over_the_diagonal() -> None:
    rows = [
        (source, what, asked, held, held - 0.1, held + 0.1)
        for source, what, shares in (
            ("P1", "speed", (0.6, 0.4)),
            ("P2", "speed", (0.9, 0.5)),
            ("P2", "norm", (0.8, 0.3)),
        )
        for asked, held in zip((0.9, 0.5), shares, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["source", "what", "confidence", "found", "ci_low", "ci_high"])
    ax = confidence_held(table)
    lines = {str(line.get_label()): line for line in ax.lines}
    assert list(lines["P1, speed"].get_xdata()) == [0.5, 0.9]
    assert list(lines["P1, speed"].get_ydata()) == [0.4, 0.6]
    assert list(lines["P2, norm"].get_ydata()) == [0.3, 0.8]
    assert lines["P2, norm"].get_linestyle() != lines["P2, speed"].get_linestyle()
    assert lines["P2, norm"].get_color() == SOURCE_LOOKS["P2"].color
    assert list(lines["_nolegend_"].get_ydata()) == [0, 1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Confidence asked", "Share that held")
