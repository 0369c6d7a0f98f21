"""Energy against SLO attainment: GOGH over its risk margin and its urgency weight, beside every baseline.

One load, the setting of the headline comparison and its worlds, so that runs are shared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from gogh_sim.plots.frontier import frontier
from gogh_sim.reproduce.comparisons import CONVENTIONAL, RIVALS, Overrides, Simulate, across, frame, over_seeds, worlds
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.headline import ORACLE, SETTING, TRACES, policies
from gogh_sim.reproduce.record import Record

NAME = "frontier"
LOAD = 0.7

KNOBS: Mapping[str, str] = {"risk margin": "confidence", "urgency weight": "urgency"}
"""What is varied, by what the figure calls it: keys below ``scheduler.demand``; the rest stays as gogh ships."""


class Extent(NamedTuple):
    """How much is run: jobs a trace, seeds, baselines, and the values of each knob."""

    jobs: int
    seeds: int
    baselines: tuple[str, ...]
    knobs: Mapping[str, tuple[float, ...]]


def small(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Three seeds of 120 jobs, as the small headline has them; the ends of both knobs."""
    values = {"risk margin": (0.5, 0.9), "urgency weight": (1.0, 3.0)}
    return draw(simulate, Extent(120, 3, (*CONVENTIONAL, *RIVALS, ORACLE), values))


def full(simulate: Simulate) -> Iterator[Record | Drawing]:
    """Five seeds of 120 jobs, every baseline."""
    baselines = tuple(name for name in policies() if not name.startswith("gogh"))
    values = {"risk margin": (0.5, 0.8, 0.9, 0.95), "urgency weight": (1.0, 3.0, 10.0)}
    return draw(simulate, Extent(120, 5, baselines, values))


def draw(simulate: Simulate, extent: Extent) -> Iterator[Record | Drawing]:
    """The points, whether a baseline stands beyond the frontier, and the figure."""
    settings = {(knob, value): f"{knob} {value:g}" for knob, values in extent.knobs.items() for value in values}
    own: dict[str, Overrides] = {name: (f"scheduler={name}",) for name in extent.baselines}
    own |= {
        name: ("scheduler=gogh", f"scheduler.demand.{KNOBS[knob]}={value}") for (knob, value), name in settings.items()
    }
    where = worlds(TRACES, (LOAD,), extent.seeds)
    points = _points(frame(simulate, own, where, (*SETTING, f"trace.jobs={extent.jobs}")))
    curves = [
        points[points["policy"] == name].assign(policy="gogh", knob=knob, value=value)
        for (knob, value), name in settings.items()
    ]
    others = points[points["policy"].isin(extent.baselines)].assign(knob="", value=float("nan"))
    table = pd.concat([others, *curves], ignore_index=True)
    yield from _verdict(table)
    yield Drawing(
        "energy_slo",
        f"Node energy against SLO attainment at load {LOAD:g}, means over both traces with 95 % intervals over seeds: "
        "gogh while its risk margin or its urgency weight varies, and every baseline; down and to the right is better",
        table,
        frontier,
    )


def _points(table: pd.DataFrame) -> pd.DataFrame:
    """A row per policy: energy in percent of the conventional mean in the same world, and SLO attainment in percent."""
    energy, slo = across(table, "node_energy_kwh"), across(table, "slo_attainment")
    usual_kwh = energy[list(CONVENTIONAL)].mean(axis=1)
    rows = []
    for name in energy.columns:
        needed, met = over_seeds(100 * energy[name] / usual_kwh), over_seeds(100 * slo[name])
        rows.append((name, needed.mean, needed.low, needed.high, met.mean, met.low, met.high))
    measures = [f"{measure}_{part}" for measure in ("energy", "slo") for part in ("mean", "low", "high")]
    return pd.DataFrame(rows, columns=["policy", *measures])


def _verdict(table: pd.DataFrame) -> Iterator[Record]:
    """A baseline stands beyond the frontier if no setting of gogh has both as little energy and as many SLOs met."""
    ours = table[table["policy"] == "gogh"]
    others = table[~table["policy"].isin(["gogh", ORACLE])]
    beyond = [
        str(row.policy)
        for row in others.itertuples()
        if not ((ours["energy_mean"] <= row.energy_mean) & (ours["slo_mean"] >= row.slo_mean)).any()
    ]
    yield Record.at_most(
        NAME,
        f"baselines that no setting of gogh matches in both measures ({', '.join(beyond) or 'none'})",
        bound=0.0,
        found=float(len(beyond)),
        source="goal of this project: a frontier",
    )
    for row in table.to_dict("records"):
        named = f"gogh, {row['knob']} {row['value']:g}" if row["knob"] else str(row["policy"])
        for measure, what in (("energy", "energy, % of the conventional mean"), ("slo", "SLO attainment, %")):
            found, low, high = (float(row[f"{measure}_{part}"]) for part in ("mean", "low", "high"))
            nothing = float("nan")
            yield Record.told(NAME, f"{named}: {what}", expected=nothing, found=found, interval=(low, high), source="")
