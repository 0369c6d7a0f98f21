"""Measured pairs of jobs on one GPU, and least-squares fits of the interference law to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from gogh_sim.profiles.calibration.sources import read_table
from gogh_sim.types import FloatArray, IntArray

RIDGE = 0.01
"""Weight of the pull of log s and log i towards their mean; decides only what few pairs leave open."""


@dataclass(frozen=True)
class Pairs:
    """Directed observations: job `victim` runs at `norm` beside job `partner`; numbers point into `jobs`."""

    jobs: tuple[str, ...]
    victim: IntArray
    partner: IntArray
    norm: FloatArray


@dataclass(frozen=True)
class Contention:
    """Sensitivity s and intensity i of each job of a `Pairs`, with equal geometric means."""

    jobs: tuple[str, ...]
    sensitivity: FloatArray
    intensity: FloatArray


def gavel_pairs(data: Path, gpu_type: str) -> Pairs:
    """Pairs of Gavel's 26 training jobs on "v100", "p100" or "k80"; jobs are named ``model/batch``."""
    table = read_table(data, "throughput/gavel_pairs_v100_p100_k80.csv")
    table = table[(table["gpu_type"] == gpu_type) & (table["feasible"] == 1)]

    def job(column: str) -> pd.Series:
        return table[column].str.replace(r" \(batch size (\d+)\)", r"/\1", regex=True)

    return _directed(job("job_a"), job("job_b"), table["norm_a"], table["norm_b"])


def blox_pairs(data: Path) -> Pairs:
    """Pairs of Blox's vision jobs on one A100; jobs are named ``model/batch``."""
    table = read_table(data, "throughput/blox_pairs_a100.csv")
    table = table[(table["n_gpus"] == 1) & (table["feasible"] == 1) & table["model_b"].notna()]
    return _directed(
        table["model_a"] + "/" + table["batch_a"].astype(str),
        table["model_b"] + "/" + pd.to_numeric(table["batch_b"]).astype(int).astype(str),
        table["norm_a"],
        table["norm_b"],
    )


def fit_contention(pairs: Pairs) -> Contention:
    """Least squares of ``1 / (1 + s_a * i_b)`` on measured norms, with a slight pull to the mean in logarithms."""
    count = len(pairs.jobs)
    rows = np.arange(len(pairs.norm))
    centre = np.eye(count) - 1.0 / count
    balance = np.full((1, count), 1.0 / count)
    pull = RIDGE * np.block([[centre, 0.0 * centre], [0.0 * centre, centre], [balance, -balance]])

    def law(x: FloatArray) -> FloatArray:
        return np.asarray(1.0 / (1.0 + np.exp(x[pairs.victim] + x[count + pairs.partner])), dtype=np.float64)

    def residuals(x: FloatArray) -> FloatArray:
        return np.concatenate([law(x) - pairs.norm, pull @ x])

    def slopes(x: FloatArray) -> FloatArray:
        norm = law(x)
        found = np.zeros((len(rows), 2 * count))
        found[rows, pairs.victim] = found[rows, count + pairs.partner] = norm * (norm - 1.0)
        return np.concatenate([found, pull])

    start = np.full(2 * count, -0.5)
    # MINPACK runs on one thread, so that results and run time do not hang on how many there are.
    found = least_squares(residuals, start, jac=slopes, method="lm", xtol=1e-12, ftol=1e-12, gtol=1e-12).x
    offset = (found[:count].mean() - found[count:].mean()) / 2.0
    return Contention(pairs.jobs, np.exp(found[:count] - offset), np.exp(found[count:] + offset))


def law_norms(fit: Contention, pairs: Pairs) -> FloatArray:
    """Norms that a fit gives for directed pairs numbered as in the fit."""
    return np.asarray(1.0 / (1.0 + fit.sensitivity[pairs.victim] * fit.intensity[pairs.partner]), dtype=np.float64)


def _directed(job_a: pd.Series, job_b: pd.Series, norm_a: pd.Series, norm_b: pd.Series) -> Pairs:
    names = tuple(sorted(set(job_a) | set(job_b)))
    number = {name: k for k, name in enumerate(names)}
    a, b = job_a.map(number).to_numpy(dtype=np.int64), job_b.map(number).to_numpy(dtype=np.int64)
    other = a != b
    return Pairs(
        jobs=names,
        victim=np.concatenate([a, b[other]]),
        partner=np.concatenate([b, a[other]]),
        norm=np.concatenate([norm_a, norm_b[other]]).astype(np.float64),
    )
