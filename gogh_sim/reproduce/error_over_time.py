"""How wrong what GOGH believed of running jobs was, just before it was measured, by where the belief came from.

The curve over time of a single run is a figure of its report; here are the means over runs of the demo: the later a
belief, the more was measured before it, from P1 over P2 to situations measured already.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.plots.standing import standing
from gogh_sim.reproduce.comparisons import Simulate
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record

NAME = "error_over_time"
POLICIES = ("gogh", "gogh_p1")
_PAPER = "Raeisi et al., arXiv:2510.15652, as summarised: errors down to about 5 %"


def small(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Two seeds."""
    return compare(simulate, 2)


def full(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Five seeds."""
    return compare(simulate, 5)


def compare(simulate: Simulate, seeds: int) -> Iterator[Record | Drawing]:
    """Run the demo with and without P2, and judge the errors of refined beliefs."""
    keys = [(name, seed) for seed in range(1, seeds + 1) for name in POLICIES]
    summaries = simulate([("experiment=demo", f"scheduler={name}", f"seed={seed}") for name, seed in keys])
    found = dict(zip(keys, summaries, strict=True))

    def errors(name: str, source: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([found[name, seed][f"{source}_mape"] for seed in range(1, seeds + 1)], dtype=np.float64)

    told_of = {(name, source): mean_interval(errors(name, source)) for name in POLICIES for source in ("p1", "p2")}
    for name, source in (("gogh", "p1"), ("gogh_p1", "p1"), ("gogh_p1", "p2")):
        told = told_of[name, source]
        item = f"{name}: MAPE of beliefs by {source.upper()}, %"
        yield Record.told(NAME, item, expected=float("nan"), found=told.mean, interval=(told.low, told.high), source="")
    refined = told_of["gogh", "p2"]
    between = (refined.low, refined.high)
    item = "gogh: MAPE of beliefs by P2, %"
    yield Record.at_most(NAME, item, bound=5.0, found=refined.mean, interval=between, source=_PAPER)
    less = mean_interval(errors("gogh", "p1") - errors("gogh", "p2"))
    item = "gogh: MAPE by P1 above that by P2, points"
    yield Record.at_least(NAME, item, bound=0.0, found=less.mean, interval=(less.low, less.high), source=_PAPER)
    rows = [
        (f"{name}, {source.upper()}", "Error of beliefs (MAPE, %)", told.mean, told.low, told.high)
        for (name, source), told in told_of.items()
    ]
    yield Drawing(
        "errors",
        "Errors of what was believed of running jobs just before they were measured, means with 95 % intervals over "
        "seeds of the demo; expected is P2 of gogh furthest to the left, at about 5 %, and P1 to the right of it",
        pd.DataFrame(rows, columns=["policy", "measure", "found", "low", "high"]),
        standing,
    )
