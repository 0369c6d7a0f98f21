"""Reading profile tables, from the package or from a folder, into a validated `Profile`."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.profile import Profile, Source
from gogh_sim.types import REFERENCE_GPU, FloatArray, GpuType, HostPower, JobKind, Workload

SHIPPED = ("calibrated",)
"""Profiles that come with the package, by name."""

_TEXT: dict[str, tuple[str, ...]] = {
    "gpu_types": ("gpu_type", "variant"),
    "workloads": ("workload", "model", "family", "task", "kind"),
    "solo": ("workload", "gpu_type", "tag"),
    "interference": ("workload", "gpu_type", "tag"),
}
_NUMBERS: dict[str, tuple[str, ...]] = {
    "gpu_types": (
        *("memory_gib", "tdp_w", "idle_bare_w", "idle_context_w", "fp32_tflops", "fp16_tflops", "bandwidth_gbps"),
        *("host_base_w", "host_slope", "host_off_w", "alpha", "beta", "gamma", "interference_spread"),
    ),
    "workloads": ("batch_size", "parameters_m", "gflop_per_sample", "memory_gib", "local_sync", "remote_sync"),
    "solo": ("host_ms", "gpu_ms", "dyn_w"),
    "interference": ("sensitivity", "intensity"),
}


def load(name: str = "calibrated") -> Profile:
    """A shipped profile by name, or the profile in the folder of that path.

    Raises
    ------
    InputError
        If neither exists, or a table lacks a column, a cell or a valid number; the message names file, line, column.
    """
    if name in SHIPPED:
        return load_folder(resources.files("gogh_sim.profiles") / name, name)
    if Path(name).is_dir():
        return load_folder(Path(name), Path(name).name)
    raise InputError(f"expected a profile among {list(SHIPPED)} or a folder of profile tables, found {name!r}")


def load_folder(folder: Traversable, name: str) -> Profile:
    """The profile whose tables lie in `folder`."""
    tables = {table: _read(folder, table) for table in _TEXT}
    gpus, jobs = tables["gpu_types"], tables["workloads"]
    types, workloads = _gpu_types(gpus), _workloads(jobs)
    job_names, type_names = [w.name for w in workloads], [t.name for t in types]

    def grid(table: str, column: str) -> npt.NDArray[Any]:
        return _grid(tables[table], column, job_names, type_names, folder / f"{table}.csv")

    def numbers(table: str, column: str) -> FloatArray:
        return np.asarray(grid(table, column), dtype=np.float64)

    rate = 1e3 / (numbers("solo", "host_ms") + numbers("solo", "gpu_ms"))
    memory = np.array([w.memory_gib for w in workloads])
    fits = memory[:, np.newaxis] <= np.array([t.memory_gib for t in types])
    reference = type_names.index(REFERENCE_GPU) if REFERENCE_GPU in type_names else 0
    return Profile(
        name=name,
        gpu_types=types,
        workloads=workloads,
        solo_rate=np.where(fits, rate, np.nan),
        reference_solo_rate=rate[:, reference].copy(),
        dyn_w=numbers("solo", "dyn_w"),
        sensitivity=numbers("interference", "sensitivity"),
        intensity=numbers("interference", "intensity"),
        measured_norm=np.full((len(types), len(workloads), len(workloads)), np.nan),
        alpha=_column(gpus, "alpha"),
        beta=_column(gpus, "beta"),
        gamma=_column(gpus, "gamma"),
        local_sync=_column(jobs, "local_sync"),
        remote_sync=_column(jobs, "remote_sync"),
        solo_tag=grid("solo", "tag").astype(np.str_),
        shared_tag=grid("interference", "tag").astype(np.str_),
        interference_spread=_column(gpus, "interference_spread"),
    )


def _read(folder: Traversable, table: str) -> pd.DataFrame:
    path = folder / f"{table}.csv"
    if not path.is_file():
        raise InputError("expected a profile table, found none", file=str(path))
    with path.open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    for column in (*_TEXT[table], *_NUMBERS[table]):
        if column not in frame.columns:
            raise InputError(f"expected columns {list(frame.columns)} to hold {column}", file=str(path), column=column)
    for column in _NUMBERS[table]:
        values = pd.to_numeric(frame[column], errors="coerce")
        _no_gaps(values, frame[column], path, column, "a number")
        frame[column] = values.astype(np.float64)
    for column in _TEXT[table]:
        _no_gaps(frame[column], frame[column], path, column, "a value")
    if "tag" in frame.columns:
        known = frame["tag"].where(frame["tag"].isin([s.value for s in Source]))
        _no_gaps(known, frame["tag"], path, "tag", f"one of {[s.value for s in Source]}")
    return frame


def _grid(
    table: pd.DataFrame, column: str, job_names: list[str], type_names: list[str], path: Traversable
) -> npt.NDArray[Any]:
    """(W, T) values of a column of a table with one row per workload and GPU type; every cell must occur once."""
    cells = dict(zip(zip(table["workload"], table["gpu_type"], strict=True), table[column], strict=True))
    if len(cells) < len(table):
        again = table.duplicated(["workload", "gpu_type"]).to_numpy()
        line = int(np.flatnonzero(again)[0])
        raise InputError("workload and GPU type occur a second time", file=str(path), line=line + 2)
    for w in job_names:
        for t in type_names:
            if (w, t) not in cells:
                raise InputError(f"expected a row for {w} on {t}, found none", file=str(path))
    return np.array([[cells[w, t] for t in type_names] for w in job_names])


def _no_gaps(values: pd.Series, found: pd.Series, path: Traversable, column: str, expected: str) -> None:
    gaps = np.flatnonzero(values.isna().to_numpy())
    if gaps.size:
        line = int(gaps[0])
        raise InputError(
            f"expected {expected}, found {found.iloc[line]!r}", file=str(path), line=line + 2, column=column
        )


def _column(frame: pd.DataFrame, column: str) -> FloatArray:
    return frame[column].to_numpy(dtype=np.float64).copy()


def _gpu_types(table: pd.DataFrame) -> tuple[GpuType, ...]:
    return tuple(
        GpuType(
            name=str(row["gpu_type"]),
            variant=str(row["variant"]),
            **{c: float(row[c]) for c in _NUMBERS["gpu_types"][:7]},
            host=HostPower(float(row["host_base_w"]), float(row["host_slope"]), float(row["host_off_w"])),
        )
        for _, row in table.iterrows()
    )


def _workloads(table: pd.DataFrame) -> tuple[Workload, ...]:
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
