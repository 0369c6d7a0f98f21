"""A JSON array taken element by element, each with the line it begins at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gogh_sim.errors import InputError
from gogh_sim.traces.files import read_text


class Element(NamedTuple):
    """An element: the line it begins at, its text as written, and its value."""

    line: int
    text: str
    value: Any


def elements(path: Path) -> Iterator[Element]:
    """Elements of the array in a file, one by one.

    Raises
    ------
    InputError
        Where the text is no JSON array.
    """
    text = read_text(path)
    decoder = json.JSONDecoder()
    at = _expect(path, text, _skip_blank(text, 0), "[")
    line, counted = 1, 0
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise InputError(f"expected JSON: {error.msg}", file=path, line=error.lineno) from error
        except (ValueError, RecursionError) as error:  # integers of thousands of digits, endless nesting
            raise InputError(f"expected JSON: {error}", file=path, line=line) from error
        yield Element(line, text[at:end], value)
        at = _skip_blank(text, end)
        if text[at : at + 1] != "]":
            at = _expect(path, text, at, ",")
    rest = _skip_blank(text, at + 1)
    if rest < len(text):
        raise InputError("expected nothing after the array of jobs", file=path, line=text.count("\n", 0, rest) + 1)


def _expect(path: Path, text: str, at: int, token: str) -> int:
    """Where the text goes on after `token`, which must stand at `at`."""
    if text[at : at + 1] != token:
        found = text[at : at + 20] or "the end of the file"
        what = f"expected {token!r} of a JSON array of jobs, found {found!r}"
        raise InputError(what, file=path, line=text.count("\n", 0, at) + 1)
    return _skip_blank(text, at + 1)


def _skip_blank(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at
