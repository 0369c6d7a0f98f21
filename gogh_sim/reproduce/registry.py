"""What can be reproduced, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from gogh_sim.reproduce import fgd_crosscheck, frontier, gavel_crosscheck, headline, pai_crosscheck
from gogh_sim.reproduce.comparisons import Simulate
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record

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
    """A line for the list, and a comparison of policies, at either size, on runs that it has simulated."""

    about: str
    run: Mapping[Size, Callable[[Simulate], Iterator[Finding]]]

    @property
    def needs_data(self) -> bool:
        """It needs no published data."""
        return False


EXPERIMENTS: Mapping[str, Experiment | Study] = {
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
    headline.NAME: Study(
        "energy, SLO attainment, JCT and allocation efficiency of every policy, and the claims about GOGH",
        {Size.SMALL: headline.small, Size.FULL: headline.full},
    ),
    pai_crosscheck.NAME: Experiment(
        "counting policies of the PAI and Tiresias simulators, exactly",
        {Size.SMALL: pai_crosscheck.small, Size.FULL: pai_crosscheck.full},
    ),
}
