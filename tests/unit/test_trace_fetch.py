"""Downloads against a server on this machine: whole files, broken ones, wrong ones."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from gogh_sim.errors import InputError
from gogh_sim.traces import fetch, public_files
from gogh_sim.traces.fetch import PublicFile, retrieve, sha256
from gogh_sim.traces.formats import FORMATS
from gogh_sim.traces.requests import REQUEST_FORMATS

CONTENT = bytes(range(256)) * 2000
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `CONTENT`, and ranges of it; what goes wrong is said by the path."""

    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        begin = self.headers.get("Range")
        Handler.seen.append((self.path, begin))
        if self.path.endswith("missing"):
            self.send_error(404)
            return
        data = archive() if self.path.endswith(".tar.gz") else CONTENT
        start = int(begin.removeprefix("bytes=").rstrip("-")) if begin and "whole" not in self.path else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        breaks = "break" in self.path and not begin
        self.wfile.write(data[start:][: 1000 if breaks else None])

    def log_message(self, *args: object) -> None:
        pass


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in (("../../evil.csv", b"evil"), ("deep/inside/jobs.csv", CONTENT)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("pooch", reason="downloads need pooch")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def public(name: str = "jobs.csv", url: str = "https://example.org/x/jobs.csv", **changes: str) -> PublicFile:
    given = {"format": "itp", "member": "", "sha256": SUM, "licence": "MIT", "citation": "A et al., 2020", **changes}
    return PublicFile(name=name, url=url, **given)


def test_a_mirror_serves_under_the_path_of_the_original(server: str, tmp_path: Path) -> None:
    Handler.seen.clear()
    path = retrieve(public(), tmp_path / "new" / "folder", f"{server}/mirror/")
    assert path.read_bytes() == CONTENT
    assert [p for p, _ in Handler.seen] == ["/mirror/x/jobs.csv"]
    retrieve(public(), tmp_path / "new" / "folder", f"{server}/mirror/")
    assert len(Handler.seen) == 1, "a file that is there with its sum is not downloaded again"
    assert sorted(p.name for p in path.parent.iterdir()) == ["jobs.csv"]


def test_a_damaged_file_is_replaced(server: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_bytes(b"damaged")
    assert retrieve(public(), tmp_path, server).read_bytes() == CONTENT


def test_a_broken_download_goes_on_where_it_stopped(server: str, tmp_path: Path) -> None:
    Handler.seen.clear()
    file = public(url="https://example.org/break/jobs.csv")
    with pytest.raises(InputError, match="broke off after 1000"):
        retrieve(file, tmp_path, server)
    assert not (tmp_path / "jobs.csv").exists()
    assert retrieve(file, tmp_path, server).read_bytes() == CONTENT
    assert [begin for _, begin in Handler.seen] == [None, "bytes=1000-"]


@pytest.mark.parametrize("place", ["jobs.csv", "whole/jobs.csv"])
def test_a_part_that_does_not_belong_starts_anew(server: str, tmp_path: Path, place: str) -> None:
    (tmp_path / "jobs.csv.part").write_bytes(b"another file")
    assert retrieve(public(url=f"https://example.org/{place}"), tmp_path, server).read_bytes() == CONTENT


def test_a_part_that_was_whole_is_taken(server: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv.part").write_bytes(CONTENT)
    assert retrieve(public(), tmp_path, server).read_bytes() == CONTENT


def test_a_wrong_sum_leaves_nothing(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected content with SHA-256 0000"):
        retrieve(public(sha256="0" * 64), tmp_path, server)
    assert list(tmp_path.iterdir()) == []


def test_one_file_of_an_archive_is_unpacked_and_nothing_else(server: str, tmp_path: Path) -> None:
    file = public(url="https://example.org/jobs.tar.gz", member="jobs.csv")
    folder = tmp_path / "a" / "b" / "c"
    assert retrieve(file, folder, server).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.rglob("*.*")] == ["jobs.csv"]
    with pytest.raises(InputError, match=r"no other\.csv in it"):
        retrieve(public("o.csv", "https://example.org/o.tar.gz", member="other.csv"), folder, server)
    with pytest.raises(InputError, match="expected an archive"):
        retrieve(public("n.csv", "https://example.org/n.csv", member="other.csv"), folder, server)


def test_what_the_server_lacks_is_said(server: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="404"):
        retrieve(public(url="https://example.org/missing"), tmp_path, server)
    with pytest.raises(InputError, match="try again"):
        retrieve(public(), tmp_path, "http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["../jobs.csv", "a/b", "", "..", "a\\b", "/etc/x"])
def test_names_lead_nowhere_else(name: str) -> None:
    with pytest.raises(InputError, match="plain file name"):
        public(name)


def test_unknown_names_and_addresses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown public file '\.\./x'"):
        fetch("../x", tmp_path)
    with pytest.raises(InputError, match="begins with http"):
        public().address("file:///etc")


def test_without_pooch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r"pip install 'gogh-sim\[fetch\]'"):
        retrieve(public(), tmp_path)


def test_every_public_file_is_whole_and_says_where_it_is_from() -> None:
    files = public_files()
    assert len(files) >= 40
    for file in files.values():
        assert file.address(None).startswith("https://")
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.licence
        assert file.citation
        assert not file.format or file.format in FORMATS or file.format in REQUEST_FORMATS


def test_sums_are_those_of_the_published_files(shared_data: Path, tmp_path: Path) -> None:
    known = {file.sha256 for file in public_files().values()}
    found = set()
    for path in sorted((shared_data / "traces").rglob("*.*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (tmp_path / "f").write_bytes(data)
        found.add(sha256(tmp_path / "f"))
    assert len(known & found) == len(known) - 4  # three PAI tables and the Philly archive are too large to keep there
