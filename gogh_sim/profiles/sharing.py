"""Sharing modes other than the default, as other tables.

`exclusive` is a cluster with capacity 1 and `mps` what the calibrated tables state. `time_sliced` and `sliced` turn
those tables into what time slicing and MIG give.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import Any

import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.tables import Tables, no_pairs

COMPUTE_SLICES = 7
"""Compute slices of a whole A100 or H100."""

_BY_COMPUTE_SLICES = (
    *("tdp_w", "idle_bare_w", "idle_context_w"),
    *("fp32_tflops", "fp16_tflops", "bandwidth_gbps"),
)


def time_sliced(tables: Tables) -> Tables:
    """Tables in which jobs take turns: a job loses the share of time that its partners keep the GPU busy.

    ``s = 1`` and ``i = busy share``, so two jobs that always have work get half each. Assumed, without switching
    cost; serving replicas measured on H100 got 0.31 each, by the `hopper_sharing_llm` table of the public data.
    """
    busy = tables.solo["gpu_ms"] / (tables.solo["gpu_ms"] + tables.solo["host_ms"])
    turns = tables.solo[["workload", "gpu_type"]].assign(
        sensitivity=1.0, intensity=busy, tag=Source.ASSUMED.value, source="turns by busy share"
    )
    return replace(tables, interference=turns, pairs=no_pairs())


def read_slices(folder: Traversable) -> pd.DataFrame:
    """Table of MIG slices beside the profile tables in `folder`."""
    path = folder / "slices.csv"
    if not path.is_file():
        raise InputError("expected a table of MIG slices, found none", file=str(path))
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file)


def sliced(tables: Tables, gpu_type: str, size: str, slices: pd.DataFrame) -> Tables:
    """`tables` with one MIG slice of a type appended as a GPU type of its own, named ``<type>-<slice>``.

    GPU time grows by the slice's measured speed, host time stays. Power limits and idle power are the card's by
    compute slices; jobs on other slices do not interfere, jobs on the same slice do as on the whole card.

    Raises
    ------
    InputError
        If the type or its slice is unknown.
    """
    row = slices[(slices["gpu_type"] == gpu_type) & (slices["slice"] == size)]
    if row.empty:
        known = [f"{t} {s}" for t, s in zip(slices["gpu_type"], slices["slice"], strict=True)]
        raise InputError(f"expected a MIG slice among {known}, found {gpu_type} {size}")
    name, speed = f"{gpu_type}-{size}", float(row["speed"].iloc[0])
    part = float(row["compute_slices"].iloc[0]) / COMPUTE_SLICES
    card = tables.gpu_types[tables.gpu_types["gpu_type"] == gpu_type]
    scaled = card[list(_BY_COMPUTE_SLICES)] * part
    memory: dict[str, Any] = {"memory_gib": float(row["memory_gib"].iloc[0]), "memory_source": f"MIG {size}"}
    new_type = card.assign(gpu_type=name, variant=name, **memory)
    new_type[scaled.columns] = scaled
    solo = tables.solo[tables.solo["gpu_type"] == gpu_type]
    strain = tables.interference[tables.interference["gpu_type"] == gpu_type]
    busy_whole = solo["gpu_ms"] / (solo["gpu_ms"] + solo["host_ms"])
    busy_part = (solo["gpu_ms"] / speed) / (solo["gpu_ms"] / speed + solo["host_ms"])
    alpha = float(card["alpha"].iloc[0])
    solo = solo.assign(
        gpu_type=name,
        gpu_ms=solo["gpu_ms"] / speed,
        tag=Source.TRANSFERRED.value,
        dyn_w=(solo["dyn_w"] * part * (busy_part / busy_whole) ** alpha).clip(
            upper=float((scaled["tdp_w"] - scaled["idle_context_w"]).iloc[0])
        ),
        power_tag=Source.ASSUMED.value,
        power_source=f"{gpu_type} by compute slices",
    )
    return replace(
        tables,
        gpu_types=pd.concat([tables.gpu_types, new_type], ignore_index=True),
        solo=pd.concat([tables.solo, solo], ignore_index=True),
        interference=pd.concat(
            [tables.interference, strain.assign(gpu_type=name, tag=Source.ASSUMED.value)], ignore_index=True
        ),
    )
