"""A report as one HTML page that needs no network: tables that sort and filter, a scatter and figures that zoom.

Written by hand rather than with Plotly, whose script alone has 4.8 MB (version 7.1.0); this page's has 13 kB.
"""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import pandas as pd

from gogh_sim.metrics.ranking import told_apart
from gogh_sim.plots.style import policy_look

_ASSETS = files("gogh_sim.cli") / "assets"


class PageTable(NamedTuple):
    """A table with a row per setting and policy.

    `baseline` is the policy that the others are given against, empty in the table of means. `rows` are a heading row
    and the rows below it, which begin with setting and policy; no rows at all where there is nothing to compare.
    """

    baseline: str
    rows: Sequence[Sequence[str]]


def page(
    title: str,
    runs: pd.DataFrame,
    tables: Sequence[PageTable],
    notes: Sequence[str],
    figures: Sequence[Path],
    baseline: str,
) -> str:
    """The page's text.

    Parameters
    ----------
    title
        Heading.
    runs
        A row per run, ``setting`` first; the column ``scheduler`` gives the colour.
    tables
        That of the means, then one of differences per baseline.
    notes
        What a reader has to know.
    figures
        SVG files, which the page carries in itself.
    baseline
        Whose table of differences is shown first.
    """
    settings = list(dict.fromkeys(runs["setting"].astype(str)))
    schedulers = list(dict.fromkeys(runs["scheduler"].astype(str)))
    means, *against = tables
    rows = [[_plain(v) for v in row] for row in runs.to_numpy(object)]
    data = {
        "settings": told_apart(settings),
        "runs": {"columns": list(runs.columns), "rows": rows},
        "policies": _content(means),
        "differences": {table.baseline: _content(table) for table in against if len(table.rows) > 1},
        "baseline": baseline,
        "colors": {name: policy_look(name).color for name in schedulers},
        "notes": list(notes),
    }
    return Template(_asset("page.html")).substitute(
        title=html.escape(title),
        style=_asset("page.css"),
        script=_asset("page.js"),
        # Inside a script element only "<" could end it.
        data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
        figures="\n".join(map(_figure, figures)),
    )


def _content(table: PageTable) -> dict[str, list[Any]]:
    return {"columns": list(table.rows[0]), "rows": [list(row) for row in table.rows[1:]]}


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _figure(file: Path) -> str:
    # As an image, not as markup: figures repeat each other's element ids.
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    name = html.escape(file.stem.replace("_", " "))
    return (
        f'<figure><img alt="{name}" src="data:image/svg+xml;base64,{content}"><figcaption>{name}</figcaption></figure>'
    )


def _plain(value: Any) -> str | float | int | None:
    """A cell as JSON knows it; numbers that do not exist as null."""
    if isinstance(value, bool | int | str):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
