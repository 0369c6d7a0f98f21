"""Imports go one way, and the contracts that say so can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

BREAKS = {
    "Imports go one way": ("placement/broken.py", "import gogh_sim.engine"),
    "Schedulers never see engine or profiles": ("schedulers/broken.py", "import gogh_sim.profiles"),
    "The engine knows types, policy and profiles": ("engine/broken.py", "import gogh_sim.estimators"),
    "Traces, profiles, placement and metrics know types only": ("metrics/broken.py", "import gogh_sim.policy"),
    "Plots know metrics only": ("plots/broken.py", "import gogh_sim.traces"),
    "Experiments draw nothing": ("scenario.py", "import matplotlib"),
    "Only estimators use torch": ("schedulers/broken.py", "import torch"),
    "Only placement uses PuLP": ("schedulers/broken.py", "import pulp"),
    "Only the engine uses SimPy": ("traces/broken.py", "import simpy"),
    "Only the command line uses Hydra": ("experiment.py", "import omegaconf"),
    "Within measure only probes use torch": ("measure/trial.py", "import torch"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package in that folder, wherever else one is installed."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", folder / ".importlinter"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_package_keeps_every_contract() -> None:
    done = lint(REPOSITORY)
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(BREAKS)} kept, 0 broken." in done.stdout


def test_every_contract_can_be_broken(tmp_path: Path) -> None:
    only_python = shutil.ignore_patterns("__pycache__", "*.csv", "*.json", "*.pt", "*.parquet")
    shutil.copytree(REPOSITORY / "gogh_sim", tmp_path / "gogh_sim", ignore=only_python)
    shutil.copy(REPOSITORY / ".importlinter", tmp_path)
    for name, line in BREAKS.values():
        with (tmp_path / "gogh_sim" / name).open("a") as file:
            file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    for contract in BREAKS:
        assert f"{contract} BROKEN" in done.stdout
