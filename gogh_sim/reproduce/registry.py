"""What can be reproduced, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from gogh_sim.reproduce import (
    architectures,
    error_over_time,
    fgd_crosscheck,
    frontier,
    gavel_crosscheck,
    gogh_vs_oracle,
    headline,
    pai_crosscheck,
)
from gogh_sim.reproduce.comparisons import Outcome, Simulate, summary_of
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record
from gogh_sim.reproduce.watched import watched_run

Finding = Record | Drawing
"""What an experiment yields as it goes: judged numbers, and the figures that they are read off."""


class Size(StrEnum):
    """A minute or two, or everything."""

    SMALL = "small"
    FULL = "full"


class Experiment(NamedTuple):
    """A line for the list, and how it is run, at either size, on the folder of published data.

    An experiment that needs none of these data is handed a folder that may not exist.
    """

    about: str
    run: Mapping[Size, Callable[[Path], Iterator[Finding]]]
    needs_data: bool = True


class Study(NamedTuple):
    """A line for the list, and a comparison of policies, at either size, on runs that it has simulated.

    `outcome` is what is kept of each run. Studies that want the summary alone share their runs.
    """

    about: str
    run: Mapping[Size, Callable[[Simulate], Iterator[Finding]]]
    outcome: Outcome = summary_of

    @property
    def needs_data(self) -> bool:
        """It needs no published data."""
        return False


EXPERIMENTS: Mapping[str, Experiment | Study] = {
    error_over_time.NAME: Study(
        "errors of what GOGH believes of its jobs over a run, by P1 and by P2",
        {Size.SMALL: error_over_time.small, Size.FULL: error_over_time.full},
        watched_run,
    ),
    fgd_crosscheck.NAME: Experiment(
        "allocation and fragmentation curves of FGD and three others on Alibaba openb",
        {Size.SMALL: fgd_crosscheck.small, Size.FULL: fgd_crosscheck.full},
    ),
    frontier.NAME: Study(
        "energy against SLO attainment: gogh over its risk margin and urgency weight, and every baseline",
        {Size.SMALL: frontier.small, Size.FULL: frontier.full},
    ),
    gavel_crosscheck.NAME: Experiment(
        "round mechanism and policies of Gavel, job by job and by objective",
        {Size.SMALL: gavel_crosscheck.small, Size.FULL: gavel_crosscheck.full},
    ),
    gogh_vs_oracle.NAME: Study(
        "share of the oracle's energy saving that GOGH reaches, with P2 and without",
        {Size.SMALL: gogh_vs_oracle.small, Size.FULL: gogh_vs_oracle.full},
    ),
    headline.NAME: Study(
        "energy, SLO attainment, JCT and allocation efficiency of every policy, and the claims about GOGH",
        {Size.SMALL: headline.small, Size.FULL: headline.full},
    ),
    architectures.P1: Experiment(
        "P1 as feed-forward, recurrent and Transformer network on families not seen",
        {Size.SMALL: architectures.p1_small, Size.FULL: architectures.p1_full},
        needs_data=False,
    ),
    architectures.P2: Experiment(
        "P2 as feed-forward, recurrent and Transformer network after one measurement",
        {Size.SMALL: architectures.p2_small, Size.FULL: architectures.p2_full},
        needs_data=False,
    ),
    pai_crosscheck.NAME: Experiment(
        "counting policies of the PAI and Tiresias simulators, exactly",
        {Size.SMALL: pai_crosscheck.small, Size.FULL: pai_crosscheck.full},
    ),
}
