"""How wrong what GOGH believes of its jobs is, over a run: with P2, and with P1 and its own measurements alone.

At regular times the believed rates of all pending and running jobs, on every GPU type alone and beside each other, are
compared with the true ones: what the optimiser reads, chosen or not. Beside that stand the mean errors of what was
believed of running jobs just before they were measured, by where the belief came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.plots.belief_errors import belief_errors
from gogh_sim.reproduce.comparisons import Simulate
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record
from gogh_sim.reproduce.watched import LOOKS

NAME = "error_over_time"
POLICIES = ("gogh", "gogh_p1")
SITUATIONS: Mapping[str, str] = {"alone": "alone on a GPU", "beside": "beside another job"}
"""Situations looked at, by what the figure calls them."""
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
    looks = common_looks(found)
    yield from _apart(looks)
    yield Drawing(
        "errors",
        "Median errors of the rates that are believed of all pending and running jobs, over the time since the start, "
        "means with 95 % bands over seeds of the demo; expected is gogh below gogh_p1, and falling",
        _curves(looks),
        belief_errors,
    )


def common_looks(found: Mapping[tuple[str, int], Mapping[str, Any]]) -> pd.DataFrame:
    """Looks by policy and seed as rows ``policy``, ``seed``, ``situation``, ``time_h`` and ``error`` in percent.

    Times at which a run has no such situation, or has ended, are left out of all, so that all rest on the same runs.
    """
    rows = [
        (policy, seed, situation, look["time_s"] / 3600, 100 * look[key])
        for (policy, seed), outcome in found.items()
        for look in outcome[LOOKS]
        for key, situation in SITUATIONS.items()
        if look[key] is not None
    ]
    every = pd.DataFrame(rows, columns=["policy", "seed", "situation", "time_h", "error"])
    return every[every.groupby(["situation", "time_h"])["error"].transform("size") == len(found)]


def _curves(looks: pd.DataFrame) -> pd.DataFrame:
    """A row per policy, kind of situation and time, with limits over seeds."""
    rows = [
        (*key, told.mean, told.low, told.high)
        for key, part in looks.groupby(["policy", "situation", "time_h"], sort=False)
        for told in [mean_interval(part["error"].to_numpy(dtype=np.float64))]
    ]
    return pd.DataFrame(rows, columns=["policy", "situation", "time_h", "found", "low", "high"])


def _apart(looks: pd.DataFrame) -> Iterator[Record]:
    """Errors with P2 less those without, means over time, seed by seed; P2 is expected to be the better."""
    means = looks.groupby(["situation", "policy", "seed"])["error"].mean()
    for situation in SITUATIONS.values():
        ours, without = (means[situation, name] for name in POLICIES)
        less = mean_interval((ours - without).to_numpy(dtype=np.float64))
        item = f"gogh: median error of rates {situation}, mean over time, less gogh_p1's, points"
        yield Record.at_most(NAME, item, bound=0.0, found=less.mean, interval=(less.low, less.high), source=_PAPER)
