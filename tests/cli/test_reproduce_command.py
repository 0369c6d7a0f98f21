"""`gogh-sim reproduce` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from gogh_sim.cli import main
from gogh_sim.cli.verdicts import BEGIN, END
from gogh_sim.plots.tradeoff import energy_against_slo
from gogh_sim.reproduce import EXPERIMENTS, Drawing, Experiment, Finding, Record, Size, Verdict, registry


def two_numbers(found: float) -> Experiment:
    def run(data: Path) -> Iterator[Record]:
        yield Record.judged("toy", "a number", expected=1.0, tolerance=0.1, found=found, source="nowhere")
        yield Record.told("toy", "another", expected=5.0, found=7.0, source="")

    return Experiment("two numbers", {Size.SMALL: run, Size.FULL: run})


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Experiment]:
    """The list of experiments holds one toy that comes out right; the data folder exists."""
    experiments = {"toy": two_numbers(1.05)}
    monkeypatch.setattr("gogh_sim.cli.reproduce.EXPERIMENTS", experiments)
    monkeypatch.setenv("GOGH_DATA", str(tmp_path))
    return experiments


def test_numbers_as_expected_exit_with_0(
    toy: dict[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "records.json"
    assert main(["reproduce", "toy", "--json", str(out)]) == 0
    said = capsys.readouterr().out
    assert "1 pass, 0 fail, 1 informative" in said
    assert json.loads(out.read_text()) == [
        {
            "name": "toy",
            "item": "a number",
            "expected": 1.0,
            "tolerance": 0.1,
            "found": 1.05,
            "ci_low": 1.05,
            "ci_high": 1.05,
            "verdict": "pass",
            "source": "nowhere",
            "relation": "within",
        },
        {
            "name": "toy",
            "item": "another",
            "expected": 5.0,
            "tolerance": None,
            "found": 7.0,
            "ci_low": 7.0,
            "ci_high": 7.0,
            "verdict": "informative",
            "source": "",
            "relation": "within",
        },
    ]


@pytest.mark.parametrize("found", [1.2, float("nan")])
def test_a_number_out_of_bounds_exits_with_1(
    toy: dict[str, Experiment], found: float, capsys: pytest.CaptureFixture[str]
) -> None:
    toy["toy"] = two_numbers(found)
    assert main(["reproduce", "all", "--full"]) == 1
    assert "fail        a number" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(name for name, known in EXPERIMENTS.items() if known.needs_data))
def test_missing_data_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(tmp_path))
    assert main(["reproduce", name]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    assert main(["reproduce", name]) == 2
    assert "GOGH_DATA" in capsys.readouterr().err


def points(fifo_kwh: float = 2.0) -> pd.DataFrame:
    energies = {"scheduler": ["fifo", "gogh"], "node_energy_kwh": [fifo_kwh, 1.0]}
    return pd.DataFrame({**energies, "slo_attainment": [0.5, 0.9]})


def drawn(found: float, fifo_kwh: float = 2.0) -> Experiment:
    """A figure and the direction that is read off it, without published data."""

    def run(_: Path) -> Iterator[Finding]:
        yield Record.at_most(
            "drawn", "gogh over fifo, %", bound=0.0, found=found, interval=(found - 5, found + 5), source="a claim"
        )
        yield Drawing("points", "Energy against service", points(fifo_kwh), energy_against_slo)

    return Experiment("energy against service", {Size.SMALL: run, Size.FULL: run}, needs_data=False)


def test_a_direction_holds_only_if_its_whole_interval_does() -> None:
    def verdict(found: float, interval: tuple[float, float] | None = None) -> Verdict:
        return Record.at_most("d", "i", bound=0.0, found=found, interval=interval, source="s").verdict

    assert verdict(-1.0) is verdict(0.0) is verdict(-6.0, (-9.0, -3.0)) is Verdict.PASS
    assert verdict(1.0) is verdict(-1.0, (-3.0, 1.0)) is verdict(float("nan")) is Verdict.FAIL
    least = Record.at_least("d", "i", bound=0.0, found=6.0, interval=(1.0, 11.0), source="s")
    assert (least.verdict, least.expected, least.relation) == (Verdict.PASS, 0.0, "at least")
    below = Record.at_least("d", "i", bound=0.0, found=6.0, interval=(-1.0, 13.0), source="s")
    assert below.verdict is Verdict.FAIL


def test_figures_and_what_they_show_are_written(
    toy: dict[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy["drawn"] = drawn(-6.0)
    assert main(["reproduce", "drawn", "--out", str(tmp_path / "out")]) == 0
    assert "expected at most 0" in capsys.readouterr().out
    folder = tmp_path / "out" / "drawn"
    assert sorted(file.name for file in folder.iterdir()) == ["points.csv", "points.png", "points.svg"]
    pd.testing.assert_frame_equal(pd.read_csv(folder / "points.csv"), points())


def documentation(folder: Path) -> Path:
    folder.mkdir()
    page = folder / "validation.md"
    page.write_text(f"# Validation\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    return page


def test_verdicts_go_into_the_documentation(toy: dict[str, Experiment], tmp_path: Path) -> None:
    page = documentation(tmp_path / "docs")
    toy["drawn"] = drawn(-6.0)
    assert main(["reproduce", "all", "--docs", str(page.parent)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Validation\n")
    assert text.endswith(f"{END}\n\nafter\n")
    assert "old" not in text
    assert "| `drawn` | small | energy against service | 1 | 0 | 0 |" in text
    assert "| `toy` | small | two numbers | 1 | 0 | 1 |" in text
    assert "| gogh over fifo, % | -6 | -11.0 to -1.00 | at most 0 | pass | 1 |\n\nSources:\n\n1. a claim\n" in text
    assert "| another | 7 |  | 5 | informative |  |" in text
    assert "Sources:\n\n1. nowhere\n" in text
    picture = "figures/reproduce/drawn/points.png"
    assert f"({picture})" in text
    assert (page.parent / picture).is_file()

    # What is kept of one experiment stays when another one, or another size, is run.
    toy["drawn"] = drawn(-2.0)
    assert main(["reproduce", "drawn", "--full", "--docs", str(page.parent)]) == 1
    text = page.read_text(encoding="utf-8")
    assert "| `drawn` | small | energy against service | 1 | 0 | 0 |" in text
    assert "| `drawn` | full | energy against service | 0 | 1 | 0 |" in text
    assert "| `toy` | small | two numbers | 1 | 0 | 1 |" in text
    assert "| gogh over fifo, % | -2 | -7.00 to 3.00 | at most 0 | **fail** | 1 |" in text
    assert "### drawn, full" in text
    assert "### drawn, small" not in text

    # The page shows the full one now: its figure stays when the small one is run again.
    of_full = (page.parent / picture).read_bytes()
    toy["drawn"] = drawn(-6.0, fifo_kwh=9.0)
    assert main(["reproduce", "drawn", "--docs", str(page.parent)]) == 0
    assert (page.parent / picture).read_bytes() == of_full


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    toy: dict[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = documentation(tmp_path / "docs")
    page.write_text("no markers", encoding="utf-8")
    for arguments in (["--docs", str(page.parent)], ["--docs", str(tmp_path)], ["--out", str(page)]):
        assert main(["reproduce", "toy", *arguments]) == 2
        assert "pass" not in capsys.readouterr().out


def test_without_published_data_all_runs_the_rest_and_says_so(
    toy: dict[str, Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy["drawn"] = drawn(-6.0)
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    assert main(["reproduce", "all"]) == 0
    said = capsys.readouterr().out
    assert "1 pass, 0 fail" in said
    assert "not run, as they need the published data (GOGH_DATA): toy" in said
    assert main(["reproduce", "drawn"]) == 0


def test_an_unknown_experiment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "nonsense"]) == 2
    assert "gavel_crosscheck" in capsys.readouterr().err


def test_every_experiment_has_both_sizes() -> None:
    assert all(set(experiment.run) == set(Size) for experiment in registry.EXPERIMENTS.values())
