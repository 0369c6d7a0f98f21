"""A JSON array taken element by element, each with the line it begins at; the text is never held as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from gogh_sim.errors import InputError
from gogh_sim.traces.files import open_text

_BLOCK = 1 << 18
_BLANK = re.compile(r"[ \t\r\n]*")
LONGEST_ELEMENT = 4 << 20
"""Most characters of one element, so that no element can grow to many times its text in memory."""


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
        Where the text is no JSON array, or an element is longer than `LONGEST_ELEMENT`.
    """
    with open_text(path, longest_line=None) as stream:
        window = _Window(stream, path)
        if not window.ahead():
            raise InputError("expected a trace, found an empty file", file=path)
        window.expect("[")
        while window.ahead() != "]":
            yield window.element()
            if window.ahead() != "]":
                window.expect(",")
        window.expect("]")
        if window.ahead():
            raise InputError("expected nothing after the array of jobs", file=path, line=window.line)


class _Window:
    """The part of the text that is being looked at; `line` is where it begins."""

    def __init__(self, stream: IO[str], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def ahead(self) -> str:
        """The next character that is not blank, not yet taken; empty at the end."""
        while True:
            self._take(_BLANK.match(self._text, self._at).end())  # type: ignore[union-attr]  # matches anything
            if self._at < len(self._text) or not self._more(_BLOCK):
                return self._text[self._at : self._at + 1]

    def expect(self, token: str) -> None:
        """Take `token`, which must come next."""
        if self.ahead() != token:
            found = self._text[self._at : self._at + 20] or "the end of the file"
            what = f"expected {token!r} of a JSON array of jobs, found {found!r}"
            raise InputError(what, file=self._path, line=self.line)
        self._take(self._at + 1)

    def element(self) -> Element:
        """Take the element that comes next."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._grow():
                    continue
                line = self.line + self._text.count("\n", self._at, error.pos)
                raise InputError(f"expected JSON: {error.msg}", file=self._path, line=line) from error
            except (ValueError, RecursionError) as error:  # integers of thousands of digits, endless nesting
                raise InputError(f"expected JSON: {error}", file=self._path, line=self.line) from error
            # A number at the end of the window may go on beyond it.
            if end == len(self._text) and self._grow():
                continue
            found = Element(self.line, self._text[self._at : end], value)
            self._take(end)
            return found

    def _take(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _grow(self) -> bool:
        """Read on, twice as far each time, so that an element is tried a few times only; false at the end."""
        held = len(self._text) - self._at
        if held > LONGEST_ELEMENT:
            what = f"expected elements of at most {LONGEST_ELEMENT} characters, found a longer one"
            raise InputError(what, file=self._path, line=self.line)
        return self._more(min(max(_BLOCK, held), LONGEST_ELEMENT + 1 - held))

    def _more(self, count: int) -> bool:
        new = "" if self._ended else self._stream.read(count)
        self._ended = not new
        self._text, self._at = self._text[self._at :] + new, 0
        return bool(new)
