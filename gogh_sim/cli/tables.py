"""Tables as text: rows of cells, aligned for a terminal or in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]
"""A heading row and the rows below it."""


def text_table(rows: Rows) -> str:
    """Rows aligned with blanks: the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown_table(rows: Rows, left: int = 1) -> str:
    """Rows as a Markdown table; numbers to the right from column `left` on."""
    rule = ["---"] * left + ["---:"] * (len(rows[0]) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def interval_cell(mean: float, low: float, high: float) -> str:
    """A mean and the half width of its interval, where there is one; a dash for what does not exist."""
    if math.isnan(mean):
        return "-"
    return number(mean) if math.isnan(low) else f"{number(mean)} ±{number((high - low) / 2)}"


def difference_cell(mean: float, low: float, high: float) -> str:
    """As `interval_cell`, with a star where the interval does not hold 0."""
    return interval_cell(mean, low, high) + (" *" if low > 0 or high < 0 else "")


def number(value: float) -> str:
    """A number to three significant digits, whole from 100 on; without an exponent down to a thousandth."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 5)}f}"
    return text if float(text) else "0"
