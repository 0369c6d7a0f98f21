"""A sweep that searches: what it is told, and that it too goes on where it was killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gogh_sim.cli import main
from gogh_sim.cli.composition import _checked_elements

pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="hydra-optuna-sweeper is not installed")

TINY = "cluster=small trace=philly_style trace.jobs=8 trace.oversize=skip trace.load=null"
TUNE = f"run -m experiment=tune_gogh {TINY} hydra.sweeper.n_trials=3 hydra.sweep.dir=tuned"
SEARCH = "hydra/sweeper=optuna hydra.sweeper.sampler.seed=1 hydra.sweeper.n_jobs=1 hydra.sweep.dir=tuned"

POLICY = """
from gogh_sim.schedulers.fifo import Fifo


class Fails(Fifo):
    def __init__(self, context, at):
        super().__init__(context)
        if at == 2:
            raise OSError("the disk is full")
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fails_policy.py").write_text(POLICY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gogh_sim.cli.run.report", lambda directory: "")
    monkeypatch.setattr("gogh_sim.cli.job.write_figures", lambda runs, out: None)


def summaries() -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(Path("tuned").glob("*/summary.json"))]


def test_a_search_finds_trade_offs_among_its_runs_and_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TUNE.split()) == 0
    said = capsys.readouterr()
    assert "3 runs" in said.out
    assert "of 3 runs" in said.err, "the bar knows of trials to come"
    results = Path("tuned/optimization_results.yaml")
    found = yaml.safe_load(results.read_text())["solutions"]
    ran = [[summary["node_energy_kwh"], summary["slo_attainment"]] for summary in summaries()]
    best = [run for run in ran if not any(o[0] <= run[0] and o[1] >= run[1] and o != run for o in ran)]
    assert sorted(solution["values"] for solution in found) == sorted(best)
    assert set(found[0]["params"]) == {
        *(f"scheduler.demand.{name}" for name in ("margin", "urgency", "threshold")),
        "scheduler.drain.gain",
    }

    before = results.read_bytes()
    assert main(TUNE.split()) == 0
    assert "0 run, 3 kept from before" in capsys.readouterr().out
    assert results.read_bytes() == before


def test_a_trial_that_fails_ends_no_search(capsys: pytest.CaptureFixture[str]) -> None:
    fails = "scheduler=fifo scheduler._target_=fails_policy.Fails +scheduler.at=1,2,3"
    tolerant = "hydra.sweeper.n_trials=5 hydra.sweeper.max_failure_rate=1"
    search = f"run -m {TINY} {fails} tune_for=node_energy_kwh {SEARCH} {tolerant}"
    assert main(search.split()) == 1
    said = capsys.readouterr()
    assert "2 run, 0 kept from before, 1 failed" in said.out
    (line,) = [line for line in said.err.splitlines() if line.startswith("gogh-sim: failed: ")]
    assert "+scheduler.at=2" in line
    assert yaml.safe_load(Path("tuned/optimization_results.yaml").read_text())["best_params"]["+scheduler.at"] in (1, 3)


def test_a_measure_that_no_summary_has_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    search = f"run -m {TINY} scheduler=fifo seed=1,2 tune_for=energy {SEARCH}"
    assert main(search.split()) == 2
    assert "tune_for: expected a number of summary.json, found 'energy'" in capsys.readouterr().err


def test_a_search_for_nothing_is_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"run -m {TINY} scheduler=fifo seed=1,2 {SEARCH}".split()) == 2
    assert "tune_for is needed" in capsys.readouterr().err
    assert not Path("tuned").exists()


def test_of_an_interval_the_ends_are_checked() -> None:
    checked = list(_checked_elements(["scheduler=gogh", "scheduler.demand.margin=interval(0, 0.3)"]))
    assert [chosen[-1] for chosen in checked] == ["scheduler.demand.margin=0.0", "scheduler.demand.margin=0.3"]
