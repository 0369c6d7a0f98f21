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

_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Text of a file, unpacked where it is gzip (by its first bytes or its name ending in .gz).

    Raises
    ------
    InputError
        If the file is not there, not readable, damaged gzip, or not UTF-8; also for what is met while reading.
    """
    try:
        with path.open("rb") as raw:
            packed = path.suffix == ".gz" or raw.peek(2)[:2] == _GZIP_MAGIC
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
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


def read_text(path: Path) -> str:
    """Whole text of a file, by the rules of `open_text`; an empty one is an `InputError`."""
    with open_text(path) as text:
        content = text.read()
    if not content.strip():
        raise InputError("expected a trace, found an empty file", file=path)
    return content


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text, gzip where the name ends in .gz; the same content gives the same bytes."""
    data = content.encode()
    try:
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    except OSError as error:
        raise InputError(f"cannot write the file: {error.strerror or error}", file=path) from error
