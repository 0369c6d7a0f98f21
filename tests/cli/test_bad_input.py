"""What a user can get wrong: one line that names the place, exit code 2, nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gogh_sim.cli import main

PODS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
    "p0,1000,1024,1,1000,,LS,Succeeded,0,600,0\n"
)
FIFO = "run scheduler=fifo "

BAD = [
    ("", "COMMAND"),
    ("simulate", "invalid choice: 'simulate'"),
    ("run --bogus", "--bogus"),
    ("run seed=abc", "seed"),
    ("run seed=-1", "seed: expected a whole number from 0, found -1"),
    ("run speed=1", "speed: the configuration has no such key"),
    ("run engine.rounds=3", "engine.rounds: the configuration has no such key"),
    ("run +engine.rounds=3", "nothing reads engine.rounds"),
    ("run a=[", "override 'a=['"),
    ("run scheduler=nope", "Could not find 'scheduler/nope' Available options in 'scheduler': backfill"),
    ("run -m scheduler=fifo,nope", "Could not find 'scheduler/nope'"),
    ("run -m scheduler=fifo seed=1,x", "seed"),
    ("run seed=1,2", "--multirun"),
    ("run trace=philly", "trace.path is needed"),
    ("run trace.path=null", "trace.path is needed"),
    (FIFO + "trace.path=absent.csv", "absent.csv: expected a trace file"),
    (FIFO + "trace.path=empty.csv", "empty.csv"),
    (FIFO + "trace.path=noise.csv", "noise.csv"),
    (FIFO + "trace.path=no_column.csv", "no_column.csv, line 1, column deletion_time"),
    (FIFO + "trace.path=negative.csv", "negative.csv, line 2, column deletion_time"),
    (FIFO + "trace.path=unknown_type.csv", "'Z900'"),
    (FIFO + "trace.path=sound.csv cluster=from_trace", "give trace.nodes or choose a cluster"),
    (FIFO + "trace.path=sound.csv cluster=from_trace trace.nodes=absent.csv", "absent.csv"),
    (FIFO + "trace.path=sound.csv cluster.nodes=[]", "cluster.nodes"),
    (FIFO + "trace.path=sound.csv cluster.nodes=[{gpu_type:Z900,count:1,gpus_per_node:1}]", "'Z900'"),
    (FIFO + "trace.path=sound.csv cluster.theta=0", "theta"),
    (FIFO + "trace.load=-1", "load"),
    (FIFO + "trace.oversize=maybe", "trace.oversize: expected error or skip, found 'maybe'"),
    (FIFO + "trace.start_s=[1]", "trace.start_s"),
    (FIFO + "trace.sla.classes=[{slack:x,share:1}]", "slack"),
    (FIFO + "profile.name=nope", "nope"),
    (FIFO + "engine.round_s=-1", "engine.round_s must be positive, found -1"),
    (FIFO + "power.gating.idle_s=-3", "gating"),
    (FIFO + "power.pue=high", "power.pue"),
    (FIFO + "power.pue=0.5", "PUE must be at least 1"),
    (FIFO + "+scheduler.colour=red", "unexpected keyword argument 'colour'"),
    (FIFO + "scheduler.knowledge=all", "scheduler.knowledge: expected public or profile"),
    (FIFO + "scheduler._target_=no.such.Policy", "scheduler._target_"),
    (FIFO + "scheduler._target_=gogh_sim.schedulers.fifo.Lifo", "scheduler._target_"),
    ("run scheduler=oracle scheduler.objective=fame", "objective must be one of"),
    ("run scheduler=gogh scheduler.estimator.weights=absent.pt", "absent.pt"),
    (FIFO + "trace.start_s=nan", "a window begins within"),
    (FIFO + "trace=philly_style trace.jobs=5 trace.start_s=''", "expected a date and time"),
    (FIFO + "trace.start_s=-1e308", "a window begins within"),
    (FIFO + "trace.path=" + "x" * 5000, "File name too long"),
    (FIFO + "trace.load=" + "x" * 5000, "trace.load"),
    (FIFO + "trace.gpu_models=${seed}", "gpu_models"),
    (FIFO + "trace.sla.classes=${seed}", "classes"),
    (FIFO + "trace.services.count=1000000000000", "expected at most 100000000 rates"),
    (FIFO + "trace.services.most_gpus=1000000000000000000000000000000", "most_gpus"),
    (FIFO + "trace=philly_style trace.jobs=1000000000000", "jobs must be at most 10000000"),
    (FIFO + "trace=philly_style +trace.shortest_s=1e30", "shortest_s must be at most"),
    (FIFO + "engine.hidden_sigma=1e308", "engine.hidden_sigma must be at most 3"),
    (FIFO + "cluster.nodes=[{gpu_type:V100,count:1000000000000,gpus_per_node:1}]", "at most 1000000 GPUs"),
    (FIFO + "cluster.nodes=[{gpu_type:V100,count:1,gpus_per_node:1000000000000}]", "at most 1000000 GPUs"),
    (FIFO + "engine.stall_s=1" + "0" * 400, "expected numbers that a float can hold"),
    ("run scheduler=las scheduler.limits_gpu_s=[1,{}]", "scheduler las: a value is of the wrong kind"),
    ("run scheduler.estimator=1", "estimator: expected what makes a source of throughputs"),
    ("run scheduler.estimator._target_={a:1}", "scheduler gogh: Expected a callable target"),
    (FIFO + "cluster.nodes=[{gpu_type:V100,count:.inf,gpus_per_node:1}]", "expected gpu_type, count and gpus_per_node"),
    ("run scheduler.drain=1", "drain: expected its settings by name"),
    ("run scheduler=oracle scheduler.demand=x", "demand: expected its settings by name"),
    ("run scheduler=oracle scheduler.solve=null", "solve: expected its settings by name"),
    ("run scheduler=oracle scheduler.grid=-.inf", "grid: expected its settings by name"),
    ("report", "DIR"),
    ("report absent", "absent"),
    ("report .", "summary.json"),
    ("list nope", "invalid choice: 'nope'"),
    ("train absent/weights.pt", "absent"),
    ("train weights.pt --seed -1", "--seed"),
    ("trace", "generate|check|stats|convert|fetch"),
    ("trace check empty.csv", "--format"),
    ("trace stats empty.csv --format openb", "empty.csv"),
    ("trace generate alibaba_style out.csv --jobs 0", "jobs must be at least 1, found 0"),
    ("trace generate alibaba_style absent/out.csv", "absent"),
    ("trace generate alibaba_style out.csv --seed -1", "--seed"),
    ("trace convert sound.csv out.csv --from openb --to nope", "invalid choice: 'nope'"),
    ("trace convert noise.csv out.csv --from openb --to philly_list", "noise.csv"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands: some traces, most of them broken."""
    (tmp_path / "sound.csv").write_text(PODS)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "no_column.csv").write_text(PODS.replace("deletion_time", "end"))
    (tmp_path / "negative.csv").write_text(PODS.replace(",600,0", ",600,900"))
    (tmp_path / "unknown_type.csv").write_text(PODS.replace(",1000,,LS", ",1000,Z900,LS"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "named"), BAD)
