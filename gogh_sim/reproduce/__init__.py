"""Published and claimed results computed anew: expected value, tolerance, what was found, the verdict, the figure.

An experiment is a function of the folder of published data that yields `Record` and `Drawing` as it goes; it is listed,
at two sizes, in `registry.EXPERIMENTS`, and `gogh-sim reproduce` runs it.
"""

from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record, Relation, Verdict
from gogh_sim.reproduce.registry import EXPERIMENTS, Experiment, Finding, Size

__all__ = ["EXPERIMENTS", "Drawing", "Experiment", "Finding", "Record", "Relation", "Size", "Verdict"]
