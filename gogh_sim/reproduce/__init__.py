"""Published results computed anew: expected value, tolerance, what was found, and the verdict."""

from gogh_sim.reproduce.record import Record, Verdict
from gogh_sim.reproduce.registry import EXPERIMENTS, Experiment, Size

__all__ = ["EXPERIMENTS", "Experiment", "Record", "Size", "Verdict"]
