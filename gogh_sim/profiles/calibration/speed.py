"""Solo speed: step time = host time + GPU time, and GPU time scales with a compute- and a bandwidth-bound part.

For a model at batch b on a card v, with every GPU time expressed on the reference card (V100):

    step = host + host_per_sample * b + (gpu + gpu_per_sample * b) * g(v)
    g(v) = c / compute_ratio(v) + (1 - c) / bandwidth_ratio(v)

Host time is the same everywhere, which is why small batches gain little from a faster card. `c` is the share of GPU
time bound by arithmetic; it is fitted where a model was measured on two types, else it is that of its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from gogh_sim.errors import InputError
from gogh_sim.profiles.calibration.models import Anchor, Inputs, ModelFacts
from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.types import FloatArray

COMPUTE_SHARES = np.linspace(0.0, 1.0, 21)

FIELD_FAMILY: Mapping[str, str] = {
    "vision": "Classification",
    "language": "LanguageModeling",
    "speech": "SpeechRecognition",
    "recommendation": "Recommendation",
    "gan": "Segmentation",
    "rl": "Classification",
    "graph": "Recommendation",
    "forecasting": "Forecasting",
}
"""Which NVIDIA DeepLearningExamples family tells the A100/V100 ratio of a field; assumed for gan, rl and graph."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Speed of cards relative to V100-SXM2, for work bound by arithmetic and by memory bandwidth."""

    compute: Mapping[str, float]
    bandwidth: Mapping[str, float]

    def gpu_time(self, variant: str, compute_share: float) -> float:
        """GPU time on a card over GPU time on the reference card."""
        return compute_share / self.compute[variant] + (1.0 - compute_share) / self.bandwidth[variant]


@dataclass(frozen=True, slots=True)
class StepLaw:
    """Fitted step time of one model; times in seconds on the reference card. `measured_types` fed the fit."""

    host_s: float
    host_per_sample_s: float
    gpu_s: float
    gpu_per_sample_s: float
    compute_share: float
    measured_types: frozenset[str]

    def times(self, batch: int, gpu_time: float) -> tuple[float, float]:
        """Host and GPU seconds of one step on a card with this relative GPU time."""
        return self.host_s + self.host_per_sample_s * batch, (self.gpu_s + self.gpu_per_sample_s * batch) * gpu_time


def fit_ratios(data: Path) -> Ratios:
    """Card ratios: bandwidth by datasheet; arithmetic by the best decile of measured mixed-precision training ratios.

    The most compute-bound tenth of models shows what a card's arithmetic gives in practice, far below the ratio of
    peak figures for H100 (3.2 over A100 on paper, 2.06 measured).
    """
    specs = read_table(data, "power/gpu_specs.csv").set_index("variant")
    measured = read_table(data, "throughput/cross_gpu_ratios.csv")

    def best_decile(source: str, family: str, precision: str, over: str, under: str) -> float:
        rows = measured[
            (measured["source"] == source)
            & (measured["model_or_family"] == family)
            & (measured["precision"] == precision)
            & (measured["gpu_numerator"] == over)
            & (measured["gpu_denominator"] == under)
        ]
        return float(rows["p90"].iloc[0])

    a100 = best_decile("nvidia_dle", "ALL", "fp16_amp", "A100", "V100")
    h100 = a100 * best_decile("lambda", "ALL", "fp16", "H100 SXM 80GB", "A100 SXM 80GB")
    t4 = 1.0 / best_decile("sia", "ALL (no ncf)", "as in Pollux", "V100", "T4")
    compute = {"V100": 1.0, "A100": a100, "H100": h100, "T4": t4}
    cards = specs[specs["gpu_type"].isin(compute)]
    bandwidth = dict(zip(cards.index.astype(str), cards["mem_bw_gbps"].astype(float), strict=True))
    return Ratios(
        compute={str(card): compute[kind] for card, kind in cards["gpu_type"].items()},
        bandwidth={card: bw / bandwidth["V100-SXM2-16GB"] for card, bw in bandwidth.items()},
    )


