"""A saved sweep for the tests of figures: three policies, two seeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_runs import save_sweep

from gogh_sim.metrics.results import RunFrames, load_runs


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> list[RunFrames]:
    directory: Path = tmp_path_factory.mktemp("sweep")
    save_sweep(directory, ("gogh", "best_fit", "fifo"), seeds=(1, 2))
    return load_runs(directory)
