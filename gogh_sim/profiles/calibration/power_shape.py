"""How power follows load: the concave law against the forms that other simulators use, on measured sweeps.

In a sweep, one workload runs at many batch sizes (or request batches) on one card; load u is its throughput over its
best, P_w its power there. Errors are of the shape only: P_w is the workload's own, and the point at u = 1 is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.types import FloatArray

LARGEST_ALPHA = 2.0
SINGLE_POINT_LOAD = 0.999
"""Loads above this count as the anchor itself."""


@dataclass(frozen=True)
class Sweep:
    """Measured points of one card: load u, watts, watts of the same workload at u = 1; idle and TDP of the card."""

    load: FloatArray
    watts: FloatArray
    full_watts: FloatArray
    idle_w: float
    tdp_w: float


Form = Callable[[Sweep, float], FloatArray]

FORMS: Mapping[str, Form] = {
    "concave: idle + (P_w - idle) u^alpha": lambda s, alpha: s.idle_w + (s.full_watts - s.idle_w) * s.load**alpha,
    "linear: idle + (P_w - idle) u": lambda s, _: s.idle_w + (s.full_watts - s.idle_w) * s.load,
    "quadratic: idle + (P_w - idle) (0.3 u + 0.7 u^2)": lambda s, _: (
        s.idle_w + (s.full_watts - s.idle_w) * (0.3 * s.load + 0.7 * s.load**2)
    ),
    "TDP whenever allocated": lambda s, _: np.full_like(s.load, s.tdp_w),
}
CONCAVE = next(iter(FORMS))


def sweeps(data: Path) -> dict[str, Sweep]:
    """Sweeps by card and phase: training on V100, A40 and T4 (Zeus), LLM serving on A100 (ML.ENERGY)."""
    found = {f"{gpu} training": _zeus(data, gpu, idle) for gpu, idle in _idle_watts(data).items()}
    return found | {"A100-SXM4-40GB LLM serving": _serving(data)}


def fit_alpha(sweep: Sweep) -> float:
    """Exponent of least mean relative error."""

    def error(alpha: float) -> float:
        return shape_error(sweep, CONCAVE, alpha)

    return float(minimize_scalar(error, bounds=(0.01, LARGEST_ALPHA), method="bounded").x)


def shape_error(sweep: Sweep, form: str, alpha: float) -> float:
    """Mean relative error of watts under a form of `FORMS`; only the concave one looks at `alpha`."""
    return float(np.abs(FORMS[form](sweep, alpha) / sweep.watts - 1.0).mean())


def shape_table(data: Path) -> pd.DataFrame:
    """Columns sweep, form, alpha, error, points: every form on every sweep, alpha fitted to the sweep."""
    rows = []
    for name, sweep in sweeps(data).items():
        alpha = fit_alpha(sweep)
        for form in FORMS:
            used = alpha if form == CONCAVE else np.nan
            rows.append((name, form, used, shape_error(sweep, form, alpha), len(sweep.load)))
    return pd.DataFrame(rows, columns=["sweep", "form", "alpha", "error", "points"])


def _idle_watts(data: Path) -> dict[str, float]:
    """Idle-with-context watts that the data folder's own fits of these cards used."""
    fits = read_table(data, "power/power_model_fits.csv")
    linear = fits[(fits["form"] == "idle+(P_w-idle)*u") & (fits["phase"] == "train")].set_index("gpu")["idle_w"]
    return {gpu: float(linear[gpu]) for gpu in ("V100-PCIE", "A40", "T4")}


def _zeus(data: Path, gpu: str, idle_w: float) -> Sweep:
    table = read_table(data, "power/zeus_train_power.csv")
    table = table[(table["gpu"] == gpu) & (table["power_limit_w"] == table["max_limit_w"])]
    points = table.assign(
        workload=table["source"] + "/" + table["dataset"] + "/" + table["network"],
        load=table["rel_speed_vs_best_batch"],
        watts=table["avg_power_w"],
    )
    return _sweep(points, idle_w, float(table["max_limit_w"].max()))


def _serving(data: Path) -> Sweep:
    table = read_table(data, "power/mlenergy_inference_power.csv")
    tasks = ["llm-chat", "llm-code", "mll-chat"]
    table = table[(table["gpu"] == "A100-SXM4-40GB") & table["task"].isin(tasks)]
    table = table.assign(
        workload=table["task"] + "/" + table["model"] + "/" + table["n_gpus"].astype(str),
        watts=table["avg_power_per_gpu_w"],
    )
    best = table.groupby("workload")["throughput"].transform("max")
    return _sweep(table.assign(load=table["throughput"] / best), 75.0, 400.0)


def _sweep(points: pd.DataFrame, idle_w: float, tdp_w: float) -> Sweep:
    points = points[["workload", "load", "watts"]].dropna().sort_values(["workload", "load", "watts"])
    full = points.groupby("workload")["watts"].transform("last").to_numpy(dtype=np.float64)
    part = points["load"].to_numpy(dtype=np.float64) < SINGLE_POINT_LOAD
    return Sweep(
        load=points["load"].to_numpy(dtype=np.float64)[part],
        watts=points["watts"].to_numpy(dtype=np.float64)[part],
        full_watts=full[part],
        idle_w=idle_w,
        tdp_w=tdp_w,
    )
