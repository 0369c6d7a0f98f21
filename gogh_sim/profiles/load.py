"""From profile tables to a validated `Profile`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.profile import Profile, Source
from gogh_sim.profiles.tables import GPU_FACTS, Tables
from gogh_sim.types import REFERENCE_GPU, FloatArray, GpuType, HostPower, JobKind, Workload

MOST_PAIRS = 10**8
"""Most pairs of workloads, GPU type by GPU type: their table in memory takes eight bytes each."""

SHIPPED = ("calibrated",)
"""Profiles that come with the package, by name."""


def name_of(name: str) -> str:
    """What results call a profile: its name, or its folder's."""
    return Path(name).name


def folder_of(name: str) -> Traversable:
    """Where the tables of a profile lie; `InputError` if it is neither a shipped name nor a folder."""
    if name in SHIPPED:
        return shipped_folder(name)
    if Path(name).is_dir():
        return Path(name)
    raise InputError(f"expected a profile among {list(SHIPPED)} or a folder of profile tables, found {name!r}")


def shipped_folder(name: str) -> Traversable:
    """Where the tables of a shipped profile lie."""
    return resources.files("gogh_sim.profiles") / name


def build(tables: Tables, name: str) -> Profile:
    """The profile that these tables state; every workload needs a row on every GPU type."""
    cells = len(tables.gpu_types) * len(tables.workloads) ** 2
    if cells > MOST_PAIRS:
        raise InputError(f"expected at most {MOST_PAIRS} pairs of workloads over all types, found {cells}", file=name)
    types, workloads = _gpu_types(tables.gpu_types), _workloads(tables.workloads)
    host, gpu = (_grid(tables, "solo", column).astype(np.float64) for column in ("host_ms", "gpu_ms"))
    rate = 1e3 / (host + gpu)
    memory = np.array([w.memory_gib for w in workloads])
    fits = memory[:, np.newaxis] <= np.array([t.memory_gib for t in types])
    reference = tables.type_names.index(REFERENCE_GPU) if REFERENCE_GPU in tables.type_names else 0
    return Profile(
        name=name,
        gpu_types=types,
        workloads=workloads,
        solo_rate=np.where(fits, rate, np.nan),
        reference_solo_rate=rate[:, reference].copy(),
        dyn_w=_grid(tables, "solo", "dyn_w").astype(np.float64),
        sensitivity=_grid(tables, "interference", "sensitivity").astype(np.float64),
        intensity=_grid(tables, "interference", "intensity").astype(np.float64),
        measured_norm=_measured_norms(tables),
        alpha=_column(tables.gpu_types, "alpha"),
        beta=_column(tables.gpu_types, "beta"),
        gamma=_column(tables.gpu_types, "gamma"),
        local_sync=_column(tables.workloads, "local_sync"),
        remote_sync=_column(tables.workloads, "remote_sync"),
        solo_tag=_grid(tables, "solo", "tag").astype(np.str_),
        shared_tag=_shared_tags(tables),
        interference_spread=_column(tables.gpu_types, "interference_spread"),
    )


def _grid(tables: Tables, name: str, column: str) -> npt.NDArray[Any]:
    """(W, T) values of a column of a table with one row per workload and GPU type; every cell must occur once."""
    table: pd.DataFrame = getattr(tables, name)
    cells = dict(zip(zip(table["workload"], table["gpu_type"], strict=True), table[column], strict=True))
    file = f"{name}.csv"
    if len(cells) < len(table):
        again = table.duplicated(["workload", "gpu_type"]).to_numpy()
        line = int(np.flatnonzero(again)[0]) + 2
        raise InputError("workload and GPU type occur a second time", file=file, line=line)
    for w in tables.workload_names:
        for t in tables.type_names:
            if (w, t) not in cells:
                raise InputError(f"expected a row for {w} on {t}, found none", file=file)
    return np.array([[cells[w, t] for t in tables.type_names] for w in tables.workload_names])


def _measured_norms(tables: Tables) -> FloatArray:
    """(T, W, W) measured norms of the row workload beside the column workload, nan elsewhere."""
    count = len(tables.workload_names)
    norms = np.full((len(tables.type_names), count, count), np.nan)
    at = tuple(_numbers_of(tables, column) for column in ("gpu_type", "workload", "partner"))
    norms[at] = tables.pairs["norm"].to_numpy(dtype=np.float64)
    return norms


def _shared_tags(tables: Tables) -> npt.NDArray[np.str_]:
    tags = _grid(tables, "interference", "tag").astype(object)
    tags[_numbers_of(tables, "workload"), _numbers_of(tables, "gpu_type")] = Source.MEASURED.value
    return tags.astype(np.str_)


def _numbers_of(tables: Tables, column: str) -> npt.NDArray[np.intp]:
    names: Sequence[Hashable] = tables.type_names if column == "gpu_type" else tables.workload_names
    number = {name: k for k, name in enumerate(names)}
    for row, name in enumerate(tables.pairs[column]):
        if name not in number:
            raise InputError(f"found unknown {name!r}", file="pairs.csv", line=row + 2, column=column)
    return np.array([number[name] for name in tables.pairs[column]], dtype=np.intp)


def _column(frame: pd.DataFrame, column: str) -> FloatArray:
    return frame[column].to_numpy(dtype=np.float64).copy()


def _gpu_types(table: pd.DataFrame) -> tuple[GpuType, ...]:
    return tuple(
        GpuType(
            name=str(row["gpu_type"]),
            variant=str(row["variant"]),
            **{c: float(row[c]) for c in GPU_FACTS},
            host=HostPower(float(row["host_base_w"]), float(row["host_slope"]), float(row["host_off_w"])),
        )
        for _, row in table.iterrows()
    )


def _workloads(table: pd.DataFrame) -> tuple[Workload, ...]:
    kinds = [kind.value for kind in JobKind]
    for row, kind in enumerate(table["kind"]):
        if kind not in kinds:
            raise InputError(
                f"expected one of {kinds}, found {kind!r}", file="workloads.csv", line=row + 2, column="kind"
            )
    return tuple(
        Workload(
            name=str(row["workload"]),
            model=str(row["model"]),
            family=str(row["family"]),
            task=str(row["task"]),
            kind=JobKind(str(row["kind"])),
            batch_size=int(row["batch_size"]),
            **{c: float(row[c]) for c in ("parameters_m", "gflop_per_sample", "memory_gib")},
        )
        for _, row in table.iterrows()
    )
