"""Allocation and fragmentation curves of four policies on Alibaba openb against the published ones.

Weng et al., "Beware of Fragmentation" (USENIX ATC 2023): hkust-adsl/kubernetes-scheduler-simulator 8f3d6417353c, its
published results of ten seeds, in `reference/fgd_published.json` of the data folder; 6,212 GPUs on 1,213 nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.metrics.statistics import mean_interval
from gogh_sim.placement.fragmentation import TaskMix
from gogh_sim.reproduce.data import document, table
from gogh_sim.reproduce.inflation import (
    BestFit,
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

_LEVELS = (0.5, 0.8, 0.9, 1.0)
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


def small(data: Path) -> Iterator[Record]:
    """Two seeds."""
    return compare(data, seeds=2)


def full(data: Path) -> Iterator[Record]:
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


def compare(data: Path, seeds: int, only: Sequence[str] = tuple(_POLICIES)) -> Iterator[Record]:
    """Mean curves over seeds 0, 1, ... of the policies named, beside the published ones."""
    folder, published = data / "traces/alibaba_openb_v2023", data / "reference/fgd_published.json"
    tasks = read_tasks(folder / "openb_pod_list_default.csv.gz")
    nodes = folder / "openb_node_list_gpu_node.csv"
    mix = usual_tasks(tasks)
    expected = {row["policy"]: row for row in document(published)["default_trace"]}
    for name in only:
        theirs, make = _POLICIES[name]
        if theirs not in expected:
            raise InputError(f"expected results of {theirs}", file=published)
        curves = []
        for seed in range(seeds):
            streams, site = Streams(seed), read_site(nodes)
            order = arrivals(tasks, float(site.free.sum()), streams.generator("arrivals"))
            curves.append(inflate(site, order, make(mix, streams.generator("policy")), mix, _LEVELS))
        for what, of in (("alloc", "allocated"), ("frag", "fragmented")):
            for level in _LEVELS:
                values = 100 * np.array([getattr(curve, of)[level] for curve in curves])
                interval = mean_interval(values)
                yield Record.judged(
                    NAME,
                    f"{name}: GPUs {of} at {level:.0%} of arrived load, %",
                    expected=float(expected[theirs][f"{what}@{round(100 * level)}"]),
                    tolerance=_POINTS,
                    found=interval.mean,
                    interval=(interval.low, interval.high),
                    source=f"{published.relative_to(data)}, {theirs}, ten seeds",
                )
