"""Download of public trace files, checked against their SHA-256 sums.

`public_files.csv` names them: format (empty for nodes and other companions), address, member of an archive where the
address is one, the sum of the file itself, licence, and the paper to cite. Sums are those of the publishers where they
give any, else of the content at the commit in the address.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib
import io
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from gogh_sim.errors import InputError

_BLOCK = 1 << 16
_TIMEOUT_S = 60.0
_LONGEST_HEADER = 1 << 20
MOST_BYTES = 16 << 30
"""Most bytes that are downloaded or unpacked for one file: a server that never ends cannot fill the disk."""


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file that can be downloaded."""

    name: str
    format: str
    url: str
    member: str
    sha256: str
    licence: str
    citation: str

    def __post_init__(self) -> None:
        if PurePosixPath(self.name).name != self.name or "\\" in self.name or self.name in ("", ".", ".."):
            raise InputError(f"expected a plain file name, found {self.name!r}")

    def address(self, mirror: str | None) -> str:
        """Where to download from: below `mirror`, if given, under the path of the original."""
        address = self.url if mirror is None else mirror.rstrip("/") + urlsplit(self.url).path
        if urlsplit(address).scheme not in ("http", "https"):
            raise InputError(f"expected an address that begins with http:// or https://, found {address!r}")
        return address


@cache
def public_files() -> Mapping[str, PublicFile]:
    """All of them by name."""
    text = files("gogh_sim.traces").joinpath("public_files.csv").read_text("utf-8")
    return MappingProxyType({row["name"]: PublicFile(**row) for row in csv.DictReader(io.StringIO(text))})


def fetch(name: str, folder: Path | str, mirror: str | None = None) -> Path:
    """Download a public file, unless it is already there with the right sum.

    What was broken off goes on where it stopped; a file that exists under its name is whole and has its sum.

    Parameters
    ----------
    name
        A name in `public_files`.
    folder
        Where to put it, made if it is not there.
    mirror
        Address below which the originals' paths lead to the same files.

    Raises
    ------
    InputError
        If the name is unknown, pooch is not installed, the download fails or goes on beyond `MOST_BYTES`, or the
        content has another sum.
    """
    known = public_files()
    if name not in known:
        raise InputError(f"unknown public file {name!r}; there are {', '.join(sorted(known))}")
    return retrieve(known[name], Path(folder), mirror)


def retrieve(file: PublicFile, folder: Path, mirror: str | None = None) -> Path:
    """Download one file; see `fetch`."""
    pooch = _pooch()
    address, target = file.address(mirror), folder / file.name
    part = folder / f"{file.name}.part"
    for path in (target, part):
        if path.is_symlink():  # writing would go where it points to
            raise InputError("expected a file or nothing at this path, found a symbolic link", file=path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A wrong sum after going on from a part may be the part's fault: once more from the beginning then.
        for last in (not part.exists(), True):
            try:
                pooch.retrieve(
                    address,
                    f"sha256:{file.sha256}",
                    fname=file.name,
                    path=folder,
                    downloader=Download(part, file.member),
                )
                return target
            except ValueError as error:
                part.unlink(missing_ok=True)
                if last:
                    what = f"expected content with SHA-256 {file.sha256}, found another at {address}"
                    raise InputError(what, file=target) from error
    except urllib.error.HTTPError as error:
        raise InputError(f"cannot download {address}: the server answers {error.code} {error.reason}") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        part.unlink(missing_ok=True)
        raise InputError(f"expected an archive at {address}: {error}", file=target) from error
    except (OSError, urllib.error.URLError, EOFError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"cannot download {address}: {reason}; try again, or --mirror", file=target) from error
    return target


class _Retriever(Protocol):
    def retrieve(self, url: str, known_hash: str, **options: Any) -> str: ...


def _pooch() -> _Retriever:
    try:
        pooch: Any = importlib.import_module("pooch")
    except ImportError as error:
        raise InputError("downloads need the package pooch: pip install 'gogh-sim[fetch]'") from error
    pooch.get_logger().setLevel("WARNING")
    return pooch  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Download:
    """Downloader for `pooch.retrieve` that goes on where a broken one stopped, and unpacks one file of an archive."""

    part: Path
    member: str

    def __call__(self, url: str, output_file: str, pooch: Any = None) -> None:
        """Download `url` to `output_file`."""
        self._complete(url)
        if self.member:
            _extract(self.part, self.member, Path(output_file))
            self.part.unlink()
        else:
            self.part.replace(output_file)

    def _complete(self, url: str) -> None:
        done = self.part.stat().st_size if self.part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                goes_on = answer.status == 206
                wanted = int(answer.headers.get("Content-Length") or -1)
                with self.part.open("ab" if goes_on else "wb") as out:
                    got = _copy(answer, out, MOST_BYTES - done)
        except urllib.error.HTTPError as error:
            if error.code == 416 and done:  # nothing beyond what is there: its sum decides
                return
            raise
        if got < wanted:
            raise EOFError(f"the connection broke off after {got} of {wanted} bytes")


def _extract(archive: Path, member: str, target: Path) -> None:
    """Write the one file of that name in a tar archive; paths and links inside the archive lead nowhere else."""
    with _Packed(archive) as packed, tarfile.open(fileobj=packed, mode="r:") as content:
        for entry in content:
            if entry.isfile() and PurePosixPath(entry.name).name == member:
                stream = content.extractfile(entry)
                if stream is not None:
                    with target.open("wb") as out:
                        _copy(stream, out, MOST_BYTES)
                    return
    raise tarfile.TarError(f"no {member} in it")


def _copy(source: _Readable, out: IO[bytes], most: int) -> int:
    """Copy all there is; the number of bytes, or a `ValueError` once they are more than `most`."""
    count = 0
    while block := source.read(_BLOCK):
        count += len(block)
        if count > most:
            raise ValueError("longer than any file of the list")
        out.write(block)
    return count


class _Packed(gzip.GzipFile):
    """A packed archive none of whose headers can claim to be long, as the reader would take it in at once."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError(f"found a header that claims {size} bytes")
        return super().read(size)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def sha256(path: Path) -> str:
    """SHA-256 sum of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
