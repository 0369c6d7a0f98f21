"""Formulas of the documentation as MathML, which browsers draw themselves: no script, no font, no network."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

# As pymdownx.arithmatex marks them: \( \) within a line, \[ \] as a block.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Hook of MkDocs, called with each page's HTML."""
    return _FORMULA.sub(_drawn, content)


def _drawn(found: re.Match[str]) -> str:
    formula = html.unescape(found[3])
    if found[2] == "(":
        return convert(formula)
    # A formula wider than the screen scrolls by itself.
    return f'<div style="overflow-x: auto">{convert(formula, display="block")}</div>'
