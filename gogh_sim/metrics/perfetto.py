"""A run as a Chrome trace-event file, for ui.perfetto.dev and chrome://tracing.

Format: "Trace Event Format" by Google (phases X, C and M; times in microseconds).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from gogh_sim.metrics.intervals import Chunks, Lanes, Stay, Stays

HEAD: Mapping[str, str] = {"displayTimeUnit": "ms"}
"""What stands in the file before its list ``traceEvents``, whose elements `trace_events` makes."""

_US = 1e6
_CLUSTER_PID = 0


def trace_events(events: Chunks, timeline: Chunks, gpus: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Trace of a run: a process per node, a thread per GPU and lane, a slice per stay of a job, counters for power.

    Slices of one thread may only nest, so the jobs that share a GPU lie on lanes of their own beside each other.

    Parameters
    ----------
    events, timeline, gpus
        Tables of the run (see `gogh_sim.metrics.frames`); the two long ones are walked a piece at a time.

    Returns
    -------
    Iterator
        Elements of the file's list ``traceEvents``; equal tables give equal elements in equal order.
    """
    last = 0.0
    for chunk in timeline():
        last = float(chunk["time_s"].iloc[-1])
    with Stays(events, last) as stays:
        used = {(stay.node_id, stay.slot, lane) for stay, lane in _on_lanes(stays)}
        lanes = 1 + max((lane for _, _, lane in used), default=0)
        node_ids = dict.fromkeys(gpus["node_id"].astype(str))
        pid_of = {node_id: pid for pid, node_id in enumerate(node_ids, start=_CLUSTER_PID + 1)}
        yield from _names(gpus, pid_of, used, lanes)
        for stay, lane in _on_lanes(stays):
            yield _slice(stay, pid_of[stay.node_id], stay.slot * lanes + lane)
    for chunk in timeline():
        yield from _counters(chunk)


def _on_lanes(stays: Iterable[Stay]) -> Iterator[tuple[Stay, int]]:
    lanes = Lanes()
    return ((stay, lanes.lane(stay.node_id, stay.slot, stay.start_s, stay.end_s)) for stay in stays)


def _names(
    gpus: pd.DataFrame, pid_of: Mapping[str, int], used: set[tuple[str, int, int]], lanes: int
) -> Iterator[dict[str, Any]]:
    yield _metadata("process_name", _CLUSTER_PID, 0, "cluster")
    type_of = dict(zip(gpus["node_id"].astype(str), gpus["gpu_type"], strict=True))
    for node_id, pid in pid_of.items():
        yield _metadata("process_name", pid, 0, f"{node_id} ({type_of[node_id]})")
    for node_id, slot in zip(gpus["node_id"].astype(str), gpus["slot"].tolist(), strict=True):
        for lane in range(lanes):
            if lane == 0 or (node_id, slot, lane) in used:
                name = f"GPU {slot}" if lane == 0 else f"GPU {slot}, shared {lane}"
                yield _metadata("thread_name", pid_of[node_id], slot * lanes + lane, name)


def _metadata(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _slice(stay: Stay, pid: int, tid: int) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": stay.job_id,
        "cat": "job",
        "pid": pid,
        "tid": tid,
        "ts": stay.start_s * _US,
        "dur": (stay.end_s - stay.start_s) * _US,
        "args": {"restore_s": stay.ready_s - stay.start_s},
    }


def _counters(timeline: pd.DataFrame) -> Iterator[dict[str, Any]]:
    columns = (timeline[c].tolist() for c in ("time_s", "gpu_w", "node_w", "pending", "running"))
    for time_s, gpu_w, node_w, pending, running in zip(*columns, strict=True):
        at = {"ph": "C", "pid": _CLUSTER_PID, "tid": 0, "ts": time_s * _US}
        yield {**at, "name": "power (W)", "args": {"GPUs": gpu_w, "nodes": node_w}}
        yield {**at, "name": "jobs", "args": {"pending": pending, "running": running}}
