"""The HTML page: complete in itself, and alive in a browser where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from synthetic_runs import save_sweep

from gogh_sim.cli.page import PageTable, page
from gogh_sim.cli.report import report


class Reader(HTMLParser):
    """Collects tags with their attributes and the cells of the tables."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._table = ""
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._table = dict(attrs)["id"] or ""
            self.rows[self._table] = []
        if tag == "tr":
            self.rows[self._table].append([])
        self._in_cell = tag == "td" or (self._in_cell and tag != "th")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[self._table][-1].append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sweep")
    save_sweep(directory, ("gogh", "fifo"), seeds=(1, 2), jobs=20)
    report(directory)
    return directory / "report" / "index.html"


def test_it_loads_nothing_from_outside(index: Path) -> None:
    text = index.read_text(encoding="utf-8")
    links = [v for _, attributes in read(text).tags for k, v in attributes.items() if k in ("src", "href")]
    assert len(links) >= 6
    assert all(str(link).startswith("data:image/svg+xml;base64,") for link in links)
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    assert "@import" not in text


def test_its_data_are_the_summaries(index: Path) -> None:
    text = index.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    columns, rows = data["runs"]["columns"], data["runs"]["rows"]
    assert [(row[1], row[2]) for row in rows] == [("fifo", 1), ("fifo", 2), ("gogh", 1), ("gogh", 2)]
    saved = json.loads((index.parents[1] / "2" / "summary.json").read_text())
    assert rows[0][columns.index("node_energy_kwh")] == saved["node_energy_kwh"]
    assert rows[0][columns.index("p1_mape")] is None


def test_names_cannot_break_out_of_the_page() -> None:
    bad = "</script><b>&"
    runs = pd.DataFrame({"setting": [bad], "scheduler": [bad]})
    text = page(bad, runs, [PageTable("", [["setting", "policy"], [bad, bad]])], [bad], [], bad)
    assert text.count("</script>") == 2
    assert "<b>" not in text


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browse(index: Path, view: str, tmp_path: Path) -> Reader:
    if BROWSER is None:
        pytest.skip("no Chromium found")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom"]
    found = subprocess.run([*command, f"{index.as_uri()}{view}"], capture_output=True, text=True, check=True)
    return read(found.stdout)


def test_a_browser_shows_every_run_and_policy(index: Path, tmp_path: Path) -> None:
    shown = browse(index, "", tmp_path)
    # All runs are of one setting, which is said above the tables and has no column.
    assert [row[:2] for row in shown.rows["runs"][1:]] == [["fifo", "1"], ["fifo", "2"], ["gogh", "1"], ["gogh", "2"]]
    assert [row[0] for row in shown.rows["policies"][1:]] == ["fifo", "gogh"]
    assert [row[0] for row in shown.rows["differences"][1:]] == ["gogh"]
    assert sum(tag == "circle" for tag, _ in shown.tags) == 4


def test_a_browser_filters_and_sorts(index: Path, tmp_path: Path) -> None:
    shown = browse(index, "#filter=gogh%20seed%3D2", tmp_path)
    assert [row[:2] for row in shown.rows["runs"][1:]] == [["gogh", "2"]]
    assert [row[0] for row in shown.rows["policies"][1:]] == ["gogh"]
    assert sum(tag == "circle" for tag, _ in shown.tags) == 1

    shown = browse(index, "#sort=node_energy_kwh&baseline=gogh", tmp_path)
    assert [row[0] for row in shown.rows["differences"][1:]] == ["fifo"]
    # Without the column of the setting.
    energy = [float(row[_column(index, "node_energy_kwh") - 1]) for row in shown.rows["runs"][1:]]
    assert energy == sorted(energy)
    assert any(attributes.get("aria-sort") == "ascending" for _, attributes in shown.tags)


def _column(index: Path, name: str) -> int:
    text = index.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    return int(data["runs"]["columns"].index(name))
