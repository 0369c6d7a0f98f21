"""One configuration and seed give the same bytes: whatever the hash seed, the threads, the load and the launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gogh_sim.metrics.summary import CLOCK_KEYS

SAME_BYTES = ("jobs", "timeline", "decisions", "estimates", "events", "gpus", "nodes", "sources")
OVERRIDES = ("cluster=small", "trace.max_jobs=30", "trace.oversize=skip", "trace.services.count=2")
SCHEDULERS = ("random", "gogh")


def command(folder: Path, *arguments: str, **environment: str) -> None:
    """Run the command as a user does."""
    line = [sys.executable, "-m", "gogh_sim", "run", *arguments, *OVERRIDES]
    subprocess.run(line, env=os.environ | environment, check=True, capture_output=True, cwd=folder)


def results(out: Path) -> dict[str, Any]:
    """Tables as bytes, and the summary without what a clock measured."""
    summary = json.loads((out / "summary.json").read_text())
    whole = {name: (out / f"{name}.parquet").read_bytes() for name in SAME_BYTES}
    return whole | {"summary": {key: value for key, value in summary.items() if key not in CLOCK_KEYS}}


@contextmanager
def loaded() -> Iterator[None]:
    """More processes that want a core than there are cores."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(1 + (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """A run of each policy by itself, with one thread."""
    folder, found = tmp_path_factory.mktemp("plain"), {}
    for name in SCHEDULERS:
        run = (f"scheduler={name}", "seed=7", f"hydra.run.dir={name}")
        command(folder, *run, PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
        found[name] = results(folder / name)
    return found


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == other[name], f"{name} differs"


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_hash_seed_threads_and_load_change_nothing(
    scheduler: str, plain: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    run = (f"scheduler={scheduler}", "seed=7", "hydra.run.dir=out")
    with loaded():
        command(tmp_path, *run, PYTHONHASHSEED="2", OMP_NUM_THREADS="2")
    assert_same(plain[scheduler], results(tmp_path / "out"))


def test_a_launcher_changes_nothing_and_a_seed_everything(plain: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the launcher for joblib")
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=out")
    command(tmp_path, "-m", "scheduler=random,gogh", "seed=7,8", *launcher)
    swept = {
        (r["summary"]["scheduler"], r["summary"]["seed"]): r for r in map(results, (tmp_path / "out").glob("[0-3]"))
    }
    for name in SCHEDULERS:
        assert_same(plain[name], swept[name, 7])
        assert swept[name, 7]["jobs"] != swept[name, 8]["jobs"]
