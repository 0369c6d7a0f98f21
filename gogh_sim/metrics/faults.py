"""What breakdowns did to a run: how many there were, what they cost."""

from __future__ import annotations

import numpy as np
import pandas as pd


def of_faults(jobs: pd.DataFrame, gpus: pd.DataFrame, run_end_s: float) -> dict[str, int | float]:
    """Numbers of a run's breakdowns, zeros (and availability 1) for tables that tell of none.

    ``failures`` counts how often GPUs went out, by themselves or with their node or rack; ``interruptions`` how often a
    job was thrown out by that; ``lost_gpu_s`` are GPU-seconds of progress since the last checkpoint that had to be done
    again; ``gpu_availability`` is the share of GPU-seconds of the run that GPUs were not out.
    """
    down_s = _sum(gpus, "down_s")
    return {
        "failures": int(_sum(gpus, "failures")),
        "interruptions": int(_sum(jobs, "interruptions")),
        "lost_gpu_s": _sum(jobs, "lost_gpu_s"),
        "gpu_availability": 1 - down_s / (len(gpus) * run_end_s) if run_end_s > 0 else np.nan,
    }


def _sum(table: pd.DataFrame, column: str) -> float:
    return float(table[column].sum()) if column in table else 0.0
