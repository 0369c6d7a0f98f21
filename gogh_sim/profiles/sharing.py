"""Sharing modes: what they make of the profile's tables, and of the cluster.

`exclusive` is a cluster with capacity 1 and `mps` what the calibrated tables state. `time_sliced` and `sliced` turn
those tables into what time slicing and MIG give. A MIG slice is a GPU type of its own: a card becomes several GPUs
that hold one job each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.profile import Profile, Source
from gogh_sim.profiles.tables import Tables, no_pairs, read_csv
from gogh_sim.types import Cluster


class Sharing(StrEnum):
    """How jobs share a GPU."""

    EXCLUSIVE = "exclusive"
    MPS = "mps"
    TIME_SLICING = "time_slicing"
    MIG = "mig"


SLICES = "slices.csv"
"""Name of the table of MIG slices."""

COMPUTE_SLICES = 7
"""Compute slices of a whole A100 or H100."""

_SLICE_NUMBERS = ("compute_slices", "memory_gib", "speed")
_BY_COMPUTE_SLICES = ("tdp_w", "fp32_tflops", "fp16_tflops", "bandwidth_gbps")
_BY_INSTANCES = ("idle_bare_w", "idle_context_w")


def slice_name(gpu_type: str, size: str) -> str:
    """Name of the GPU type that a slice of a type is."""
    return f"{gpu_type}-{size}"


def stand_ins(profile: Profile, mig: Mapping[str, str]) -> dict[str, str]:
    """GPU type in the cluster for each type of the profile: what asked for a card gets a slice of it."""
    own = {kind.name: kind.name for kind in profile.gpu_types}
    return own | {gpu_type: slice_name(gpu_type, size) for gpu_type, size in mig.items()}


def as_shared(cluster: Cluster, profile: Profile, sharing: Sharing, mig: Mapping[str, str]) -> Cluster:
    """`cluster` under a sharing mode: capacity 1 where jobs do not share, and cards cut into the slices of `mig`."""
    if sharing in (Sharing.MPS, Sharing.TIME_SLICING):
        return cluster
    names = stand_ins(profile, mig)
    types = {kind.name: kind for kind in profile.gpu_types}

    def instances(gpu_type: str) -> int:
        whole, part = types[gpu_type], types[names[gpu_type]]
        # By memory and, through TDP, which follows them, by compute slices.
        return min(int(whole.memory_gib // part.memory_gib), int(whole.tdp_w / part.tdp_w + 1e-9))

    nodes = tuple(
        replace(node, gpu_type=names[node.gpu_type], num_gpus=node.num_gpus * instances(node.gpu_type))
        for node in cluster.nodes
    )
    used = {node.gpu_type for node in nodes}
    return Cluster(cluster.name, tuple(t for t in profile.gpu_types if t.name in used), nodes, theta=1)


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
    path = folder / SLICES
    if not path.is_file():
        raise InputError("expected a table of MIG slices, found none", file=str(path))
    with as_file(path) as file:
        table = read_csv(file)
    for column in ("gpu_type", "slice", *_SLICE_NUMBERS):
        if column not in table.columns:
            raise InputError(f"expected columns {list(table.columns)} to hold {column}", file=str(path), column=column)
    numbers = table[list(_SLICE_NUMBERS)].apply(pd.to_numeric, errors="coerce")
    bad = ~((numbers > 0) & (numbers < np.inf)).all(axis=1).to_numpy()
    if bad.any():
        what = f"expected positive numbers in {', '.join(_SLICE_NUMBERS)}"
        raise InputError(what, file=str(path), line=int(np.flatnonzero(bad)[0]) + 2)
    return table.assign(**{column: numbers[column].astype(np.float64) for column in _SLICE_NUMBERS})


def sliced(tables: Tables, gpu_type: str, size: str, slices: pd.DataFrame) -> Tables:
    """`tables` with one MIG slice of a type appended as a GPU type of its own, named ``<type>-<slice>``.

    GPU time grows by the slice's measured speed, host time stays. Power limits are the card's by compute slices; its
    idle power is spread over as many slices as fit it, since a card that is cut up draws it all the same. Jobs on
    other slices do not interfere, jobs on the same slice do as on the whole card.

    Raises
    ------
    InputError
        If the type or its slice is unknown.
    """
    row = slices[(slices["gpu_type"] == gpu_type) & (slices["slice"] == size)]
    if row.empty or gpu_type not in tables.type_names:
        known = [f"{t} {s}" for t, s in zip(slices["gpu_type"], slices["slice"], strict=True)]
        raise InputError(f"expected a MIG slice among {known}, found {gpu_type} {size}")
    name, speed = slice_name(gpu_type, size), float(row["speed"].iloc[0])
    slices_used, memory_gib = float(row["compute_slices"].iloc[0]), float(row["memory_gib"].iloc[0])
    part = slices_used / COMPUTE_SLICES
    card = tables.gpu_types[tables.gpu_types["gpu_type"] == gpu_type]
    instances = min(COMPUTE_SLICES // slices_used, card["memory_gib"].iloc[0] // memory_gib)
    scaled = pd.concat([card[list(_BY_COMPUTE_SLICES)] * part, card[list(_BY_INSTANCES)] / instances], axis=1)
    memory: dict[str, Any] = {"memory_gib": memory_gib, "memory_source": f"MIG {size}"}
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
