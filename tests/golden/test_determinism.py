"""One configuration and seed give the same bytes, whatever the hash seed and the number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gogh_sim.metrics.summary import CLOCK_KEYS

SAME_BYTES = ("jobs", "timeline", "decisions", "estimates", "events", "gpus", "nodes", "sources")
OVERRIDES = ("cluster=small", "trace.max_jobs=30", "trace.oversize=skip", "trace.services.count=2")


def simulate(out: Path, scheduler: str, seed: int, **environment: str) -> dict[str, Any]:
    """Run the command as a user does; tables as bytes, and the summary without what a clock measured."""
    command = [sys.executable, "-m", "gogh_sim", "run", f"scheduler={scheduler}", f"seed={seed}", *OVERRIDES]
    subprocess.run(
        [*command, f"hydra.run.dir={out}"],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        cwd=out.parent,
    )
    summary = json.loads((out / "summary.json").read_text())
    whole = {name: (out / f"{name}.parquet").read_bytes() for name in SAME_BYTES}
    return whole | {"summary": {key: value for key, value in summary.items() if key not in CLOCK_KEYS}}


@pytest.mark.parametrize("scheduler", ["random", "gogh"])
def test_same_seed_same_bytes(tmp_path: Path, scheduler: str) -> None:
    one = simulate(tmp_path / "one", scheduler, 7, PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    other = simulate(tmp_path / "other", scheduler, 7, PYTHONHASHSEED="2", OMP_NUM_THREADS="2")
    for name in one:
        assert one[name] == other[name], f"{name} differs"


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    one = simulate(tmp_path / "one", "random", 7)
    other = simulate(tmp_path / "other", "random", 8)
    assert one["jobs"] != other["jobs"]
