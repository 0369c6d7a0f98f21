"""Opening trace files: plain or gzip, UTF-8, every failure an `InputError`; and writing them to a fixed byte."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gogh_sim.errors import InputError
from gogh_sim.limits import LONGEST_LINE, Bounded
from gogh_sim.outputs import write_whole

_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1
_BLOCK = 1 << 16


@contextmanager
def open_text(path: Path, *, most: int | None = None, longest_line: int | None = LONGEST_LINE) -> Iterator[IO[str]]:
    """Text of a file, unpacked where it is gzip (by its first bytes or its name ending in .gz).

    Parameters
    ----------
    most
        Most bytes of text; unless given, what `limits` allows any file.
    longest_line
        Most bytes of a line; None where lines mean nothing.

    Raises
    ------
    InputError
        If the file is not there, not readable, damaged gzip, not UTF-8, or beyond a bound of `limits`; also for what
        is met while reading.
    """
    try:
        with path.open("rb") as raw:
            packed = path.suffix == ".gz" or raw.peek(2)[:2] == _GZIP_MAGIC
            source = gzip.GzipFile(fileobj=raw) if packed else raw
            stream = Bounded(source, raw if packed else None, path, most, longest_line)
            with io.TextIOWrapper(io.BufferedReader(stream, _BLOCK), encoding="utf-8-sig", newline="") as text:
                yield text
    except UnicodeDecodeError as error:
        found = error.object[error.start]
        raise InputError(f"expected UTF-8 text, found the byte 0x{found:02x}", file=path) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"expected a whole gzip file, found one that does not unpack: {error}", file=path) from error
    except FileNotFoundError as error:
        raise InputError("expected a trace file, found nothing at this path", file=path) from error
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror or error}", file=path) from error


def read_text(path: Path, *, most: int | None = None) -> str:
    """Whole text of a file of at most `most` bytes, by the rules of `open_text`; an empty one is an `InputError`."""
    with open_text(path, most=most, longest_line=None) as text:
        content = text.read()
    if not content.strip():
        raise InputError("expected a trace, found an empty file", file=path)
    return content


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text, gzip where the name ends in .gz; the same content gives the same bytes."""
    data = content.encode()
    packed = gzip.compress(data, mtime=0) if path.suffix == ".gz" else data
    write_whole(path, lambda file: file.write_bytes(packed))
