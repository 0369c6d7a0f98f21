"""How much memory a benchmark needs."""

from __future__ import annotations

import resource
import sys


def peak_mib() -> float:
    """Most memory that this process has had so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes.
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
