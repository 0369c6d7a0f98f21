"""One sweep, the same bytes under every launcher, each of which really runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gogh_sim.cli import main
from gogh_sim.outputs import TABLES

REPOSITORY = Path(__file__).resolve().parents[2]
SWEEP = ["cluster=small", "trace=philly_style", "trace.jobs=10", "trace.oversize=skip", "seed=7"]
POLICIES = "scheduler=random,gogh"
CLOCK_KEYS = {"wall_s", "solve_mean_s", "solve_max_s"}

ON_SLURM = (str(REPOSITORY / "scripts" / "slurm_here.sh"),)
SLURM = ("munged", "slurmctld", "slurmd")

Run = dict[str, bytes | dict[str, Any]]


def swept(out: Path, *overrides: str, beside: tuple[str, ...] = ()) -> tuple[list[Run], str]:
    """Sweep as a user does; per run the tables as bytes and the summary without what a clock measured, and stderr."""
    sweep = [*SWEEP, POLICIES, f"hydra.sweep.dir={out}", *overrides]
    command = [*beside, sys.executable, "-m", "gogh_sim", "run", "-m", *sweep]
    done = subprocess.run(command, cwd=out.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 run, 0 kept from before, 0 failed" in done.stdout
    return [whole(out / name) for name in ("0", "1")], done.stderr


def whole(folder: Path) -> Run:
    tables: Run = {name: (folder / f"{name}.parquet").read_bytes() for name in set(TABLES) - {"timings"}}
    summary = json.loads((folder / "summary.json").read_text())
    overrides = (folder / ".hydra" / "overrides.yaml").read_bytes()
    return tables | {"overrides": overrides, "summary": {k: v for k, v in summary.items() if k not in CLOCK_KEYS}}


@pytest.fixture(scope="module")
def by_hydra(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """One after another in one process, which is what Hydra does by itself."""
    out = tmp_path_factory.mktemp("basic") / "sweep"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gogh_sim.cli.run.report", lambda directory: "")
        patch.setattr("gogh_sim.cli.job.write_figures", lambda runs, folder: None)
        assert main(["run", "-m", *SWEEP, POLICIES, f"hydra.sweep.dir={out}"]) == 0
    return [whole(out / name) for name in ("0", "1")]


def needs(plugin: str, *programs: str) -> None:
    if find_spec("hydra_plugins") is None or find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f"{plugin} is not installed")
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    absent = [program for program in programs if shutil.which(program, path=path) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not installed (Debian's packages slurm-wlm and munge)")


@pytest.mark.parametrize(
    ("launcher", "plugin", "programs"),
    [
        ("cores", "hydra_joblib_launcher", ()),
        ("slurm", "hydra_submitit_launcher", SLURM),
        ("ray_local", "hydra_ray_launcher", ()),
    ],
)
def test_every_launcher_gives_the_same_bytes(
    tmp_path: Path, by_hydra: list[Run], launcher: str, plugin: str, programs: tuple[str, ...]
) -> None:
    needs(plugin, *programs)
    found, said = swept(tmp_path / "sweep", f"hydra/launcher={launcher}", beside=ON_SLURM if programs else ())
    for mine, theirs in zip(found, by_hydra, strict=True):
        for part in mine:
            assert mine[part] == theirs[part], f"{part} differs under {launcher}"
    assert "sweep, 2 of 2 runs: 100%" in said


def test_a_run_that_fails_elsewhere_stops_no_other_there(tmp_path: Path) -> None:
    needs("hydra_joblib_launcher")
    policies = "scheduler._target_=nothing.There,gogh_sim.schedulers.fifo.Fifo"
    sweep = [*SWEEP, "scheduler=fifo", policies, "hydra/launcher=cores", "hydra.sweep.dir=sweep"]
    done = subprocess.run(
        [sys.executable, "-m", "gogh_sim", "run", "-m", *sweep],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("gogh-sim: failed:")]
    assert "scheduler._target_=nothing.There" in line
    assert "expected a policy's module.Class" in line
    assert [file.parent.name for file in (tmp_path / "sweep").glob("*/summary.json")] == ["1"]


def test_a_run_that_takes_its_process_with_it_stops_no_other(tmp_path: Path) -> None:
    needs("hydra_joblib_launcher")
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom gogh_sim.schedulers.fifo import Fifo\n\n\n"
        "class Deadly(Fifo):\n    def __init__(self, context, at):\n        super().__init__(context)\n"
        "        at == 2 and os.kill(os.getpid(), 9)\n"
    )
    policies = ["scheduler=fifo", "scheduler._target_=deadly.Deadly", "+scheduler.at=1,2,3"]
    done = subprocess.run(
        [sys.executable, "-m", "gogh_sim", "run", "-m", *SWEEP, *policies, "hydra/launcher=cores", "hydra.sweep.dir=s"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "2 run, 0 kept from before, 1 failed" in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("gogh-sim: failed:")]
    assert "+scheduler.at=2" in line
    assert "SIGKILL" in line


def test_a_launcher_that_is_not_installed_is_said_to_be_missing(tmp_path: Path) -> None:
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import sys; sys.modules['hydra_plugins'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "gogh_sim", "run", "-m", *SWEEP, POLICIES, "hydra/launcher=slurm"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'gogh-sim[slurm]'" in done.stderr.splitlines()[-1]
