"""Pages name commands, files and policies that there are; formulas become MathML."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from gogh_sim.cli.main import COMMANDS
from gogh_sim.cli.verdicts import PAGE, write_verdicts
from gogh_sim.reproduce import EXPERIMENTS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_commands_and_files_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"gogh-sim ([a-z][a-z-]+)", text)) <= COMMANDS.keys()
    named = re.findall(r"`((?:gogh_sim|tests|configs|docs|examples|scripts|notebooks)/[\w./-]*)`", text)
    inside = r"`((?:profiles|metrics|engine|placement|estimators|schedulers)/\w+\.py)`"
    named += [f"gogh_sim/{path}" for path in re.findall(inside, text)]
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_the_readme_shows_pictures_that_there_are() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", (REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert pictures
    assert all((REPOSITORY / picture).is_file() for picture in pictures)


def test_formulas_become_mathml() -> None:
    pytest.importorskip("latex2mathml", reason="the extra [docs] is not installed")
    spec = importlib.util.spec_from_file_location("mathml", REPOSITORY / "scripts" / "mkdocs_mathml.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    page = r'<p>a <span class="arithmatex">\(x &lt; 1\)</span></p><div class="arithmatex">\[y\]</div>'
    made = hook.on_page_content(page)
    assert made.count("<math") == 2
    assert 'display="block"' in made
    assert "<mo>&#x0003C;</mo>" in made
    assert "arithmatex" not in made


def test_the_verdicts_shown_are_those_kept(tmp_path: Path) -> None:
    """Nobody edited the tables by hand, and no outcome was kept without being shown."""
    docs = tmp_path / "docs"
    shutil.copytree(REPOSITORY / "docs", docs, ignore=shutil.ignore_patterns("*.png"))
    shown = (docs / PAGE).read_text(encoding="utf-8")
    write_verdicts(docs, [])
    assert (docs / PAGE).read_text(encoding="utf-8") == shown
    assert set(re.findall(r"^\| `(\w+)` \| (?:small|full)", shown, re.MULTILINE)) <= EXPERIMENTS.keys()
