"""Published and claimed results computed anew: expected value, tolerance, what was found, the verdict, the figure.

An experiment is a function of the folder of published data, a study one of what simulates configurations; either yields
`Record` and `Drawing` as it goes, is listed, at two sizes, in `registry.EXPERIMENTS`, and run by `gogh-sim reproduce`.
"""

from gogh_sim.reproduce.comparisons import Outcome, Overrides, Simulate, summary_of
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record, Relation, Verdict
from gogh_sim.reproduce.registry import EXPERIMENTS, Experiment, Finding, Size, Study

__all__ = [
    "EXPERIMENTS",
    "Drawing",
    "Experiment",
    "Finding",
    "Outcome",
    "Overrides",
    "Record",
    "Relation",
    "Simulate",
    "Size",
    "Study",
    "Verdict",
    "summary_of",
]
