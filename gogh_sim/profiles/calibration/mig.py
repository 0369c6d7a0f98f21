"""Speed of MIG slices of an A100 over the whole card, for GPU time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gogh_sim.profiles.calibration.sources import read_table

SLICE_MEMORY_GIB = {1: 4.75, 2: 9.75, 3: 19.75, 4: 19.75}
"""Usable memory of slices of the 40 GB card, as nvidia-smi lists them: 1g.5gb, 2g.10gb, 3g.20gb, 4g.20gb."""


def slice_table(data: Path) -> pd.DataFrame:
    """One row per slice size: gpu_type, slice, compute_slices, memory_gib, speed with its deciles, points.

    Each model counts once, at the largest batch that ran both on the slice and on the whole instance, where host time
    weighs least; the median over models stands for GPU time.
    """
    table = read_table(data, "throughput/mig_a100.csv")
    table = table[table["n_mps_procs"] == 1].fillna({"seq_len": 0})
    model = ["source", "gpu_variant", "model", "task", "seq_len"]
    rates = table.groupby([*model, "batch", "gpc_slices"])["samples_per_s"].median().reset_index()
    whole = rates[rates["gpc_slices"] == 7].set_index([*model, "batch"])["samples_per_s"].rename("whole")
    parts = rates[rates["gpc_slices"] < 7].join(whole, on=[*model, "batch"], how="inner").sort_values("batch")
    largest = parts.groupby([*model, "gpc_slices"]).tail(1)
    speed = (largest["samples_per_s"] / largest["whole"]).groupby(largest["gpc_slices"])
    rows = [
        {
            "gpu_type": "A100",
            "slice": f"{size}g.{5 * {1: 1, 2: 2, 3: 4, 4: 4}[size]}gb",
            "compute_slices": size,
            "memory_gib": SLICE_MEMORY_GIB[size],
            "speed": float(ratios.median()),
            "speed_p10": float(ratios.quantile(0.1)),
            "speed_p90": float(ratios.quantile(0.9)),
            "points": len(ratios),
        }
        for size, ratios in ((int(str(key)), values) for key, values in speed)
    ]
    return pd.DataFrame(rows)
