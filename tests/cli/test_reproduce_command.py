"""`gogh-sim reproduce` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gogh_sim.cli import main
from gogh_sim.reproduce import EXPERIMENTS, Experiment, Record, Size, registry


def two_numbers(found: float) -> Experiment:
    def run(data: Path) -> Iterator[Record]:
        yield Record.judged("toy", "a number", expected=1.0, tolerance=0.1, found=found, source="nowhere")
        yield Record.told("toy", "another", expected=5.0, found=7.0, source="nowhere")

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
            "source": "nowhere",
        },
    ]


@pytest.mark.parametrize("found", [1.2, float("nan")])
def test_a_number_out_of_bounds_exits_with_1(
    toy: dict[str, Experiment], found: float, capsys: pytest.CaptureFixture[str]
) -> None:
    toy["toy"] = two_numbers(found)
    assert main(["reproduce", "all", "--full"]) == 1
    assert "fail        a number" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_missing_data_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(tmp_path))
    assert main(["reproduce", name]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    assert main(["reproduce", name]) == 2
    assert "GOGH_DATA" in capsys.readouterr().err


def test_an_unknown_experiment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "nonsense"]) == 2
    assert "gavel_crosscheck" in capsys.readouterr().err


def test_every_experiment_has_both_sizes() -> None:
    assert all(set(experiment.run) == set(Size) for experiment in registry.EXPERIMENTS.values())
