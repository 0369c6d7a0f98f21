"""Seeded generators of traces, by name of style."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces import alibaba_style, itp_style, philly_style, poisson
from gogh_sim.traces.formats.philly import DEFAULT_ORIGIN
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.table import LARGEST

MOST_JOBS = 10_000_000
"""Most jobs of a generated trace: a slip in the number is told before memory is spent on it."""


class Generator(Protocol):
    """Draws jobs in the schema."""

    def __call__(
        self, jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
    ) -> pd.DataFrame:
        """Draw; see the styles' modules."""
        ...


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of generated trace: what it follows, how it is drawn, and the calendar time of second 0 if it has one."""

    about: str
    generate: Generator
    origin: str = ""


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "alibaba_style": Style("after Alibaba openb v2023: shared GPUs, model constraints", alibaba_style.generate),
        "itp_style": Style("after Microsoft ITP 2021: large gangs, bursts", itp_style.generate, itp_style.ORIGIN),
        "philly_style": Style("after Microsoft Philly: gangs, bursts", philly_style.generate, DEFAULT_ORIGIN),
        "poisson": Style("memoryless gaps and run times", poisson.generate),
    }
)


def generate(
    style: str, jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> Trace:
    """Draw a trace of a style; the same generator state gives the same jobs.

    Parameters
    ----------
    style
        A name in `STYLES`.
    jobs
        How many, at least 1.
    shortest_s, longest_s
        Durations are drawn conditional on lying between these.

    Raises
    ------
    InputError
        If the style is unknown or a number out of range.
    """
    if style not in STYLES:
        raise InputError(f"unknown trace style {style!r}; there are {', '.join(sorted(STYLES))}")
    if jobs < 1:
        raise InputError(f"jobs must be at least 1, found {jobs}")
    if jobs > MOST_JOBS:
        raise InputError(f"jobs must be at most {MOST_JOBS}, found {jobs}")
    if shortest_s > LARGEST:
        raise InputError(f"shortest_s must be at most {LARGEST:g}, found {shortest_s}")
    if not 0 < shortest_s <= longest_s:
        raise InputError(f"expected 0 < shortest_s <= longest_s, found {shortest_s} and {longest_s}")
    chosen = STYLES[style]
    frame = chosen.generate(jobs, rng, shortest_s=shortest_s, longest_s=longest_s)
    return Trace(frame, None, {}, style, origin=chosen.origin)
