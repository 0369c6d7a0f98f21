"""A policy in one file outside the package, named by ``_target_``."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gogh_sim.testing import CHECKS, check

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(out: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    plugin = ["scheduler=fifo", "scheduler.name=widest_first", "scheduler._target_=widest_first.WidestFirst"]
    return subprocess.run(
        [sys.executable, "-m", "gogh_sim", "run", *plugin, "trace.max_jobs=40", f"hydra.run.dir={out}", *overrides],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_runs_from_the_command_line(tmp_path: Path) -> None:
    done = run(tmp_path / "out", "+scheduler.most_gpus=4")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["scheduler"] == "widest_first"
    assert summary["jobs_finished"] + summary["jobs_failed"] == 40


def test_a_parameter_that_it_does_not_take_is_named(tmp_path: Path) -> None:
    done = run(tmp_path / "out", "+scheduler.colour=red")
    assert done.returncode == 2
    assert "colour" in done.stderr


@pytest.mark.parametrize("name", CHECKS)
def test_the_example_keeps_every_rule(name: str) -> None:
    spec = importlib.util.spec_from_file_location("widest_first", EXAMPLES / "widest_first.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check(name, lambda context, source: module.WidestFirst(context))
