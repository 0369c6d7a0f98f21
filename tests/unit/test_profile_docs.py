"""The documentation says what the error table says, shows figures that exist, and names commands that there are."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

from gogh_sim.cli.main import COMMANDS
from gogh_sim.profiles import load
from gogh_sim.profiles.gpu_spec import GpuSpec

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = Path(str(resources.files("gogh_sim.profiles") / "calibrated"))
DOCUMENTS = {"docs": REPOSITORY / "docs" / "profiles.md", "readme": TABLES / "README.md"}
ERRORS = pd.read_csv(TABLES / "errors.csv")
FORMS = ("concave", "linear", "quadratic", "TDP")
HELD_OUT = ("in sample", "held-out pairs", "held-out jobs with 0", "held-out jobs with 3")


def rows(text: str, width: int) -> dict[str, list[float]]:
    """Numbers in the last `width` cells of every table row that has them, by the first cell."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        numbers = [re.fullmatch(r"\**([\d.]+)(?: %)?\**", cell) for cell in cells[-width:]]
        if line.startswith("|") and len(cells) > width and all(numbers):
            found[cells[0].partition(" (")[0]] = [float(n[1]) for n in numbers if n]
    return found


def stated(law: str, subject: str, metric: str) -> float:
    found = ERRORS[(ERRORS["law"] == law) & ERRORS["subject"].str.startswith(subject)]
    return float(found[found["metric"].str.contains(metric)]["value"].iloc[0])


@pytest.mark.parametrize("document", sorted(DOCUMENTS))
@pytest.mark.parametrize("card", ["V100", "A40", "T4", "A100"])
def test_the_power_table_is_the_error_table(document: str, card: str) -> None:
    (told,) = [v for k, v in rows(DOCUMENTS[document].read_text(), 4).items() if re.match(rf"{card}\b.*(tr|LLM)", k)]
    assert told == [
        pytest.approx(100 * stated("power", card, form), abs=0.6 if form == "TDP" else 0.06) for form in FORMS
    ]


@pytest.mark.parametrize("document", sorted(DOCUMENTS))
@pytest.mark.parametrize("pairs", ["Gavel V100", "Gavel P100", "Gavel K80", "Blox A100"])
def test_the_interference_table_is_the_error_table(document: str, pairs: str) -> None:
    told = rows(DOCUMENTS[document].read_text(), 4)[pairs]
    assert told == [pytest.approx(stated("interference", pairs.lower(), metric), abs=6e-4) for metric in HELD_OUT]


def test_speeds_told_in_words_are_those_of_the_profile() -> None:
    profile = load()
    told = re.search(
        r"ResNet-18 at 16 runs ([\d.]+) times.*?ResNet-50 at 128 ([\d.]+) times",
        DOCUMENTS["docs"].read_text(),
        re.DOTALL,
    )
    assert told is not None
    for workload, number in zip(("resnet18-b16", "resnet50-b128"), told.groups(), strict=True):
        speed = profile.relative_speed[profile.workload_index[workload], profile.type_index["A100"]]
        assert float(number) == pytest.approx(speed, abs=0.006)


def test_every_figure_and_link_exists() -> None:
    text = DOCUMENTS["docs"].read_text()
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert len(targets) >= 5
    assert all((DOCUMENTS["docs"].parent / target).is_file() for target in targets)


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"gogh-sim ([a-z-]+)", DOCUMENTS["docs"].read_text() + DOCUMENTS["readme"].read_text()))
    assert {"calibrate", "add-gpu", "measure", "run", "list"} <= named <= COMMANDS.keys()


def test_every_key_of_a_gpu_file_is_told() -> None:
    text = DOCUMENTS["docs"].read_text()
    assert all(f"`{name}`" in text for name in GpuSpec.__slots__ if name != "measured")
