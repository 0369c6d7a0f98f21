"""Studies simulate side by side, keep summaries, and go on where they were stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gogh_sim.cli import main
from gogh_sim.cli.simulations import Simulations
from gogh_sim.errors import InputError
from gogh_sim.reproduce import Record, Simulate, Size, Study

WORLD = ("trace=poisson", "trace.jobs=6")
RUNS = [(*WORLD, "scheduler=sjf", "seed=2"), (*WORLD, "scheduler=fifo", "seed=1")]


def test_runs_are_kept_and_not_run_again(tmp_path: Path) -> None:
    simulate = Simulations(tmp_path / "runs", workers=1)
    first = simulate(RUNS)
    assert [(s["scheduler"], s["seed"], s["jobs_total"]) for s in first] == [("sjf", 2, 6), ("fifo", 1, 6)]
    # What is kept is believed: were it run again, the mark would go.
    marked = {file: json.loads(file.read_text()) for file in (tmp_path / "runs").iterdir()}
    assert len(marked) == 2
    for file, summary in marked.items():
        file.write_text(json.dumps({**summary, "jct_mean_s": None}))
    again = Simulations(tmp_path / "runs", workers=2)([*RUNS, RUNS[0]])
    assert [s["scheduler"] for s in again] == ["sjf", "fifo", "sjf"]
    assert all(s["jct_mean_s"] != s["jct_mean_s"] for s in again)


def test_a_wrong_configuration_is_found_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        Simulations(tmp_path / "runs", workers=1)([RUNS[0], (*WORLD, "scheduler=nowhere")])
    assert not (tmp_path / "runs").exists()


def test_a_study_gets_what_simulates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def jobs(simulate: Simulate) -> Iterator[Record]:
        (summary,) = simulate(RUNS[:1])
        yield Record.told("toy", "jobs", expected=float("nan"), found=summary["jobs_total"], source="")

    study = Study("jobs", {Size.SMALL: jobs, Size.FULL: jobs})
    monkeypatch.setattr("gogh_sim.cli.reproduce.EXPERIMENTS", {"toy": study})
    monkeypatch.delenv("GOGH_DATA", raising=False)
    assert main(["reproduce", "toy", "--runs", str(tmp_path), "--workers", "1"]) == 0
    assert "informative jobs: found 6\n" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 1
    assert main(["reproduce", "toy", "--workers", "0"]) == 2
