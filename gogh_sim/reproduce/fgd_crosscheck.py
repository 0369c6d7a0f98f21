"""Allocation and fragmentation curves of four policies on Alibaba openb against the published ones.

Weng et al., "Beware of Fragmentation" (USENIX ATC 2023): hkust-adsl/kubernetes-scheduler-simulator 8f3d6417353c, its
published results of ten seeds, in `reference/fgd_published.json` of the data folder; 6,212 GPUs on 1,213 nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.placement.fragmentation import TaskMix
from gogh_sim.plots.published import packing_curves
from gogh_sim.reproduce.data import document, table
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.inflation import (
    BestFit,
    Curve,
    DotProduct,
    FragmentationDescent,
    Policy,
    Random,
    Site,
    Task,
    inflate,
    usual_tasks,
)
from gogh_sim.reproduce.record import Record
from gogh_sim.streams import Streams

NAME = "fgd_crosscheck"

_JUDGED = (0.5, 0.8, 0.9, 1.0)
_DRAWN = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Levels of arrived load, as shares of the GPUs."""

_ARRIVED = 1.3
"""Demand that arrives in all, as a share of the GPUs."""

_POINTS = 1.5
"""Percentage points within which curves must agree."""

_POLICIES: Mapping[str, tuple[str, Callable[[TaskMix, np.random.Generator], Policy]]] = {
    "random": ("01-Random", lambda mix, rng: Random(rng)),
    "dot-product": ("02-DotProd", lambda mix, rng: DotProduct()),
    "best-fit": ("05-BestFit", lambda mix, rng: BestFit()),
    "fgd": ("06-FGD", lambda mix, rng: FragmentationDescent(mix)),
}


def small(data: Path) -> Iterator[Record | Drawing]:
    """Two seeds."""
    return compare(data, seeds=2)


def full(data: Path) -> Iterator[Record | Drawing]:
    """Ten seeds, as published."""
    return compare(data, seeds=10)


def read_site(path: Path) -> Site:
    """The nodes of openb, in the order of their names, with all their capacity free."""
    rows = sorted(table(path), key=lambda row: row["sn"])
    gpus = np.array([int(row["gpu"]) for row in rows])
    free = (np.arange(gpus.max()) < gpus[:, np.newaxis]).astype(np.float64)
    cpus, memory = (np.array([float(row[name]) for row in rows]) for name in ("cpu_milli", "memory_mib"))
    return Site(cpus / 1000, memory, free)


def read_tasks(path: Path) -> list[Task]:
    """What the pods of openb ask for, those without a GPU as well."""
    return [
        Task(
            cpus=int(row["cpu_milli"]) / 1000,
            memory=float(row["memory_mib"]),
            gpus=int(row["num_gpu"]),
            part=int(row["gpu_milli"]) / 1000 if int(row["num_gpu"]) else 0.0,
        )
        for row in table(path)
    ]


def arrivals(tasks: list[Task], gpus: float, rng: np.random.Generator) -> list[Task]:
    """Tasks in random order until they ask for `_ARRIVED` of the GPUs: every one once, then more drawn at random."""
    chosen = [tasks[i] for i in rng.permutation(len(tasks)).tolist()]
    wanted = _ARRIVED * gpus
    asked = np.cumsum([task.demand for task in chosen])
    if asked[-1] >= wanted:
        return chosen[: int(np.searchsorted(asked, wanted)) + 1]
    demand = float(asked[-1])
    while demand < wanted:
        chosen.append(tasks[int(rng.integers(len(tasks)))])
        demand += chosen[-1].demand
    return [chosen[i] for i in rng.permutation(len(chosen)).tolist()]


def compare(data: Path, seeds: int, only: Sequence[str] = tuple(_POLICIES)) -> Iterator[Record | Drawing]:
    """Mean curves over seeds 0, 1, ... of the policies named, beside the published ones."""
    folder, published = data / "traces/alibaba_openb_v2023", data / "reference/fgd_published.json"
    tasks = read_tasks(folder / "openb_pod_list_default.csv.gz")
    nodes = folder / "openb_node_list_gpu_node.csv"
    mix = usual_tasks(tasks)
    expected = {row["policy"]: row for row in document(published)["default_trace"]}
    tables = []
    for name in only:
        theirs, make = _POLICIES[name]
        if theirs not in expected:
            raise InputError(f"expected results of {theirs}", file=published)
        curves = []
        for seed in range(seeds):
            streams, site = Streams(seed), read_site(nodes)
            order = arrivals(tasks, float(site.free.sum()), streams.generator("arrivals"))
            curves.append(inflate(site, order, make(mix, streams.generator("policy")), mix, _DRAWN))
        table = _table(name, curves, expected[theirs])
        yield from _judged(table, f"{published.relative_to(data)}, {theirs}, ten seeds")
        tables.append(table)
    yield Drawing(
        "packing",
        "GPUs allocated, and GPUs lost to fragmentation, while load arrives: lines as found here, with 95 % bands over "
        "seeds, and markers as published",
        pd.concat(tables, ignore_index=True),
        packing_curves,
    )


def _table(policy: str, curves: Sequence[Curve], published: Mapping[str, float]) -> pd.DataFrame:
    """A row per measure and level, in percent of all GPUs; the published value is nan where there is none."""
    rows = []
    for short, of in (("alloc", "allocated"), ("frag", "fragmented")):
        for level in _DRAWN:
            found = mean_interval(100 * np.array([getattr(curve, of)[level] for curve in curves]))
            told = float(published.get(f"{short}@{round(100 * level)}", np.nan))
            rows.append((policy, of, 100 * level, found.mean, found.low, found.high, told))
    return pd.DataFrame(rows, columns=["policy", "measure", "arrived_percent", "found", "low", "high", "published"])


def _judged(table: pd.DataFrame, source: str) -> Iterator[Record]:
    judged = table[table["arrived_percent"].isin([100 * level for level in _JUDGED])]
    for policy, measure, arrived, *numbers in judged.itertuples(index=False, name=None):
        found, low, high, published = map(float, numbers)
        yield Record.judged(
            NAME,
            f"{policy}: GPUs {measure} at {arrived:.0f}% of arrived load, %",
            expected=published,
            tolerance=_POINTS,
            found=found,
            interval=(low, high),
            source=source,
        )
