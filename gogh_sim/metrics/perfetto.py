"""A run as a Chrome trace-event file, for ui.perfetto.dev and chrome://tracing.

Format: "Trace Event Format" by Google (phases X, C and M; times in microseconds).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gogh_sim.metrics.intervals import occupancy_intervals

_US = 1e6
_CLUSTER_PID = 0


def chrome_trace(events: pd.DataFrame, timeline: pd.DataFrame, gpus: pd.DataFrame) -> dict[str, Any]:
    """Trace of a run: a process per node, a thread per GPU and lane, a slice per stay of a job, counters for power.

    Slices of one thread may only nest, so the jobs that share a GPU lie on lanes of their own beside each other.

    Parameters
    ----------
    events, timeline, gpus
        Tables of the run (see `gogh_sim.metrics.frames`).

    Returns
    -------
    dict
        Ready for `json.dump`; equal tables give equal dicts in equal order.
    """
    intervals = with_lanes(occupancy_intervals(events, float(timeline["time_s"].iloc[-1])))
    node_ids = list(dict.fromkeys(gpus["node_id"].astype(str)))
    pid_of = {node_id: pid for pid, node_id in enumerate(node_ids, start=_CLUSTER_PID + 1)}
    lanes = int(intervals["lane"].max()) + 1 if len(intervals) else 1
    return {
        "displayTimeUnit": "ms",
        "traceEvents": [
            *_names(gpus, pid_of, intervals, lanes),
            *_slices(intervals, pid_of, lanes),
            *_counters(timeline),
        ],
    }


def with_lanes(intervals: pd.DataFrame) -> pd.DataFrame:
    """Intervals with a column ``lane``: the lowest number from 0 free on that GPU when the stay begins."""
    lane = np.zeros(len(intervals), dtype=np.int64)
    free_at: dict[tuple[str, int], list[float]] = {}
    stays = zip(intervals["node_id"], intervals["slot"], intervals["start_s"], intervals["end_s"], strict=True)
    for i, (node_id, slot, start_s, end_s) in enumerate(stays):
        lanes = free_at.setdefault((node_id, slot), [])
        lane[i] = next((k for k, free_s in enumerate(lanes) if free_s <= start_s), len(lanes))
        lanes[lane[i] : lane[i] + 1] = [end_s]
    return intervals.assign(lane=lane)


def _names(gpus: pd.DataFrame, pid_of: dict[str, int], intervals: pd.DataFrame, lanes: int) -> list[dict[str, Any]]:
    rows = [_metadata("process_name", _CLUSTER_PID, 0, "cluster")]
    type_of = dict(zip(gpus["node_id"].astype(str), gpus["gpu_type"], strict=True))
    rows += [_metadata("process_name", pid, 0, f"{node} ({type_of[node]})") for node, pid in pid_of.items()]
    used = set(zip(intervals["node_id"], intervals["slot"].tolist(), intervals["lane"].tolist(), strict=True))
    for node, slot in zip(gpus["node_id"].astype(str), gpus["slot"].tolist(), strict=True):
        for lane in range(lanes):
            if lane == 0 or (node, slot, lane) in used:
                name = f"GPU {slot}" if lane == 0 else f"GPU {slot}, shared {lane}"
                rows.append(_metadata("thread_name", pid_of[node], slot * lanes + lane, name))
    return rows


def _metadata(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _slices(intervals: pd.DataFrame, pid_of: dict[str, int], lanes: int) -> list[dict[str, Any]]:
    tid = (intervals["slot"] * lanes + intervals["lane"]).tolist()
    start_us = (intervals["start_s"] * _US).tolist()
    length_us = ((intervals["end_s"] - intervals["start_s"]) * _US).tolist()
    restore_s = (intervals["ready_s"] - intervals["start_s"]).tolist()
    rows = zip(intervals["job_id"], intervals["node_id"], tid, start_us, length_us, restore_s, strict=True)
    return [
        {
            "ph": "X",
            "name": job_id,
            "cat": "job",
            "pid": pid_of[node_id],
            "tid": thread,
            "ts": start,
            "dur": length,
            "args": {"restore_s": restore},
        }
        for job_id, node_id, thread, start, length, restore in rows
    ]


def _counters(timeline: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    columns = (timeline[c].tolist() for c in ("time_s", "gpu_w", "node_w", "pending", "running"))
    for time_s, gpu_w, node_w, pending, running in zip(*columns, strict=True):
        at = {"ph": "C", "pid": _CLUSTER_PID, "tid": 0, "ts": time_s * _US}
        rows.append({**at, "name": "power (W)", "args": {"GPUs": gpu_w, "nodes": node_w}})
        rows.append({**at, "name": "jobs", "args": {"pending": pending, "running": running}})
    return rows
