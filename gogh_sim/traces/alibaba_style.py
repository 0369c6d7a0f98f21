"""Jobs like those of Alibaba's openb trace: shared GPUs, short runs, model constraints, hourly waves.

Every number comes from ``statistics/alibaba.json``. Submissions are Poisson within an hour at a rate that is the
product of the hour of the day's weight and a gamma-distributed level; hourly counts are thus negative binomial. The
level follows the beta-gamma process ``x' = b x + g`` with b ~ Beta(k r, k (1 - r)) and g ~ Gamma(k (1 - r)), which
keeps x ~ Gamma(k) and correlates neighbours by exactly r (Lewis, McKenzie, Hugus 1989, "Gamma processes"); k and r are
solved for the trace's Fano factor and lag-1 correlation of hourly counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.traces import tables
from gogh_sim.traces.describe import HOUR_S
from gogh_sim.traces.fit import alibaba_class
from gogh_sim.traces.quantiles import QuantileTable
from gogh_sim.traces.schema import jobs_frame
from gogh_sim.types import FloatArray, Node

NODE_MODELS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "G2": (4392, 8),
        "T4": (842, 2),
        "G3": (312, 8),
        "P100": (265, 2),
        "V100M32": (204, 4),
        "V100M16": (195, 4),
    }
)
"""GPUs of each model in openb_node_list_gpu_node.csv, and a size of node it has there; the 2 GPUs A10 are left away."""


def nodes(num_gpus: int) -> tuple[Node, ...]:
    """Nodes with about `num_gpus` GPUs, models in the trace's proportion, at least one node of each."""
    total = sum(gpus for gpus, _ in NODE_MODELS.values())
    counts = {model: max(1, round(num_gpus * gpus / total / size)) for model, (gpus, size) in NODE_MODELS.items()}
    machines = [(model, NODE_MODELS[model][1]) for model, count in counts.items() for _ in range(count)]
    width = len(str(len(machines) - 1))
    return tuple(Node(f"node-{i:0{width}d}", model, size) for i, (model, size) in enumerate(machines))


def generate(
    jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> pd.DataFrame:
    """Draw `jobs` jobs in the schema; durations are conditional on lying between `shortest_s` and `longest_s`."""
    table = tables.load("alibaba")
    submit = _submissions(table, jobs, rng)
    demand = pd.Series(tables.pick(table["demand_shares"], rng.random(jobs))).str.split("x", expand=True)
    num_gpus, fraction = demand[0].astype(np.int64), demand[1].astype(np.float64)
    kind = alibaba_class(num_gpus, fraction)
    failed = rng.random(jobs) < kind.map(table["failed_shares"])
    status = pd.Series(np.where(failed, "failed", "pass"), dtype=str)
    constrained = rng.random(jobs) < table["constrained_share"]
    models = tables.pick(table["model_shares"], rng.random(jobs))
    by_status = {s: tables.pick(shares, rng.random(jobs)) for s, shares in table["queue_shares"].items()}
    duration, uniform = np.empty(jobs), rng.random(jobs)
    for name, quantiles in table["duration_quantiles"].items():
        rows = np.asarray(kind.str.cat(status, sep=" ") == name)
        duration[rows] = QuantileTable(np.array(quantiles)).draw(uniform[rows], shortest_s, longest_s)
    width = len(str(jobs))
    return jobs_frame(
        job_id=[f"alibaba-{i:0{width}d}" for i in range(1, jobs + 1)],
        submit_s=submit,
        duration_s=np.maximum(np.round(duration), 1.0),
        num_gpus=num_gpus,
        gpu_fraction=fraction,
        gpu_models=np.where(constrained, models, ""),
        queue=np.where(failed, by_status["failed"], by_status["pass"]),
        status=status,
    )


def _submissions(table: dict[str, Any], jobs: int, rng: np.random.Generator) -> FloatArray:
    """Whole seconds, sorted; hour 0 of the day is second 0."""
    rate = table["jobs_per_hour"]
    hours = math.ceil(1.5 * jobs / rate) + 48
    while True:
        weights = np.resize(np.array(table["hour_weights"]), hours)
        counts = rng.poisson(rate * weights * _levels(table, hours, rng))
        if counts.sum() >= jobs:
            break
        hours *= 2
    start = np.repeat(np.arange(hours) * HOUR_S, counts)
    return np.floor(np.sort(start + rng.random(len(start)) * HOUR_S)[:jobs])


def _levels(table: dict[str, Any], hours: int, rng: np.random.Generator) -> FloatArray:
    """Gamma levels of mean 1, one an hour."""
    shape, correlation = level_process(table)
    keep = rng.beta(shape * correlation, shape * (1 - correlation), hours)
    fresh = rng.gamma(shape * (1 - correlation), 1.0, hours)
    level = float(rng.gamma(shape))
    levels = np.empty(hours)
    for hour, (b, g) in enumerate(zip(keep.tolist(), fresh.tolist(), strict=True)):
        level = b * level + g
        levels[hour] = level
    return levels / shape


def level_process(table: dict[str, Any]) -> tuple[float, float]:
    """Shape k and lag-1 correlation r of the gamma level that give the table's Fano factor and lag-1 correlation.

    With mean count m, weights w and level x of mean 1 and variance v = 1/k, counts have variance
    ``m + m^2 (E[w^2] (1 + v) - 1)`` and lag-1 covariance ``m^2 (E[w w'] (1 + v r) - 1)``.
    """
    mean, weights = table["jobs_per_hour"], np.array(table["hour_weights"])
    square, product = float((weights**2).mean()), float((weights * np.roll(weights, 1)).mean())
    variance = ((table["hourly_fano"] - 1) / mean + 1) / square - 1
    covariance = (table["hourly_lag1"] * table["hourly_fano"] / mean + 1) / product - 1
    return 1 / variance, min(covariance / variance, 0.99)
