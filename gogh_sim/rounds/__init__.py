"""Scheduling in rounds as a published simulator does it: whole GPUs are handed out anew every few minutes.

A second, independent account of time beside `gogh_sim.engine`, for cross-validation. It reproduces the mechanism of
Gavel (Narayanan et al., OSDI 2020) exactly, quirks included, so that results agree job by job.
"""

from gogh_sim.rounds.jobs import Rates, RoundJob
from gogh_sim.rounds.rules import RoundView, Rule, best_first, in_type_order, isolated, shuffled, solved
from gogh_sim.rounds.simulation import RoundResult, simulate

__all__ = [
    "Rates",
    "RoundJob",
    "RoundResult",
    "RoundView",
    "Rule",
    "best_first",
    "in_type_order",
    "isolated",
    "shuffled",
    "simulate",
    "solved",
]
