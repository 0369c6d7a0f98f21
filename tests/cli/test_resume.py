"""Runs and sweeps that were ended halfway, and started again as the user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gogh_sim.cli import main
from gogh_sim.cli.folders import found_identity, runs_in, share_done, written_aside
from gogh_sim.cli.job import Failure
from gogh_sim.cli.progress import Share
from gogh_sim.cli.sweep import Account, Element
from gogh_sim.metrics.results import load_runs

TINY = "cluster=homogeneous64 trace=philly_style trace.jobs=12 power=always_on"
SWEEP = f"run -m {TINY} scheduler=fifo seed=1,2 hydra.sweep.dir=sweep"

POLICY = '''
import os
import time

from gogh_sim.schedulers.fifo import Fifo


class Told(Fifo):
    """Fails, or waits, under the seed that the file `told` names, until the file says otherwise."""

    def __init__(self, context, mine):
        super().__init__(context)
        what, seed = open("told").read().split()
        if int(seed) == mine and what == "fail":
            raise OSError("the disk is full")
        if int(seed) == mine and what == "wait":
            open("waiting", "w").close()
            time.sleep(60)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "told_policy.py").write_text(POLICY)
    (tmp_path / "here").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugin"), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("gogh_sim.cli.run.report", lambda directory: "")
    monkeypatch.setattr("gogh_sim.cli.job.write_figures", lambda runs, out: out.mkdir())
    return tmp_path / "here"


def seeds(sweep: Path) -> dict[str, tuple[str, int]]:
    """Policy and seed of every run, by folder."""
    return {run.path.name: (run.scheduler, run.seed) for run in load_runs(sweep)}


def stamps(sweep: Path) -> dict[str, int]:
    return {file.parent.name: file.stat().st_mtime_ns for file in sweep.glob("*/summary.json")}


def test_a_sweep_started_again_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SWEEP.split()) == 0
    before = stamps(folder / "sweep")
    capsys.readouterr()
    assert main(SWEEP.split()) == 0
    assert stamps(folder / "sweep") == before
    assert "0 run, 2 kept from before, 0 failed" in capsys.readouterr().out


def test_a_wider_sweep_in_the_same_folder_runs_what_is_new_beside_the_old(folder: Path) -> None:
    assert main(SWEEP.split()) == 0
    before = stamps(folder / "sweep")
    assert main(SWEEP.replace("seed=1,2", "seed=3,2,1").split()) == 0
    after = stamps(folder / "sweep")
    assert {name: after[name] for name in before} == before
    found = seeds(folder / "sweep")
    assert sorted(found.values()) == [("fifo", 1), ("fifo", 2), ("fifo", 3)]


def test_a_half_written_run_is_redone_whole(folder: Path) -> None:
    assert main(SWEEP.split()) == 0
    half = folder / "sweep" / "1"
    whole = {file.name: file.read_bytes() for file in half.glob("*.parquet")}
    (half / "summary.json").unlink()
    (half / "jobs.parquet").write_bytes(b"half")
    (half / "gpus.parquet").unlink()
    before = stamps(folder / "sweep")
    assert main(SWEEP.split()) == 0
    after = stamps(folder / "sweep")
    assert sorted(after) == ["0", "1"]
    assert {name: after[name] for name in before} == before
    again = {file.name: file.read_bytes() for file in half.glob("*.parquet")}
    again.pop("timings.parquet"), whole.pop("timings.parquet")
    assert again == whole


def test_a_run_of_another_configuration_is_never_taken_for_this_one(folder: Path) -> None:
    assert main(SWEEP.split()) == 0
    assert main(SWEEP.replace("seed=1,2", "seed=1 engine.round_s=123").split()) == 0
    runs = load_runs(folder / "sweep")
    assert ["engine.round_s=123" in run.overrides for run in runs] == [False, False, True]
    assert len({run.summary["identity"] for run in runs}) == 3


def test_an_element_asked_for_twice_runs_once(folder: Path) -> None:
    assert main(f"run -m {TINY} scheduler=fifo seed=1,1 hydra.sweep.dir=sweep".split()) == 0
    assert list(seeds(folder / "sweep")) == ["0"]


def test_what_failed_is_redone_and_forgotten_once_it_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = "scheduler=fifo scheduler._target_=told_policy.Told +scheduler.mine=1,2,3"
    sweep = f"run -m {TINY} {told} hydra.sweep.dir=sweep"
    (folder / "told").write_text("fail 2")
    assert main(sweep.split()) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert sorted(stamps(folder / "sweep")) == ["0", "2"]
    assert not (folder / "sweep" / "1").exists()
    (folder / "told").write_text("fail 9")
    assert main(sweep.split()) == 0
    assert sorted(stamps(folder / "sweep")) == ["0", "1", "2"]
    assert not (folder / "sweep" / "failures.json").exists()


def test_a_sweep_killed_in_the_middle_goes_on_where_it_was(folder: Path) -> None:
    told = "scheduler=fifo scheduler._target_=told_policy.Told +scheduler.mine=1,2,3"
    sweep = f"run -m {TINY} {told} hydra.sweep.dir=sweep"
    (folder / "told").write_text("wait 2")
    started = subprocess.Popen([sys.executable, "-m", "gogh_sim", *sweep.split()], stderr=subprocess.DEVNULL)
    try:
        while not (folder / "waiting").exists():
            assert started.poll() is None
            time.sleep(0.05)
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    first = stamps(folder / "sweep")
    assert list(first) == ["0"]
    assert [run.path.name for run in load_runs(folder / "sweep")] == ["0"]
    assert list((folder / "sweep" / "1").glob(".part-*")), "the killed run was being written"
    (folder / "told").write_text("fail 9")
    assert main(sweep.split()) == 0
    after = stamps(folder / "sweep")
    assert sorted(after) == ["0", "1", "2"]
    assert after["0"] == first["0"]
    assert not list((folder / "sweep").rglob(".part-*"))


def test_a_finished_single_run_is_said_to_be_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    single = f"run {TINY} scheduler=fifo hydra.run.dir=mine"
    assert main(single.split()) == 0
    before = (folder / "mine" / "summary.json").stat().st_mtime_ns
    assert main(single.split()) == 0
    assert "there already" in capsys.readouterr().out
    assert (folder / "mine" / "summary.json").stat().st_mtime_ns == before


def test_a_single_run_does_not_overwrite_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    single = f"run {TINY} scheduler=fifo hydra.run.dir=mine"
    assert main(single.split()) == 0
    kept = {file: file.read_bytes() for file in (folder / "mine").rglob("*") if file.is_file()}
    capsys.readouterr()
    assert main([*single.split(), "seed=2"]) == 2
    assert "another run's results" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in (folder / "mine").rglob("*") if file.is_file()} == kept


def test_runs_of_before_identities_are_not_overwritten(folder: Path) -> None:
    assert main(f"run -m {TINY} scheduler=fifo seed=1,2 hydra.sweep.dir=sweep".split()) == 0
    for name in "01":
        file = folder / "sweep" / name / "summary.json"
        summary = json.loads(file.read_text())
        del summary["identity"]
        file.write_text(json.dumps(summary))
    before = stamps(folder / "sweep")
    assert main(f"run -m {TINY} scheduler=fifo seed=3 hydra.sweep.dir=sweep".split()) == 0
    after = stamps(folder / "sweep")
    assert after.items() > before.items()
    assert list(runs_in(folder / "sweep").values()).count("") == 2


def write(folder: Path, known: str, table: str) -> None:
    (folder / "summary.json").write_text(json.dumps({"identity": known}))
    (folder / "jobs.parquet").write_text(table)


def test_of_two_processes_at_one_run_the_first_to_finish_wins(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with written_aside(out, "mine") as aside:
        write(aside, "mine", "slow")
        write(out, "mine", "fast")  # what another process moves up meanwhile
    assert (out / "jobs.parquet").read_text() == "fast"
    assert sorted(entry.name for entry in out.iterdir()) == ["jobs.parquet", "summary.json"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("the user's")

    def fill() -> None:
        with written_aside(tmp_path / "run", "mine") as aside:
            write(aside, "mine", "half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fill()
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["notes.txt"]
    assert found_identity(tmp_path / "run") is None


def test_the_share_of_an_unfinished_run_is_read_from_outside(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert share_done(out) == 0
    with written_aside(out, "mine") as aside:
        (aside / "progress").write_text("0.25")
        assert share_done(out) == 0.25
        write(aside, "mine", "")
    assert sorted(entry.name for entry in out.iterdir()) == ["jobs.parquet", "summary.json"]


def test_a_killed_run_counts_once_in_the_share_of_its_sweep(tmp_path: Path) -> None:
    """What it had done by then is still there to be seen, and is not added to its having ended."""
    elements = [Element((), name, tmp_path / name) for name in ("killed", "to_come")]
    left = elements[0].folder / ".part-host-1"
    left.mkdir(parents=True)
    (left / "progress").write_text("0.25")
    account = Account(tmp_path, frozenset(), elements=elements)
    assert account.share() == Share(done=0.25, kept=0, total=2)
    account.failed.append((elements[0], Failure("no result", "")))
    assert account.share() == Share(done=1.0, kept=0, total=2)
