"""Differences between policies, paired by seed: common random numbers.

Policies under one seed and setting see the same arrivals, hidden factors, noise and failures, so the difference of a
measure is taken seed by seed and its interval is that of the differences (Law, "Simulation Modeling and Analysis", 5th
ed. 2015, section 10.2): what the seeds do to both cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gogh_sim.metrics.comparison import by_setting
from gogh_sim.metrics.results import RunFrames, summaries
from gogh_sim.metrics.statistics import Interval, paired_difference

BASELINE = "fifo"
"""Policy that others are given against, where it is among the runs."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure and how two policies differ in it: in percent of the baseline's value, or in its own unit."""

    measure: str
    relative: bool


COMPARED = (
    Compared("node_energy_kwh", relative=True),
    Compared("slo_attainment", relative=False),
    Compared("jct_mean_s", relative=True),
    Compared("jct_p99_s", relative=True),
    Compared("queue_mean_s", relative=False),
    Compared("allocation_efficiency", relative=True),
)
"""In the order of the table's columns."""


def baseline_of(runs: Sequence[RunFrames]) -> str:
    """The policy that these runs' others are given against: `BASELINE`, or the first in the order of tables."""
    names = [run.scheduler for group in by_setting(runs).values() for run in group]
    return BASELINE if BASELINE in names else names[0]


def differences(runs: Sequence[RunFrames], baseline: str) -> pd.DataFrame:
    """Every measure of `COMPARED` of every other policy, less that of the baseline.

    Returns
    -------
    DataFrame
        ``setting``, ``scheduler``, ``baseline``, ``measure``, ``relative`` (whether in percent of the baseline),
        ``mean``, ``low``, ``high`` (Student's 95 % limits, nan for one pair), ``pairs``: seeds that both policies have.
        No row where a setting lacks the baseline.
    """
    rows = []
    for setting, group in by_setting(runs).items():
        table = summaries(group).set_index(["scheduler", "seed"])
        names = list(dict.fromkeys(run.scheduler for run in group))
        for scheduler in names if baseline in names else ():
            if scheduler != baseline:
                rows += [
                    (setting, scheduler, baseline, c.measure, c.relative, i.mean, i.low, i.high, i.n)
                    for c in COMPARED
                    for i in [_difference(table[c.measure], scheduler, baseline, c.relative)]
                ]
    columns = ["setting", "scheduler", "baseline", "measure", "relative", "mean", "low", "high", "pairs"]
    return pd.DataFrame(rows, columns=columns)


def _difference(values: pd.Series, scheduler: str, baseline: str, relative: bool) -> Interval:
    """The difference over the seeds that both policies have."""
    theirs, own = values.loc[baseline].astype(float), values.loc[scheduler].astype(float)
    seeds = own.index.intersection(theirs.index)
    own, theirs = own.loc[seeds], theirs.loc[seeds]
    if relative:
        own, theirs = 100 * own / theirs, 100 * theirs / theirs
    return paired_difference(own.to_list(), theirs.to_list())
