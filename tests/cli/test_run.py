"""`gogh-sim run` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from gogh_sim.cli import composition, main
from gogh_sim.outputs import TABLES

TINY = "cluster=homogeneous64 trace=philly_style trace.jobs=12 power=always_on"

PLUGIN = '''
from gogh_sim.policy import NOTHING, Decision
from gogh_sim.schedulers.fifo import Fifo


class Mine(Fifo):
    """Fifo under a user's name, with a parameter of its own."""

    def __init__(self, context, greeting="none"):
        super().__init__(context)
        assert greeting == "hello"


class Greedy:
    """Puts every job on GPU 0 of node 0, and so on one GPU too many jobs."""

    def __init__(self, context):
        self._gpu = context.cluster.gpu_ids[0]

    def decide(self, view):
        return Decision(place={job_id: (self._gpu,) * a.job.num_gpus for job_id, a in view.pending.items()})


class Impatient:
    def __init__(self, context):
        pass

    def decide(self, view):
        raise KeyboardInterrupt


class Broken:
    def __init__(self, context):
        pass

    def decide(self, view):
        raise ZeroDivisionError("a bug of the policy")


class FailsOnSeed2:
    def __init__(self, context, seed):
        self._policy = Greedy(context) if seed == 2 else Fifo(context)

    def decide(self, view):
        return self._policy.decide(view)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands, with a module of policies beside."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "my_policies.py").write_text(PLUGIN)
    (tmp_path / "here").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Keeps figures from being drawn; holds the folders that would have been reported."""
    asked: list[Path] = []

    def note(directory: Path) -> str:
        asked.append(Path(directory))
        return ""

    monkeypatch.setattr("gogh_sim.cli.run.report", note)
    return asked


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_single_run_writes_the_output_contract(
    folder: Path, unreported: list[Path], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(f"run {TINY} scheduler=best_fit seed=5".split()) == 0
    (out,) = (folder / "outputs" / "default").iterdir()
    assert names(out) == {".hydra", "summary.json", "trace.json", *(f"{table}.parquet" for table in TABLES)}
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["scheduler"], summary["seed"], summary["cluster"]) == ("best_fit", 5, "homogeneous64")
    assert summary["jobs_total"] == 12 == len(pd.read_parquet(out / "jobs.parquet"))
    assert unreported == [out]
    assert "100%" in capfd.readouterr().err


def test_a_sweep_writes_a_folder_per_run_and_reports_once(folder: Path, unreported: list[Path]) -> None:
    assert main(f"run -m {TINY} scheduler=fifo,sjf seed=1,2".split()) == 0
    (sweep,) = (folder / "outputs" / "default").iterdir()
    assert names(sweep) == {"0", "1", "2", "3", "multirun.yaml"}
    assert all((sweep / n / "figures" / "power_over_time.png").is_file() for n in "0123")
    found = [json.loads((sweep / n / "summary.json").read_text()) for n in "0123"]
    assert [(s["scheduler"], s["seed"]) for s in found] == [("fifo", 1), ("fifo", 2), ("sjf", 1), ("sjf", 2)]
    assert unreported == [sweep]


def test_the_table_is_printed_and_its_figures_exist(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(f"run {TINY} scheduler=fifo hydra.run.dir=mine".split()) == 0
    said = capfd.readouterr().out
    assert any(line.startswith("fifo ") for line in said.splitlines())
    figures = list((folder / "mine" / "figures").glob("*.png"))
    assert figures
    assert "power_over_time" in said


def test_two_runs_of_one_seed_write_the_same_tables(folder: Path, unreported: list[Path]) -> None:
    for out in ("a", "b"):
        assert main(f"run {TINY} scheduler=random hydra.run.dir={out}".split()) == 0
    for table in set(TABLES) - {"timings"}:
        assert (folder / "a" / f"{table}.parquet").read_bytes() == (folder / "b" / f"{table}.parquet").read_bytes()
    assert main(f"run {TINY} scheduler=random hydra.run.dir=c seed=2".split()) == 0
    assert (folder / "a" / "jobs.parquet").read_bytes() != (folder / "c" / "jobs.parquet").read_bytes()


def test_the_demo_sweeps_four_policies() -> None:
    runs = [composition.composed(chosen) for chosen in composition._checked_elements(["experiment=demo"])]
    assert [config.scheduler.name for config in runs] == ["fifo", "best_fit", "gogh", "oracle"]
    assert {config.experiment for config in runs} == {"demo"}


def test_sweeps_on_the_command_line_replace_those_of_the_experiment() -> None:
    runs = [
        composition.composed(c) for c in composition._checked_elements(["experiment=demo", "scheduler=sjf", "seed=1,2"])
    ]
    assert [(config.scheduler.name, config.seed) for config in runs] == [("sjf", 1), ("sjf", 2)]


def test_a_policy_of_the_user_runs_by_its_name(folder: Path, unreported: list[Path]) -> None:
    mine = "scheduler=fifo scheduler.name=mine scheduler._target_=my_policies.Mine +scheduler.greeting=hello"
    assert main(f"run {TINY} {mine} hydra.run.dir=out".split()) == 0
    assert json.loads((folder / "out" / "summary.json").read_text())["scheduler"] == "mine"


def test_an_impossible_decision_is_the_policys_error(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    greedy = "scheduler=fifo scheduler._target_=my_policies.Greedy"
    assert main(f"run {TINY} {greedy}".split()) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("gogh-sim: error: ")
    assert not list(folder.iterdir())


def test_an_interrupt_exits_with_130_and_leaves_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(f"run {TINY} scheduler=fifo scheduler._target_=my_policies.Impatient".split()) == 130
    assert capfd.readouterr().err.splitlines()[-1] == "gogh-sim: interrupted"
    assert not list(folder.iterdir())


def test_a_bug_is_not_dressed_up_as_a_users_error(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug of the policy"):
        main(f"run {TINY} scheduler=fifo scheduler._target_=my_policies.Broken".split())
    assert not list(folder.iterdir())


def test_a_run_that_fails_stops_no_other_run_of_its_sweep(
    folder: Path, unreported: list[Path], capfd: pytest.CaptureFixture[str]
) -> None:
    fails = "scheduler=fifo scheduler._target_=my_policies.FailsOnSeed2 +scheduler.seed=1,2,3"
    assert main(f"run -m {TINY} {fails} hydra.sweep.dir=sweep".split()) == 1
    assert names(folder / "sweep") == {"0", "2", "multirun.yaml", "failures.json"}
    assert unreported == [folder / "sweep"]
    said = capfd.readouterr()
    assert "3 runs" in said.out
    assert "2 run, 0 kept from before, 1 failed" in said.out
    (line,) = [line for line in said.err.splitlines() if line.startswith("gogh-sim: failed: ")]
    assert "+scheduler.seed=2" in line
    (why,) = json.loads((folder / "sweep" / "failures.json").read_text())
    assert why["reason"] in line
    assert "Traceback" in why["traceback"]


def test_folders_that_were_there_before_stay(folder: Path) -> None:
    (folder / "mine" / "runs").mkdir(parents=True)
    assert main(f"run {TINY} scheduler=fifo cluster.theta=0 hydra.run.dir=mine/runs/new/one".split()) == 2
    assert [str(p.relative_to(folder)) for p in sorted(folder.rglob("*"))] == ["mine", "mine/runs"]


def test_cfg_prints_and_runs_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cfg", "scheduler=sjf"]) == 0
    assert "gogh_sim.schedulers.sjf.ShortestFirst" in capfd.readouterr().out
    assert not list(folder.iterdir())
