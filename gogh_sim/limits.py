"""How much of a user's file is taken in before it is refused, so that no file can fill the memory.

Two rules hold wherever a file is read: its text, unpacked, is at most `most_bytes` long, and a packed file unpacks to
at most `LARGEST_RATIO` times what was read of it, once it is past `FREE_BYTES`. Deflate can pack a thousand to one,
real traces reach about twenty, so the second rule stops a bomb after megabytes, not gigabytes. What a file claims of
itself (in a header, in a list of contents) is held against the same bounds before anything is allocated for it.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import IO, Any, Protocol

from gogh_sim.errors import InputError

VARIABLE = "GOGH_MAX_FILE_MIB"
"""Environment variable that sets the bound, in MiB of unpacked content."""

DEFAULT_MIB = 4096
LARGEST_RATIO = 50
FREE_BYTES = 16 << 20
LONGEST_LINE = 1 << 20
"""Bytes of the longest line of a file of rows."""

_MIB = 1 << 20


def most_bytes() -> int:
    """Bytes of content that a file may have, unpacked.

    Raises
    ------
    InputError
        If the environment variable holds no positive whole number.
    """
    told = os.environ.get(VARIABLE, str(DEFAULT_MIB))
    if not (told.isascii() and told.isdigit() and int(told[:15]) > 0):
        raise InputError(f"{VARIABLE}: expected a whole number of MiB from 1, found {told!r}")
    return int(told[:15]) * _MIB


def too_large(path: Path | str, most: int, settable: bool) -> InputError:
    """What to tell of a file that holds more than `most` bytes, and whether the user can set that."""
    way = f"; {VARIABLE} sets the bound" if settable else ""
    return InputError(f"expected at most {_size(most)} of content, found more{way}", file=path)


def check_size(path: Path, most: int | None = None) -> None:
    """Refuse a file, which is read whole and unpacked by nobody, by its size.

    Parameters
    ----------
    most
        Bytes; `most_bytes` unless given.
    """
    bound = most_bytes() if most is None else most
    if path.stat().st_size > bound:
        raise too_large(path, bound, settable=most is None)


def parsed_json(content: str | bytes, path: Path | str) -> Any:
    """What a file's JSON says.

    Raises
    ------
    InputError
        If it is none, or holds integers of thousands of digits or endless nesting, for which Python has bounds.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON: {error}", file=path) from None


def check_ratio(path: Path, unpacked: int, packed: int) -> None:
    """Refuse a packed file of which `packed` bytes gave `unpacked` ones, if that is what a bomb does."""
    if unpacked > max(FREE_BYTES, LARGEST_RATIO * packed):
        what = f"found more than {LARGEST_RATIO} times what the file takes packed; unpack it first, if you trust it"
        raise InputError(what, file=path)


def _size(count: int) -> str:
    return f"{count / _MIB:g} MiB" if count >= _MIB else f"{count} bytes"


class _Source(Protocol):
    def readinto(self, block: memoryview, /) -> int | None: ...


class Bounded(io.RawIOBase):
    """A stream of bytes that raises `InputError` where it goes on for too long, is a bomb, or has an endless line.

    Parameters
    ----------
    source
        Where bytes come from.
    packed
        The file below, if `source` unpacks it: tells how much was read of it.
    path
        The file's name, for the message.
    most
        Most bytes; `most_bytes` where None.
    longest_line
        Most bytes of one line (give or take a block); None for no bound but `most`.
    """

    def __init__(
        self, source: _Source, packed: IO[bytes] | None, path: Path, most: int | None, longest_line: int | None
    ) -> None:
        super().__init__()
        self._source = source
        self._packed = packed
        self._path = path
        self._most = most_bytes() if most is None else most
        self._settable = most is None
        self._longest_line = longest_line
        self._total = 0
        self._line = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, block: memoryview) -> int:  # type: ignore[override]  # any buffer upstream, a view here
        """Fill the block as far as there is content, and count it."""
        count = self._source.readinto(block) or 0
        self._total += count
        if self._total > self._most:
            raise too_large(self._path, self._most, self._settable)
        if self._packed is not None:
            check_ratio(self._path, self._total, self._packed.tell())
        if self._longest_line is not None:
            self._count_line(bytes(block[:count]))
        return count

    def _count_line(self, content: bytes) -> None:
        end = max(content.rfind(b"\n"), content.rfind(b"\r"))
        self._line = self._line + len(content) if end < 0 else len(content) - end - 1
        if self._longest_line is not None and self._line > self._longest_line:
            what = f"expected lines of at most {_size(self._longest_line)}, found a longer one"
            raise InputError(what, file=self._path)
