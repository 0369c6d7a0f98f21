"""How well GPUs were used: utilisation, allocation efficiency, provenance of the profile numbers used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray


def speeds(gpus: pd.DataFrame, mean_speed: Mapping[str, float]) -> FloatArray:
    """Per GPU: its type's mean relative speed over the workload catalogue."""
    unknown = sorted(set(gpus["gpu_type"]) - mean_speed.keys())
    if unknown:
        raise InputError(f"no mean speed for GPU types {unknown}; given are {sorted(mean_speed)}")
    return np.array([mean_speed[name] for name in gpus["gpu_type"]], dtype=np.float64)


def gpu_utilization(gpus: pd.DataFrame, makespan_s: float) -> float:
    """GPU-seconds with at least one job over all GPU-seconds of the makespan, in [0, 1]."""
    return float(gpus["busy_s"].sum()) / (len(gpus) * makespan_s) if makespan_s > 0 else float("nan")


def allocation_efficiency(jobs: pd.DataFrame, gpus: pd.DataFrame, mean_speed: Mapping[str, float]) -> float:
    """Work done per unit of GPU allocated, both in seconds of the reference GPU.

    ``sum_j done_s * num_gpus * gpu_fraction / sum_t busy_s[t] * mean_speed[t]``. Co-location and good matches of job
    to type raise it, above 1 as well; stretches without progress (checkpoint, restore, lost work) lower it.
    """
    work_s = float((jobs["done_s"] * jobs["num_gpus"] * jobs["gpu_fraction"]).sum())
    held_s = float(gpus["busy_s"].to_numpy(dtype=np.float64) @ speeds(gpus, mean_speed))
    return work_s / held_s if held_s > 0 else float("nan")


def source_shares(sources: pd.DataFrame) -> dict[str, float]:
    """Share of the GPU-seconds that rested on profile numbers of each source tag, by tag in order."""
    total = float(sources["gpu_s"].sum())
    if total <= 0:
        return {}
    by_tag = sources.groupby("tag", sort=True)["gpu_s"].sum()
    return {str(tag): float(gpu_s) / total for tag, gpu_s in by_tag.items()}