def field_shares(data: Path, ratios: Ratios) -> dict[str, float]:
    """Compute share of each field, from the median A100/V100 mixed-precision training ratio of its family."""
    measured = read_table(data, "throughput/cross_gpu_ratios.csv")
    rows = measured[
        (measured["source"] == "nvidia_dle") & (measured["task"] == "training") & (measured["precision"] == "fp16_amp")
    ].set_index("model_or_family")["median"]
    slow, fast = ratios.gpu_time("A100-SXM4-40GB", 0.0), ratios.gpu_time("A100-SXM4-40GB", 1.0)
    shares = {f: (slow - 1.0 / float(rows[family])) / (slow - fast) for f, family in FIELD_FAMILY.items()}
    # Token generation reads every weight once a step and computes little; prompts are large matrix products.
    shares["llm"] = 0.0
    return {f: float(np.clip(share, 0.0, 1.0)) for f, share in shares.items()}


def points_of(model: str, inputs: Inputs, steps: pd.DataFrame) -> pd.DataFrame:
    """Measured step times of one model: gpu_type, gpu_variant, batch, step_s; the median where a cell repeats."""
    cells = ["gpu_type", "gpu_variant", "batch"]
    found = [_rows_of(anchor, steps) for anchor in inputs.anchors if anchor.model == model]
    if not found:
        return pd.DataFrame(columns=[*cells, "step_s"])
    return pd.concat(found).groupby(cells)["step_s"].median().reset_index()


def _rows_of(anchor: Anchor, steps: pd.DataFrame) -> pd.DataFrame:
    keep = (
        (steps["dataset"] == anchor.dataset)
        & (steps["key"] == anchor.key)
        & (steps["gpu_variant"] == anchor.gpu_variant)
    )
    if anchor.variant:
        keep &= steps["variant"] == anchor.variant
    if anchor.batches:
        keep &= steps["batch"].isin(anchor.batches)
    rows = steps[keep]
    # Without a batch the source's step time is that of one unit.
    samples = np.where(rows["batch"] > 0, 1.0, anchor.assumed_batch)
    rows = rows.assign(
        batch=np.where(rows["batch"] > 0, rows["batch"], anchor.assumed_batch),
        step_s=rows["step_s"] * samples * anchor.units_per_sample,
    )
    rows = rows[rows["batch"] > 0]
    if rows.empty:
        raise InputError(f"expected rows of {anchor.dataset} {anchor.key} on {anchor.gpu_variant} for {anchor.model}")
    return rows


def fit_step(model: ModelFacts, points: pd.DataFrame, ratios: Ratios, field_share: float) -> StepLaw:
    """Step law of one model by least relative squares under non-negative times.

    Host time is fitted unless stated; a fixed GPU time per step only where it can be told from
    host time: measured on two types, or host time stated.
    """
    if points.empty:
        if model.gpu_per_sample_s is None:
            raise InputError(f"model {model.name}: expected an anchor or an assumed GPU time per sample")
        return StepLaw(model.host_s or 0.0, 0.0, 0.0, model.gpu_per_sample_s, field_share, frozenset())
    types = frozenset(str(t) for t in points["gpu_type"])
    shares = COMPUTE_SHARES if len(types) > 1 else np.array([field_share])
    fits = [(*_fit_at(float(c), model, points, ratios), float(c)) for c in shares]
    _, times, share = min(fits, key=lambda fit: fit[0])
    host, gpu, per_sample = (float(x) for x in times)
    return StepLaw(
        host_s=host,
        host_per_sample_s=per_sample * model.host_share,
        gpu_s=gpu,
        gpu_per_sample_s=per_sample * (1.0 - model.host_share),
        compute_share=share,
        measured_types=types,
    )


def _fit_at(share: float, model: ModelFacts, points: pd.DataFrame, ratios: Ratios) -> tuple[float, FloatArray]:
    """Residual norm and (host, fixed GPU, per-sample) seconds at one compute share."""
    steps = points["step_s"].to_numpy(dtype=np.float64)
    batch = points["batch"].to_numpy(dtype=np.float64)
    gpu = np.array([ratios.gpu_time(v, share) for v in points["gpu_variant"]])
    loader = model.host_share
    columns = np.stack([np.ones_like(steps), gpu, batch * (loader + (1.0 - loader) * gpu)], axis=1)
    stated = model.host_s is not None
    host = model.host_s or 0.0
    several = len(set(points["gpu_type"])) > 1
    free = np.array([not stated, (stated or several) and len(set(batch)) > 1, True])
    # NNLS on times over measured times: every point counts by its relative error.
    target = np.clip(1.0 - host / steps, 0.0, None)
    solution, residual = nnls(columns[:, free] / steps[:, np.newaxis], target)
    times = np.array([host, 0.0, 0.0])
    times[free] += solution
    return float(residual), times
