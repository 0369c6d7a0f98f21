"""The headline comparison: GOGH against every other policy on hetero64, over traces, loads and seeds.

Policies are paired: under one seed all meet the same arrivals, workloads, SLAs and hidden factors. A percentage is
taken within each world (trace, load, seed) and averaged over traces and loads; intervals are over seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pandas as pd

from gogh_sim import resources
from gogh_sim.metrics.statistics import Interval
from gogh_sim.plots.standing import standing
from gogh_sim.reproduce.comparisons import (
    CONVENTIONAL,
    MEASURES,
    RIVALS,
    Overrides,
    Simulate,
    across,
    frame,
    less_percent,
    over_seeds,
    worlds,
)
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record

NAME = "headline"
GOGH, ORACLE = "gogh", "oracle"
SETTING: Overrides = ("experiment=headline",)
TRACES = ("philly_style", "alibaba_style")

_PAPER = "Raeisi et al., arXiv:2510.15652, as summarised"
_GOAL = "goal of this project: naive opponents prove little"
_UNITS = {
    "node_energy_kwh": ("node energy, kWh", 1.0),
    "slo_attainment": ("SLO attainment, %", 100.0),
    "jct_mean_s": ("mean JCT, h", 1 / 3600),
    "allocation_efficiency": ("allocation efficiency", 1.0),
}


class Extent(NamedTuple):
    """How much is run: jobs a trace, loads, seeds, and the policies by name."""

    jobs: int
    loads: tuple[float, ...]
    seeds: int
    policies: tuple[str, ...]


def policies() -> tuple[str, ...]:
    """Every policy that ships with a configuration."""
    return tuple(sorted(file.stem for file in (resources.configs() / "scheduler").glob("[!_]*.yaml")))


def small(simulate: Simulate) -> Iterator[Record | Drawing]:
    """One load, three seeds, 120 jobs; the policies that the claims are about, and the oracle."""
    return compare(simulate, Extent(120, (0.7,), 3, (*CONVENTIONAL, *RIVALS, GOGH, ORACLE)))


def full(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Three loads, five seeds, 120 jobs, every policy; what the small one ran is a part of it."""
    return compare(simulate, Extent(120, (0.5, 0.7, 0.9), 5, policies()))


def compare(simulate: Simulate, extent: Extent) -> Iterator[Record | Drawing]:
    """Every policy's measures, the claims with their verdicts, and the figure."""
    setting = (*SETTING, f"trace.jobs={extent.jobs}")
    own: dict[str, Overrides] = {name: (f"scheduler={name}",) for name in extent.policies}
    table = frame(simulate, own, worlds(TRACES, extent.loads, extent.seeds), setting)
    for name in extent.policies:
        yield from _standing(table[table["policy"] == name], name)
    yield from claims(table)
    yield Drawing(
        "standing",
        "Node energy against the mean of the conventional policies in the same world, and jobs that met their SLA: "
        "means over traces and loads with 95 % intervals over seeds",
        _relative(table),
        standing,
    )


def claims(table: pd.DataFrame) -> Iterator[Record]:
    """What is expected of GOGH, judged on a frame of `comparisons.frame`; the oracle is told beside."""
    energy, slo, efficiency = (across(table, m) for m in MEASURES if m != "jct_mean_s")
    usual_kwh = energy[list(CONVENTIONAL)].mean(axis=1)
    saved = partial(less_percent, reference=usual_kwh)
    yield _least("energy below the mean of the conventional policies, %", 19.3, over_seeds(saved(energy[GOGH])), _PAPER)
    usual = efficiency[list(CONVENTIONAL)].mean(axis=1)
    gain = over_seeds(-less_percent(efficiency[GOGH], usual))
    yield _least("allocation efficiency above the mean of the conventional policies, %", 27.6, gain, _PAPER)
    points = 100 * (slo[GOGH] - slo[list(CONVENTIONAL)].mean(axis=1))
    yield _least("SLO attainment above the mean of the conventional policies, points", 0.0, over_seeds(points), _PAPER)
    yield _least("energy below that mean, as far as wanted, %", 35.0, over_seeds(saved(energy[GOGH])), _GOAL)
    rivals = energy[list(RIVALS)]
    best = str(rivals.mean().idxmin())
    yield _least(
        f"energy below the best of {', '.join(RIVALS)} ({best}), %",
        15.0,
        over_seeds(less_percent(energy[GOGH], rivals[best])),
        _GOAL,
    )
    yield from _beside(energy, usual_kwh, slo, best)


def _beside(energy: pd.DataFrame, usual_kwh: pd.Series[float], slo: pd.DataFrame, best: str) -> Iterator[Record]:
    """What helps to read the verdicts: the rival's own service, and how far perfect knowledge would get."""
    behind = over_seeds(100 * (slo[GOGH] - slo[best]))
    yield _told(f"SLO attainment above {best}, points", 0.0, behind, "that rival")
    least = over_seeds(less_percent(energy[GOGH], energy[list(RIVALS)].min(axis=1)))
    yield _told("energy below the best of those in each world by hindsight, %", 15.0, least, _GOAL)
    if ORACLE in energy:
        prototype = "a rough prototype with perfect knowledge and invented workloads: 45 to 51 %, about 20 %"
        ideal = over_seeds(less_percent(energy[ORACLE], usual_kwh))
        yield _told("oracle: energy below the mean of the conventional policies, %", 45.0, ideal, prototype)
        ideal = over_seeds(less_percent(energy[ORACLE], energy[best]))
        yield _told(f"oracle: energy below {best}, %", 20.0, ideal, prototype)


def _standing(own: pd.DataFrame, name: str) -> Iterator[Record]:
    """A policy's measures over all worlds; nobody expected any value."""
    worlds_of = own.set_index(["trace", "load", "seed"])
    for measure, (label, scale) in _UNITS.items():
        yield _told(f"{name}: {label}", float("nan"), over_seeds(scale * worlds_of[measure]), "")


def _relative(table: pd.DataFrame) -> pd.DataFrame:
    """A row per policy: energy in percent of the conventional mean and SLO attainment in percent, with intervals."""
    energy, slo = across(table, "node_energy_kwh"), across(table, "slo_attainment")
    usual_kwh = energy[list(CONVENTIONAL)].mean(axis=1)
    rows = []
    for name in energy.columns:
        for measure, values in (
            ("Energy (% of conventional mean)", 100 * energy[name] / usual_kwh),
            ("SLO attainment (%)", 100 * slo[name]),
        ):
            found = over_seeds(values)
            rows.append((name, measure, found.mean, found.low, found.high))
    return pd.DataFrame(rows, columns=["policy", "measure", "found", "low", "high"])


def _least(item: str, bound: float, found: Interval, source: str) -> Record:
    between = (found.low, found.high)
    return Record.at_least(NAME, f"{GOGH}: {item}", bound=bound, found=found.mean, interval=between, source=source)


def _told(item: str, expected: float, found: Interval, source: str) -> Record:
    between = (found.low, found.high)
    return Record.told(NAME, item, expected=expected, found=found.mean, interval=between, source=source)
