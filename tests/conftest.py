"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]

# A property's examples follow from its code alone, so that what passed once passes again. New ones are looked for on
# purpose: pytest --hypothesis-profile=search tests/property
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public data sets; tests that need it are skipped, with the reason, where it is not."""
    root = Path(os.environ.get("GOGH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"public data sets not found at {root}; set GOGH_DATA")
    return root
