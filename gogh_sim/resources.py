"""Where the shipped configs and sample traces lie: in the package when installed, beside it in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def configs() -> Path:
    """Folder of the Hydra configuration."""
    return _folder("configs", "configs")


def sample_traces() -> Path:
    """Folder of the generated sample traces."""
    return _folder("sample_traces", "traces")


def _folder(packaged: str, in_checkout: str) -> Path:
    package = Path(str(files("gogh_sim")))
    installed = package / packaged
    return installed if installed.is_dir() else package.parent / in_checkout
