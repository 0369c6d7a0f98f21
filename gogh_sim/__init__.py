"""Trace-driven simulator of heterogeneous GPU clusters with the GOGH scheduling policy.

``gogh_sim.run(...)`` simulates, ``gogh_sim.sweep(...)`` compares, ``gogh_sim.load(folder)`` and
``gogh_sim.load_sweep(folder)`` read what the command line wrote. `gogh_sim.api` says more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gogh_sim.api import load, load_sweep, run, sweep
    from gogh_sim.results import RunResult, SweepResult

__all__ = ["RunResult", "SweepResult", "load", "load_sweep", "run", "sweep"]

_HOME = {"RunResult": "gogh_sim.results", "SweepResult": "gogh_sim.results"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: those who want one module of the package do not wait for all of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "gogh_sim.api")), name)


def __dir__() -> list[str]:
    """Names of the module, those not imported yet included."""
    return sorted({*globals(), *__all__})
