"""How much of what perfect knowledge would save GOGH saves, and what P2 adds to it.

Of the node energy that the oracle saves against fifo, GOGH is to save nine tenths at equal SLO attainment; without P2
it is to do worse. Policies are paired: under one seed all meet the same arrivals, workloads, SLAs and hidden factors.
Savings are summed over worlds before they are divided, and intervals are those of a ratio of paired sums
(`comparisons.percent_of`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gogh_sim.metrics.statistics import Interval
from gogh_sim.plots.standing import standing
from gogh_sim.reproduce.comparisons import Overrides, Simulate, across, frame, over_seeds, percent_of, worlds
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record

NAME = "gogh_vs_oracle"
SETTING: Overrides = ("experiment=headline",)
TRACES = ("philly_style", "alibaba_style")
POLICIES = ("fifo", "gogh", "gogh_p1", "oracle")
_GOAL = "goal of this project"


def small(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Three seeds, 100 jobs a trace."""
    return compare(simulate, 100, 3)


def full(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Ten seeds of 120 jobs a trace.

    The worlds are those of the headline comparison, so that runs are shared. What differs between worlds decides the
    width of the intervals, so for the same work many small worlds tell more than few large ones: their number is what
    the spread is judged by, and rounds cost more than in proportion to the jobs that are in them.
    """
    return compare(simulate, 120, 10)


def compare(simulate: Simulate, jobs: int, seeds: int) -> Iterator[Record | Drawing]:
    """Run both traces at load 0.7, and judge."""
    own: dict[str, Overrides] = {name: (f"scheduler={name}",) for name in POLICIES}
    table = frame(simulate, own, worlds(TRACES, (0.7,), seeds), (*SETTING, f"trace.jobs={jobs}"))
    yield from judge(table)
    yield Drawing(
        "saving",
        "Energy saved against fifo, and SLO attainment, over both traces with 95 % intervals over seeds; expected is "
        "the oracle to save most, gogh at least nine tenths of that, and gogh_p1 less than gogh",
        _savings(table),
        standing,
    )


def _savings(table: pd.DataFrame) -> pd.DataFrame:
    """A row per policy and measure for the figure: energy saved against fifo, and SLO attainment."""
    energy, slo = across(table, "node_energy_kwh"), across(table, "slo_attainment")
    rows = []
    for name in POLICIES:
        saved = percent_of(energy["fifo"] - energy[name], energy["fifo"])
        met = over_seeds(100 * slo[name])
        rows.append((name, "Energy saved against fifo (%)", saved.mean, saved.low, saved.high))
        rows.append((name, "SLO attainment (%)", met.mean, met.low, met.high))
    return pd.DataFrame(rows, columns=["policy", "measure", "found", "low", "high"])


def judge(table: pd.DataFrame) -> Iterator[Record]:
    """The claims, on a frame of `comparisons.frame`; P1 alone is judged by energy at what it does to SLOs beside."""
    energy, slo = across(table, "node_energy_kwh"), 100 * across(table, "slo_attainment")
    for name in ("gogh", "gogh_p1"):
        share = percent_of(energy["fifo"] - energy[name], energy["fifo"] - energy["oracle"])
        item = f"{name}: share of the oracle's energy saving over fifo, %"
        if name == "gogh":
            yield _least(item, 90.0, share)
        else:
            yield _told(item, share)
    yield _least("gogh: SLO attainment above the oracle's, points", -1.0, over_seeds(slo["gogh"] - slo["oracle"]))
    more = percent_of(energy["gogh_p1"] - energy["gogh"], energy["gogh"])
    yield _least("gogh_p1: energy above gogh's, %", 0.0, more)
    yield _told("gogh_p1: SLO attainment above gogh's, points", over_seeds(slo["gogh_p1"] - slo["gogh"]))


def _least(item: str, bound: float, found: Interval) -> Record:
    between = (found.low, found.high)
    return Record.at_least(NAME, item, bound=bound, found=found.mean, interval=between, source=_GOAL)


def _told(item: str, found: Interval) -> Record:
    return Record.told(NAME, item, expected=float("nan"), found=found.mean, interval=(found.low, found.high), source="")
