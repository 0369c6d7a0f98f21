"""A user's own measurements, from one CSV, put in place of what the tables say.

Columns: kind, gpu_type, workload, partner, rate_per_s, power_w, memory_gib. Cells that a kind does not need stay empty.

| kind | needs | gives |
|---|---|---|
| solo | gpu_type, workload, rate_per_s; power_w and memory_gib if known | speed, full-load watts and footprint |
| pair | gpu_type, workload, partner, rate_per_s | speed of the workload while the partner runs on the same GPU |
| idle_bare | gpu_type, power_w | draw without a process |
| idle_context | gpu_type, power_w | draw with a process that runs no kernel |

A pair takes two rows, one for each job; its norm is the rate over the solo rate of the same file, else of the tables.
Several rows for one cell are averaged. Every cell set here is tagged measured, and a measured pair wins over the law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.rows import as_positive, read_rows, refuse
from gogh_sim.profiles.tables import Tables

COLUMNS = ("kind", "gpu_type", "workload", "partner", "rate_per_s", "power_w", "memory_gib")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "solo": ("gpu_type", "workload", "rate_per_s"),
    "pair": ("gpu_type", "workload", "partner", "rate_per_s"),
    "idle_bare": ("gpu_type", "power_w"),
    "idle_context": ("gpu_type", "power_w"),
}
LARGEST_NORM = 1.05
"""Norms up to this are noise and count as 1; above it, the pair and its solo rate do not belong together."""

_OWN = "own measurement"
_NUMBERS = ("rate_per_s", "power_w", "memory_gib")


@dataclass(frozen=True)
class Measurements:
    """Checked rows, by kind; `line` in the file is kept for messages."""

    file: Path
    rows: pd.DataFrame

    def of(self, kind: str) -> pd.DataFrame:
        """Rows of one kind."""
        return self.rows[self.rows["kind"] == kind]


def read_measurements(path: Path) -> Measurements:
    """Rows of a measurement file.

    Raises
    ------
    InputError
        Naming file, line and column of the first cell that is missing, unknown or not a positive number.
    """
    rows = as_positive(read_rows(path, COLUMNS, "measurements"), _NUMBERS, path)
    refuse(rows, ~rows["kind"].isin(list(NEEDED)), path, "kind", f"one of {list(NEEDED)}")
    for kind, needed in NEEDED.items():
        for column in needed:
            refuse(rows, (rows["kind"] == kind) & rows[column].isna(), path, column, f"a value in a row of kind {kind}")
    return Measurements(path, rows)


def with_measurements(tables: Tables, own: Measurements) -> Tables:
    """`tables` with every measured cell in place of what they said.

    A measured speed scales host and GPU time of its cell alike, since one rate cannot tell them apart.
    """
    for column, known in (("gpu_type", tables.type_names), ("workload", tables.workload_names)):
        named = own.rows[column].notna()
        refuse(own.rows, named & ~own.rows[column].isin(known), own.file, column, f"a {column} of the profile")
    partners = own.rows["kind"] == "pair"
    unknown = partners & ~own.rows["partner"].isin(tables.workload_names)
    refuse(own.rows, unknown, own.file, "partner", "a workload of the profile")
    gpu_types = _with_idle(tables.gpu_types, own)
    solo = _with_solo(tables.solo, gpu_types, own)
    return replace(
        tables,
        gpu_types=gpu_types,
        workloads=_with_memory(tables.workloads, own),
        solo=solo,
        pairs=_with_pairs(tables.pairs, solo, own),
    )


def _with_idle(gpu_types: pd.DataFrame, own: Measurements) -> pd.DataFrame:
    table = gpu_types.set_index("gpu_type")
    for kind in ("idle_bare", "idle_context"):
        for name, watts in own.of(kind).groupby("gpu_type")["power_w"].mean().items():
            table.loc[name, f"{kind}_w"] = watts
            table.loc[name, "idle_source"] = Source.MEASURED.value
    return table.reset_index()


def _with_solo(solo: pd.DataFrame, gpu_types: pd.DataFrame, own: Measurements) -> pd.DataFrame:
    cells = ["workload", "gpu_type"]
    mine = own.of("solo").groupby(cells)[["rate_per_s", "power_w"]].mean()
    table = solo.join(mine, on=cells)
    step_ms = (1e3 / table["rate_per_s"]).fillna(table["host_ms"] + table["gpu_ms"])
    scale = step_ms / (table["host_ms"] + table["gpu_ms"])
    idle, tdp = (table["gpu_type"].map(gpu_types.set_index("gpu_type")[c]) for c in ("idle_context_w", "tdp_w"))
    metered = table["power_w"].notna()
    outside = table[metered & ~table["power_w"].between(idle, tdp)]
    if len(outside):
        bad = own.rows["workload"].eq(outside["workload"].iloc[0]) & own.rows["gpu_type"].eq(
            outside["gpu_type"].iloc[0]
        )
        limits = f"{idle[outside.index[0]]:g} and {tdp[outside.index[0]]:g} W"
        refuse(
            own.rows, bad & own.rows["power_w"].notna(), own.file, "power_w", f"power between idle and TDP, {limits}"
        )
    return solo.assign(
        host_ms=table["host_ms"] * scale,
        gpu_ms=table["gpu_ms"] * scale,
        tag=table["tag"].mask(table["rate_per_s"].notna(), Source.MEASURED.value),
        dyn_w=(table["power_w"] - idle).fillna(table["dyn_w"]),
        power_tag=table["power_tag"].mask(metered, Source.MEASURED.value),
        power_source=table["power_source"].mask(metered, _OWN),
    )


def _with_memory(workloads: pd.DataFrame, own: Measurements) -> pd.DataFrame:
    table = workloads.set_index("workload")
    for name, gib in own.of("solo").groupby("workload")["memory_gib"].max().dropna().items():
        table.loc[name, "memory_gib"] = gib
        table.loc[name, ["memory_tag", "memory_source"]] = [Source.MEASURED.value, _OWN]
    return table.reset_index()


def _with_pairs(pairs: pd.DataFrame, solo: pd.DataFrame, own: Measurements) -> pd.DataFrame:
    rows = own.of("pair")
    if rows.empty:
        return pairs
    step_ms = solo.set_index(["workload", "gpu_type"])[["host_ms", "gpu_ms"]].sum(axis=1)
    cells = list(zip(rows["workload"], rows["gpu_type"], strict=True))
    norm = rows["rate_per_s"].to_numpy() * step_ms.loc[cells].to_numpy() / 1e3
    above = pd.Series(norm > LARGEST_NORM, index=rows.index)
    refuse(rows, above, own.file, "rate_per_s", f"at most {LARGEST_NORM} times the workload's rate alone")
    known = set(zip(rows["gpu_type"], rows["workload"], rows["partner"], strict=True))
    alone = [
        (t, b, a) not in known for t, a, b in zip(rows["gpu_type"], rows["workload"], rows["partner"], strict=True)
    ]
    refuse(rows, pd.Series(alone, index=rows.index), own.file, "partner", "a second row for the other job of the pair")
    found = rows[["gpu_type", "workload", "partner"]].assign(norm=np.minimum(norm, 1.0))
    cell = ["gpu_type", "workload", "partner"]
    mean = found.groupby(cell)["norm"].mean().reset_index().assign(source=_OWN)
    both = pd.concat([pairs, mean], ignore_index=True) if len(pairs) else mean
    return both.drop_duplicates(cell, keep="last", ignore_index=True)