def test_a_user_error_is_one_line_and_leaves_nothing(
    line: str, named: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert main(line.split()) == 2
    said = capfd.readouterr()
    assert said.err.startswith("gogh-sim: error: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 1100
    assert named in said.err
    assert not said.out
    assert sorted(folder.rglob("*")) == before


def test_the_process_itself_exits_with_2_and_no_traceback(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gogh_sim", "run", "scheduler=fifo", "trace.path=negative.csv"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.parametrize("name", ["absent.csv", "empty.csv", "noise.csv", "no_column.csv", "negative.csv"])
def test_trace_check_fails_on_a_faulty_file_and_lists_what_is_wrong(
    name: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "check", name, "--format", "openb"]) == 2
    said = capfd.readouterr()
    assert said.err.count("\n") == 1
    assert name in said.err
    assert said.out.startswith(f"error: {name}")


def test_trace_check_can_leave_the_faulty_rows_out(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mixed = (folder / "negative.csv").read_text() + PODS.splitlines()[1].replace("p0", "p1") + "\n"
    (folder / "mixed.csv").write_text(mixed)
    assert main(["trace", "check", "mixed.csv", "--format", "openb", "--fix", "fixed.csv"]) == 0
    assert (folder / "fixed.csv").read_text() == PODS.replace("p0", "p1")
    assert "p0" in (folder / "fixed.csv.quarantine.csv").read_text()
    assert "without 1 faulty rows" in capfd.readouterr().out
