"""What breaks beneath a run: its solver, a launcher's worker, a place that cannot be written to, a full pipe."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pulp
import pytest

from gogh_sim.cli import main
from gogh_sim.cli.folders import runs_in
from gogh_sim.metrics.results import load_run, load_runs

TINY = "cluster=homogeneous64 trace=philly_style trace.jobs=8 power=always_on"
DIES = '''
import os
import signal

from gogh_sim.schedulers.fifo import Fifo


class Dies(Fifo):
    """Its process is killed in the middle of a decision, if a file says so."""

    def __init__(self, context, mine):
        super().__init__(context)
        self._dies = mine == 2 and os.path.exists("die")

    def decide(self, view):
        if self._dies and view.now_s > 1000:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decide(view)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "dying_policy.py").write_text(DIES)
    (tmp_path / "here").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugin"), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("gogh_sim.cli.run.report", lambda directory: "")
    return tmp_path / "here"


def test_a_solver_killed_mid_solve_costs_an_answer_not_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first solve works, the second is killed while it runs, and so on: the run ends, and says how often."""
    count, solver = tmp_path / "count", tmp_path / "cbc"
    real = pulp.PULP_CBC_CMD.pulp_cbc_path
    kill = f'echo x >> {count}; [ $(($(wc -l < {count}) % 2)) -eq 0 ] && kill -9 $$; exec {real} "$@"'
    solver.write_text(f"#!/bin/sh\n{kill}\n")
    solver.chmod(solver.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", str(solver))
    left = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("*-pulp.*"))
    line = "run scheduler=oracle cluster=small trace.max_jobs=15 trace.oversize=skip hydra.run.dir=out"
    assert main(line.split()) == 0
    summary = json.loads((folder / "out" / "summary.json").read_text())
    decisions = pd.read_parquet(folder / "out" / "decisions.parquet")
    assert summary["jobs_finished"] + summary["jobs_failed"] == summary["jobs_total"]
    assert 0 < summary["fallbacks"] < summary["decisions"]
    assert set(decisions.loc[decisions["fallback"], "status"]) == {"solver failed"}
    assert set(Path(os.environ.get("TMPDIR", "/tmp")).glob("*-pulp.*")) <= left


def test_a_worker_killed_under_joblib_loses_its_run_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the launcher for joblib")
    dies = "scheduler=fifo scheduler._target_=dying_policy.Dies +scheduler.mine=1,2,3"
    sweep = f"run -m hydra/launcher=joblib hydra.launcher.n_jobs=2 {TINY} {dies} hydra.sweep.dir=sweep"
    (folder / "die").touch()
    assert main(sweep.split()) == 1
    assert "scheduler.mine=2: no result; the launcher said TerminatedWorkerError" in capsys.readouterr().err
    first = runs_in(folder / "sweep")
    assert folder / "sweep" / "1" not in first
    for run in first:
        load_run(run)
    (folder / "die").unlink()
    assert main(sweep.split()) == 0
    assert [run.path.name for run in load_runs(folder / "sweep")] == ["0", "1", "2"]
    assert not list((folder / "sweep").rglob(".part-*"))


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a file system that nobody can write to")
@pytest.mark.parametrize(
    "line",
    [
        f"run {TINY} scheduler=fifo hydra.run.dir=/sys/kernel/x",
        f"run -m {TINY} scheduler=fifo seed=1,2 hydra.sweep.dir=/sys/kernel/x",
        "trace generate philly_style /sys/kernel/x.csv --jobs 5",
        "trace generate philly_style /sys/kernel/x.csv.gz --jobs 5",
        "trace generate philly_style /sys/kernel/x.parquet --format plain --jobs 5",
        "trace stats {sample} --plot /sys/kernel/x.png",
        "add-gpu {spec} --out /sys/kernel/x",
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(line: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "generate", "philly_style", "sample.csv", "--jobs", "5"]) == 0
    (folder / "spec.yaml").write_text(SPEC)
    capfd.readouterr()
    assert main(line.format(sample="sample.csv", spec="spec.yaml").split()) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("gogh-sim: error: /sys/kernel/x")
    assert "ermi" in last  # permission denied, or not permitted
    assert {entry.name for entry in folder.iterdir()} == {"sample.csv", "spec.yaml"}


SPEC = """\
gpu_type: L40S
variant: L40S
memory_gib: 48
tdp_w: 350
idle_bare_w: 20
idle_context_w: 35
fp32_tflops: 91.6
fp16_tflops: 362
bandwidth_gbps: 864
host_base_w: 200
host_slope: 1.1
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_told(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gogh_sim", "trace", "fetch"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "gogh-sim: error: No space left on device\n"


def test_a_pipe_is_written_to_as_it_stands(folder: Path) -> None:
    """What is no regular file cannot be replaced by one."""
    line = "trace generate philly_style /dev/stdout --jobs 3"
    done = subprocess.run(
        [sys.executable, "-m", "gogh_sim", *line.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("timestamp,")
