"""A GPU type that nobody calibrated: a whole, tagged column of the tables from datasheet numbers and what was measured.

GPU time follows from the reference type by the same law as for the shipped types, where arithmetic speed is the peak
ratio to a power that the shipped types tell (peak figures promise more than training gets). Sensitivity and the share
of headroom in use come from the nearest shipped type; intensity and power follow the busy share of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from gogh_sim.errors import InputError
from gogh_sim.profiles.gpu_spec import GpuSpec, MeasuredPoint
from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.tables import Tables
from gogh_sim.types import REFERENCE_GPU, FloatArray

BUSY_EXPONENT = 1.16
"""Intensity grows with the busy share of a step to this power; ``errors.csv``, law interference, subject all."""

_LOOSE = np.array([0.7, 0.2])
"""How far, as logarithms, arithmetic speed and overall level may lie from the datasheet: T4 reaches half its peak."""

_NOISE = 0.05
"""Relative error of a measured rate."""


def add_gpu(tables: Tables, spec: GpuSpec) -> Tables:
    """`tables` with the type of `spec` appended, every cell tagged.

    Cells measured in the spec are `measured`; the others `datasheet`, or `transferred` once measured points set the
    overall level. The new type declares the widest interference spread of the shipped ones.
    """
    if spec.gpu_type in tables.type_names:
        raise InputError(f"GPU type {spec.gpu_type} is already in the profile")
    near = _nearest(tables, spec)
    solo, points = _solo_rows(tables, spec)
    busy = (solo["gpu_ms"] / (solo["gpu_ms"] + solo["host_ms"])).to_numpy(dtype=np.float64)
    return Tables(
        gpu_types=pd.concat([tables.gpu_types, _gpu_row(tables, spec, near)], ignore_index=True),
        workloads=tables.workloads,
        solo=pd.concat([tables.solo, solo.assign(**_watts(tables, spec, near, busy, points))], ignore_index=True),
        interference=pd.concat([tables.interference, _strain_rows(tables, spec, near, busy)], ignore_index=True),
        pairs=tables.pairs,
    )


def _column_of(tables: Tables, gpu_type: str, column: str) -> FloatArray:
    """Values of a column of `solo` on one type, in the order of the workloads."""
    rows = tables.solo[tables.solo["gpu_type"] == gpu_type].set_index("workload")
    return rows.loc[tables.workload_names, column].to_numpy(dtype=np.float64, copy=True)


def _busy(tables: Tables, gpu_type: str) -> FloatArray:
    gpu_ms = _column_of(tables, gpu_type, "gpu_ms")
    return np.asarray(gpu_ms / (gpu_ms + _column_of(tables, gpu_type, "host_ms")), dtype=np.float64)


def _fact(tables: Tables, gpu_type: str, column: str) -> float:
    return float(tables.gpu_types.set_index("gpu_type")[column][gpu_type])


def _nearest(tables: Tables, spec: GpuSpec) -> str:
    """The type in the tables whose peak arithmetic and bandwidth are closest, by ratio."""

    def distance(name: str) -> float:
        peak = np.log(spec.fp16_tflops / _fact(tables, name, "fp16_tflops"))
        return float(np.hypot(peak, np.log(spec.bandwidth_gbps / _fact(tables, name, "bandwidth_gbps"))))

    return min(tables.type_names, key=distance)


def _compute_ratio(tables: Tables, spec: GpuSpec) -> float:
    """Arithmetic speed over the reference type: the peak ratio to the power that fits the types in the tables."""
    share = tables.workloads["compute_share"].to_numpy(dtype=np.float64)
    bound = share > 0.5
    base = _column_of(tables, REFERENCE_GPU, "gpu_ms")
    peaks, reached = [], []
    for name in tables.type_names:
        bandwidth = _fact(tables, name, "bandwidth_gbps") / _fact(tables, REFERENCE_GPU, "bandwidth_gbps")
        rest = (_column_of(tables, name, "gpu_ms") / base - (1.0 - share) / bandwidth)[bound]
        peaks.append(np.log(_fact(tables, name, "fp16_tflops") / _fact(tables, REFERENCE_GPU, "fp16_tflops")))
        reached.append(np.log(np.median(share[bound] / rest)))
    power = float(np.dot(peaks, reached) / np.dot(peaks, peaks))
    return float((spec.fp16_tflops / _fact(tables, REFERENCE_GPU, "fp16_tflops")) ** power)


def _solo_rows(tables: Tables, spec: GpuSpec) -> tuple[pd.DataFrame, dict[int, MeasuredPoint]]:
    host = _column_of(tables, REFERENCE_GPU, "host_ms")
    points = _points(tables, spec)
    steps = {k: 1e3 / p.rate_per_s for k, p in points.items()}
    gpu = _gpu_times(tables, spec, steps, host)
    for k, step in steps.items():
        scale = step / (host[k] + gpu[k])
        host[k], gpu[k] = host[k] * scale, gpu[k] * scale
    carried = Source.TRANSFERRED if points else Source.DATASHEET
    tags = [Source.MEASURED.value if k in points else carried.value for k in range(len(host))]
    rows = pd.DataFrame({"workload": tables.workload_names, "host_ms": host, "gpu_ms": gpu, "tag": tags})
    return rows.assign(gpu_type=spec.gpu_type), points


def _points(tables: Tables, spec: GpuSpec) -> dict[int, MeasuredPoint]:
    number = {name: k for k, name in enumerate(tables.workload_names)}
    for point in spec.measured:
        if point.workload not in number:
            raise InputError(f"measured point of {spec.gpu_type} names unknown workload {point.workload!r}")
    return {number[point.workload]: point for point in spec.measured}


def _gpu_times(tables: Tables, spec: GpuSpec, steps: Mapping[int, float], host: FloatArray) -> FloatArray:
    """GPU milliseconds of every workload: by datasheet, moved as far as the measured `steps` (ms) ask for.

    What moves is the arithmetic speed and, less readily, the level of all GPU times; see `_LOOSE` and `_NOISE`.
    """
    share = tables.workloads["compute_share"].to_numpy(dtype=np.float64)
    base = _column_of(tables, REFERENCE_GPU, "gpu_ms")
    bandwidth = spec.bandwidth_gbps / _fact(tables, REFERENCE_GPU, "bandwidth_gbps")
    guess = _compute_ratio(tables, spec)

    def times(x: FloatArray) -> FloatArray:
        return np.asarray(base * np.exp(x[1]) * (share / (guess * np.exp(x[0])) + (1.0 - share) / bandwidth))

    at = np.array(sorted(steps), dtype=np.intp)
    measured = np.log([steps[int(k)] for k in at])

    def residuals(x: FloatArray) -> FloatArray:
        return np.concatenate([(np.log(host[at] + times(x)[at]) - measured) / _NOISE, x / _LOOSE])

    return times(least_squares(residuals, np.zeros(2)).x)


def _watts(
    tables: Tables, spec: GpuSpec, near: str, busy: FloatArray, points: Mapping[int, MeasuredPoint]
) -> dict[str, Any]:
    headroom = _fact(tables, near, "tdp_w") - _fact(tables, near, "idle_context_w")
    share = _column_of(tables, near, "dyn_w") / headroom / _busy(tables, near) ** _fact(tables, near, "alpha")
    own = spec.tdp_w - spec.idle_context_w
    alpha = _fact(tables, near, "alpha") if spec.alpha is None else spec.alpha
    dyn = np.clip(share * busy**alpha, 0.0, 1.0) * own
    tags = np.full(len(dyn), Source.TRANSFERRED.value, dtype=object)
    sources = np.full(len(dyn), f"share of headroom on {near}", dtype=object)
    for k, point in points.items():
        if point.power_w is not None:
            if not spec.idle_context_w <= point.power_w <= spec.tdp_w:
                raise InputError(f"{point.workload}: expected power between idle and TDP, found {point.power_w:g} W")
            dyn[k], tags[k], sources[k] = point.power_w - spec.idle_context_w, Source.MEASURED.value, "own measurement"
    return {"dyn_w": dyn, "power_tag": tags, "power_source": sources}


def _strain_rows(tables: Tables, spec: GpuSpec, near: str, busy: FloatArray) -> pd.DataFrame:
    rows = tables.interference[tables.interference["gpu_type"] == near].set_index("workload")
    rows = rows.loc[tables.workload_names].reset_index()
    moved = (busy / _busy(tables, near)) ** BUSY_EXPONENT
    return rows.assign(
        gpu_type=spec.gpu_type,
        intensity=rows["intensity"].to_numpy(dtype=np.float64) * moved,
        tag=Source.TRANSFERRED.value,
        source=f"{near}, by busy share",
    )


def _gpu_row(tables: Tables, spec: GpuSpec, near: str) -> pd.DataFrame:
    row = tables.gpu_types[tables.gpu_types["gpu_type"] == near].iloc[[0]]
    stated = {f.name: getattr(spec, f.name) for f in fields(GpuSpec) if f.name != "measured"}
    given = {name: value for name, value in stated.items() if value is not None}
    told = dict.fromkeys(("memory_source", "idle_source", "host_source"), "stated in the file of the type")
    laws = {f"{law}_source": "stated" if law in given else "transferred" for law in ("alpha", "gamma", "beta")}
    spread = float(tables.gpu_types["interference_spread"].max())
    values: dict[str, Any] = {**given, **told, **laws, "interference_spread": spread}
    return row.assign(**values)
