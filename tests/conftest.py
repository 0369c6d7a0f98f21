"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# A property's examples follow from its code alone, so that what passed once passes again. New ones are looked for on
# purpose: pytest --hypothesis-profile=search tests/property. Neither judges by the clock: a machine may be busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("untimed"), derandomize=True)
settings.register_profile("search", settings.get_profile("untimed"), derandomize=False, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public data sets; tests that need it are skipped, with the reason, where it is not."""
    root = Path(os.environ.get("GOGH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"public data sets not found at {root}; set GOGH_DATA")
    return root
