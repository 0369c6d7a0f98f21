"""A report as one HTML page that needs no network: tables that sort and filter, a scatter and figures that zoom."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from gogh_sim.plots.style import policy_look

_ASSETS = files("gogh_sim.cli") / "assets"


def page(
    title: str,
    runs: pd.DataFrame,
    policies: Sequence[Sequence[str]],
    notes: Sequence[str],
    figures: Sequence[Path],
) -> str:
    """The page's text.

    Parameters
    ----------
    title
        Heading.
    runs
        A row per run; the column ``scheduler`` gives the colour.
    policies
        Heading row and a row per policy, as text.
    notes
        What a reader has to know.
    figures
        SVG files, which the page carries in itself.
    """
    schedulers = list(dict.fromkeys(runs["scheduler"].astype(str)))
    data = {
        "runs": {"columns": list(runs.columns), "rows": [[_plain(v) for v in row] for row in runs.to_numpy(object)]},
        "policies": {"columns": list(policies[0]), "rows": [list(row) for row in policies[1:]]},
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
