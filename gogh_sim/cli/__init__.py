"""The command line, and the only place that knows Hydra."""

from gogh_sim.cli.main import main

__all__ = ["main"]
