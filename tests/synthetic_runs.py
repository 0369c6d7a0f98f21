"""Made-up but consistent tables of a small run, for tests of what reads saved runs."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from gogh_sim.metrics.site import Site
from gogh_sim.metrics.summary import summarise

NODES = (("v0", "V100", 4), ("v1", "V100", 4), ("a0", "A100", 8), ("h0", "H100", 4), ("t0", "T4", 4))
SPEED = {"V100": 1.0, "A100": 1.8, "H100": 2.6, "T4": 0.35}
WATTS = {"V100": (40.0, 250.0), "A100": (55.0, 360.0), "H100": (70.0, 600.0), "T4": (15.0, 70.0)}
ORDER = {"fifo": ("V100", "A100", "H100", "T4"), "gogh": ("H100", "A100", "V100", "T4")}
HOST_W = 350.0
SITE = Site.of(pue=1.2, carbon_g_per_kwh=400.0, price_usd_per_kwh=0.1)


def frames(scheduler: str = "fifo", seed: int = 1, jobs: int = 120) -> dict[str, pd.DataFrame]:
    """Tables of a run: first come, first served, one GPU a job; gogh lets two jobs share a GPU."""
    rng = np.random.default_rng(seed)
    submit_s = np.cumsum(rng.exponential(200.0, jobs))
    work_s = rng.lognormal(8.0, 1.2, jobs)
    gpus = [(node, slot, kind) for node, kind, n in NODES for slot in range(n)]
    theta = 2 if scheduler == "gogh" else 1
    rank = ORDER.get(scheduler, ORDER["fifo"]).index
    free = [(lane, rank(kind), i) for lane in range(theta) for i, (_, _, kind) in enumerate(gpus)]
    heapq.heapify(free)
    holds: list[tuple[float, tuple[int, int, int]]] = []
    rows, events, clock_s = [], [], 0.0
    for j in range(jobs):
        clock_s = max(clock_s, submit_s[j])
        while holds and (holds[0][0] <= clock_s or not free):
            end_s, gpu = heapq.heappop(holds)
            clock_s = max(clock_s, end_s)
            heapq.heappush(free, gpu)
        gpu = heapq.heappop(free)
        node, slot, kind = gpus[gpu[2]]
        end_s = clock_s + 30 + work_s[j] / SPEED[kind] * (1.15 if gpu[0] else 1.0)
        heapq.heappush(holds, (end_s, gpu))
        rows.append((f"j{j:03d}", submit_s[j], clock_s, end_s, work_s[j], gpu[2], kind))
        where = f"{node}/{slot}"
        events += [(submit_s[j], "submit", j, ""), (clock_s, "start", j, where), (clock_s + 30, "ready", j, where)]
        events.append((end_s, "finish", j, where))
    held = pd.DataFrame(rows, columns=["job_id", "submit_s", "start_s", "end_s", "work_s", "gpu", "gpu_type"])
    timeline = _timeline(held, gpus)
    return {
        "jobs": _jobs(held),
        "timeline": timeline,
        "events": pd.DataFrame(
            [(t, e, f"j{j:03d}", w.split("/")[0], w) for t, e, j, w in sorted(events)],
            columns=["time_s", "event", "job_id", "node_id", "gpus"],
        ),
        "decisions": _decisions(held),
        "timings": pd.DataFrame({"decision": np.arange(jobs), "decide_s": 1e-3, "build_s": 0.0, "solve_s": 0.0}),
        "estimates": _estimates(held, rng if scheduler == "gogh" else None),
        "gpus": _gpus(held, gpus),
        "nodes": _nodes(timeline),
        "sources": pd.DataFrame({"tag": ["fitted", "measured"], "gpu_s": [1.0, 3.0]}),
    }


def _jobs(held: pd.DataFrame) -> pd.DataFrame:
    deadline = held["submit_s"] + 2.0 * held["work_s"]
    return pd.DataFrame(
        {
            "job_id": held["job_id"],
            "submit_s": held["submit_s"],
            "first_start_s": held["start_s"],
            "end_s": held["end_s"],
            "status": "finished",
            "workload": "resnet50-64",
            "kind": "training",
            "num_gpus": 1,
            "gpu_fraction": 1.0,
            "user": "u",
            "queue": "",
            "deadline_s": deadline.where(np.arange(len(held)) % 3 != 0, np.inf),
            "floor": 0.0,
            "reference_s": held["work_s"],
            "done_s": held["work_s"],
            "preemptions": 0,
            "migrations": 0,
            "allocated_gpu_s": held["end_s"] - held["start_s"],
            "gpu_energy_j": 1.0,
        }
    )


def _timeline(held: pd.DataFrame, gpus: list[tuple[str, int, str]]) -> pd.DataFrame:
    times = np.unique(np.concatenate([held["submit_s"], held["start_s"], held["end_s"]]))
    on = (held["start_s"].to_numpy() <= times[:, None]) & (times[:, None] < held["end_s"].to_numpy())
    jobs_on = np.stack([on[:, held["gpu"] == g].sum(axis=1) for g in range(len(gpus))], axis=1)
    waits = (held["submit_s"].to_numpy() <= times[:, None]) & (times[:, None] < held["start_s"].to_numpy())
    idle, busy = (np.array([WATTS[kind][i] for _, _, kind in gpus]) for i in (0, 1))
    watts = np.where(jobs_on > 0, busy * np.where(jobs_on > 1, 1.1, 1.0), idle)
    frame = {
        "time_s": times,
        "gpu_w": watts.sum(axis=1),
        "node_w": 1.15 * watts.sum(axis=1) + HOST_W * len(NODES),
        "pending": waits.sum(axis=1),
        "running": on.sum(axis=1),
        "nodes_on": len(NODES),
    }
    kinds = np.array([kind for _, _, kind in gpus])
    for kind in dict.fromkeys(kinds):
        frame[f"busy_{kind}"] = (jobs_on[:, kinds == kind] > 0).sum(axis=1)
        frame[f"jobs_on_{kind}"] = jobs_on[:, kinds == kind].sum(axis=1)
    return pd.DataFrame(frame)


def _decisions(held: pd.DataFrame) -> pd.DataFrame:
    n = len(held)
    return pd.DataFrame(
        {"decision": np.arange(n), "time_s": held["submit_s"], "status": "", "gap": np.nan, "fallback": False}
    )


def _estimates(held: pd.DataFrame, rng: np.random.Generator | None) -> pd.DataFrame:
    columns = ["time_s", "job_id", "workload", "gpu_type", "partners", "source", "predicted_rate", "measured_rate"]
    if rng is None:
        return pd.DataFrame({c: pd.Series(dtype="str" if c not in columns[-2:] else "float64") for c in columns})
    rows = []
    for number, job in enumerate(held.itertuples(index=False)):
        for spread, source in ((0.25, "P1"), (0.25 * np.exp(-number / 40) + 0.06, "P2"), (0.03, "measured")):
            rate = 10 * SPEED[job.gpu_type]
            error = rng.normal(0, spread)
            rows.append((job.end_s, job.job_id, "w", job.gpu_type, "", source, rate * max(0.1, 1 + error), rate))
    return pd.DataFrame(rows, columns=columns)


def _gpus(held: pd.DataFrame, gpus: list[tuple[str, int, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(gpus, columns=["node_id", "slot", "gpu_type"])
    busy = [_union_s(held[held["gpu"] == g]) for g in range(len(gpus))]
    return frame.assign(busy_s=busy, energy_j=[WATTS[kind][1] * b for (_, _, kind), b in zip(gpus, busy, strict=True)])


def _union_s(stays: pd.DataFrame) -> float:
    total, until = 0.0, 0.0
    for start_s, end_s in sorted(zip(stays["start_s"], stays["end_s"], strict=True)):
        total += max(0.0, end_s - max(start_s, until))
        until = max(until, end_s)
    return total


def _nodes(timeline: pd.DataFrame) -> pd.DataFrame:
    lengths_s = np.diff(timeline["time_s"])
    energy_j = float(timeline["node_w"].to_numpy()[:-1] @ lengths_s)
    rows = [(node, kind, lengths_s.sum(), energy_j / len(NODES)) for node, kind, _ in NODES]
    return pd.DataFrame(rows, columns=["node_id", "gpu_type", "on_s", "energy_j"])


def save(directory: Path, tables: dict[str, pd.DataFrame], summary: dict[str, object]) -> Path:
    """Write a run directory as the command line does."""
    directory.mkdir(parents=True)
    for name, frame in tables.items():
        frame.to_parquet(directory / f"{name}.parquet")
    text = json.dumps({k: None if v != v else v for k, v in summary.items()})
    (directory / "summary.json").write_text(text, encoding="utf-8")
    return directory


def save_sweep(directory: Path, schedulers: Sequence[str], seeds: Sequence[int], jobs: int = 60) -> None:
    """Write a run per policy and seed into numbered directories, as a sweep does."""
    for number, (scheduler, seed) in enumerate(itertools.product(schedulers, seeds)):
        tables = frames(scheduler, seed, jobs)
        identity = {"experiment": "test", "scheduler": scheduler, "trace": "made_up", "cluster": "small"}
        summary = summarise(SimpleNamespace(**tables), SPEED, SITE)
        save(directory / str(number), tables, {**identity, "profile": "none", "seed": seed, **summary})
