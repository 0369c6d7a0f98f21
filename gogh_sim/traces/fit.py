"""From real traces to the tables behind the generated ones: quantiles, shares and moments, never rows.

The shipped tables in `statistics/` were made by `write_tables` from the public files named in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.traces.bursts import BURST_GAP_S
from gogh_sim.traces.describe import HOUR_S, arrivals
from gogh_sim.traces.quantiles import LEVELS
from gogh_sim.traces.schema import Trace, jobs_frame
from gogh_sim.traces.sizes import CLASS_NAMES, size_class
from gogh_sim.types import BoolArray, FloatArray

PUBLISHED_PHILLY = {
    "source": "Jeon et al., USENIX ATC 2019: shares of jobs and of their GPU time by how they ended",
    "jobs": {"pass": 0.693, "killed": 0.135, "failed": 0.172},
    "gpu_time": {"pass": 0.445, "killed": 0.377, "failed": 0.178},
}

COMPLETE_QUEUES = ("0e4a51", "103959", "2869ce", "7f04ca", "e13805", "ed69ec")
"""Virtual clusters of which the recovered Philly list holds every job of 20 minutes and more."""

_SMALLEST_QUEUE = 100  # jobs; a queue with fewer has no quantiles worth a table


def _quantiles(values: Any, digits: int = 1) -> list[float]:
    return [round(float(v), digits) for v in np.quantile(np.asarray(values, dtype=np.float64), LEVELS)]


def _shares(values: pd.Series[Any]) -> dict[str, float]:
    counts = values.value_counts()
    return {str(key): round(float(counts[key]) / len(values), 6) for key in sorted(counts.index)}


def _hour_weights(submit_s: FloatArray, hours: int) -> list[float]:
    """Submissions by hour of the cycle (24: day, 168: week), relative to their mean."""
    phase = ((submit_s // HOUR_S) % hours).astype(np.int64)
    counts = np.bincount(phase, minlength=hours)
    return [round(float(w), 3) for w in counts / counts.mean()]


def fit_alibaba(trace: Trace, constrained: Trace) -> dict[str, Any]:
    """Table for `alibaba_style`, from the scheduled GPU pods and from the variant that names acceptable models."""
    jobs = trace.jobs
    found = arrivals(jobs)
    demand = jobs["num_gpus"].astype(str) + "x" + jobs["gpu_fraction"].map("{:g}".format)
    kind = alibaba_class(jobs["num_gpus"], jobs["gpu_fraction"])
    specs = constrained.jobs["gpu_models"]
    return {
        "jobs_per_hour": round(found["jobs_per_hour"], 4),
        "hourly_fano": round(found["hourly_fano"], 4),
        "hourly_lag1": round(found["hourly_lag1"], 4),
        "hour_weights": _hour_weights(jobs["submit_s"].to_numpy(np.float64), 24),
        "demand_shares": _shares(demand),
        "failed_shares": {
            k: round(float((jobs["status"][kind == k] == "failed").mean()), 6) for k in sorted(set(kind))
        },
        "duration_quantiles": {
            f"{k} {status}": _quantiles(group["duration_s"]) for (k, status), group in jobs.groupby([kind, "status"])
        },
        "queue_shares": {str(status): _shares(group["queue"]) for status, group in jobs.groupby("status")},
        "constrained_share": round(float((specs != "").mean()), 6),
        "model_shares": _shares(specs[specs != ""]),
    }


def alibaba_class(num_gpus: pd.Series[int], gpu_fraction: pd.Series[float]) -> pd.Series[str]:
    """Class of demand by which durations and failures are tabled: fraction, one or gang."""
    names = np.where(num_gpus > 1, "gang", np.where(gpu_fraction < 1, "fraction", "one"))
    return pd.Series(names, index=num_gpus.index, dtype=str)


def fit_philly(trace: Trace, recovered: Trace) -> dict[str, Any]:
    """Table for `philly_style`, from the list of passed jobs and from the list of long jobs of every status."""
    return {
        **fit_queues(trace),
        "not_passed_by_size": _not_passed(recovered.jobs),
        "published": PUBLISHED_PHILLY,
    }


def fit_itp(traces: Mapping[str, Trace]) -> dict[str, Any]:
    """Table for `itp_style`, from the clusters by name; the window must be one in which all of them submit."""
    frames = [trace.jobs.assign(queue=name) for name, trace in sorted(traces.items())]
    first = next(iter(traces.values()))
    stacked = pd.concat(frames)
    jobs = jobs_frame(**{str(name): stacked[name] for name in stacked})
    return fit_queues(Trace(jobs, None, {}, first.source, origin=first.origin))


def fit_queues(trace: Trace) -> dict[str, Any]:
    """Arrivals, sizes and durations of jobs that queues submit in bursts."""
    jobs = trace.jobs
    submit = jobs["submit_s"].to_numpy(np.float64)
    start = pd.Timestamp(trace.origin)
    since_monday = submit + (start - (start.normalize() - pd.Timedelta(days=start.weekday()))).total_seconds()
    classes = size_class(jobs["num_gpus"])
    return {
        "jobs_per_hour": round(arrivals(jobs)["jobs_per_hour"], 4),
        "week_hour_weights": _hour_weights(since_monday, 168),
        "duration_quantiles": {
            name: _quantiles(jobs["duration_s"][classes == i]) for i, name in enumerate(CLASS_NAMES)
        },
        "queues": {
            str(queue): _fit_queue(group) for queue, group in jobs.groupby("queue") if len(group) >= _SMALLEST_QUEUE
        },
    }


def _not_passed(jobs: pd.DataFrame) -> dict[str, float]:
    """Share of jobs that did not pass, by class of size, in the queues whose list of long jobs is complete."""
    complete = jobs[jobs["queue"].isin(COMPLETE_QUEUES)]
    classes = size_class(complete["num_gpus"])
    ended = complete["status"] != "pass"
    return {name: round(float(ended[classes == i].mean()), 6) for i, name in enumerate(CLASS_NAMES)}


def _fit_queue(jobs: pd.DataFrame) -> dict[str, Any]:
    submit = jobs["submit_s"].to_numpy(np.float64)
    gaps = np.diff(submit)
    between = gaps > BURST_GAP_S
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], between, [True]])))
    return {
        "jobs": len(jobs),
        "clocked": bool(np.ptp(np.quantile(gaps[between], [0.3, 0.7])) < 0.1 * np.median(gaps[between])),
        "gpu_shares": _shares(jobs["num_gpus"]),
        "burst_sizes": _quantiles(sizes),
        "gaps_in_burst_s": _quantiles(gaps[~between]),
        "gaps_between_bursts_s": _quantiles(gaps[between]),
        "size_repeats": _repeats(jobs["num_gpus"].to_numpy(np.float64), ~between, 0.0),
        "duration_repeats": _repeats(np.log(jobs["duration_s"].to_numpy(np.float64)), ~between, _LIKE),
    }


_LIKE = float(np.log(1.1))  # runs within 10 % of each other count as the same


def _repeats(values: FloatArray, in_burst: BoolArray, apart: float) -> float:
    """Share of jobs in bursts that repeat their forerunner's value, beyond those that would be as near by chance.

    If a share r repeats and the others are drawn anew, of which a share c comes as near, neighbours are alike in
    ``r + (1 - r) c`` of all cases.
    """
    if not in_burst.any():
        return 0.0
    ordered = np.sort(values)
    near = np.searchsorted(ordered, values + apart, "right") - np.searchsorted(ordered, values - apart, "left")
    chance = float((near - 1).mean() / max(len(values) - 1, 1))
    alike = float((np.abs(np.diff(values)) <= apart)[in_burst].mean())
    return round(max(alike - chance, 0.0) / (1 - chance), 6) if chance < 1 else 0.0


SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "alibaba": "fit_alibaba of openb_pod_list_default.csv from 9,964,972 s on (scheduled GPU pods) and, for the "
        "models, openb_pod_list_gpuspec33.csv: github.com/alibaba/clusterdata, cluster-trace-gpu-v2023; Weng et al., "
        "ATC 2023",
        "philly": "fit_philly of passed jobs 2017-09-24 to 2017-12-12 (simulator/traces/philly.csv of "
        "github.com/petuum/adaptdl, branch osdi21-artifact) and, for not_passed_by_size, of jobs of 20 minutes and "
        "more recovered from github.com/stanford-futuredata/gavel, scheduler/traces/msr; data CC-BY-4.0 "
        "github.com/msr-fiddle/philly-traces, Jeon et al., ATC 2019",
        "itp": "fit_itp of cluster01 to cluster06, cluster08 and cluster10, days 23 to 42, when all of them submit: "
        "data/raw-traces.tar.gz of github.com/microsoft/elasticflow-traces (MIT), Gu et al., ASPLOS 2023",
    }
)
"""What each shipped table was made from; quantiles are at `quantiles.LEVELS`."""


def write_tables(tables: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write each table as ``<name>.json``, a list of numbers to a line."""
    for name, table in tables.items():
        text = json.dumps({"source": SOURCES.get(name, ""), **table}, indent=1)
        flat = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found.group()), text)
        (folder / f"{name}.json").write_text(flat + "\n")
