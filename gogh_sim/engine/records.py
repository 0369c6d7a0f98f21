"""What a run leaves behind: tables, one row type each, with units in the column names."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Records:
    """Tables of one run; `metrics` turns them into a summary. Times are seconds from trace start.

    Attributes
    ----------
    jobs
        A row a job: what it asked for, when it ran, how it ended, what it used.
    timeline
        Watts and counts from `time_s` until the next row; the last row closes the run.
    decisions
        A row a scheduler call: why, what changed, what the solver said.
    timings
        Wall-clock seconds of each call; the only table that two equal runs do not share byte for byte.
    estimates
        A row a measurement that a learner had a belief about: predicted and measured rate.
    events
        Every change of a job or node.
    gpus, nodes
        Busy or on seconds and joules of each.
    sources
        GPU-seconds by source tag of the profile numbers they rested on.
    """

    jobs: pd.DataFrame
    timeline: pd.DataFrame
    decisions: pd.DataFrame
    timings: pd.DataFrame
    estimates: pd.DataFrame
    events: pd.DataFrame
    gpus: pd.DataFrame
    nodes: pd.DataFrame
    sources: pd.DataFrame
