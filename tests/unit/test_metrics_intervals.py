from __future__ import annotations

import gc
import json
import math
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gogh_sim.metrics.intervals import occupancy_intervals, with_lanes
from gogh_sim.metrics.perfetto import HEAD, trace_events
from gogh_sim.outputs import write_json, write_json_list

EVENTS = pd.DataFrame(
    [
        (0.0, "submit", "b", ""),
        (0.0, "start", "b", "n0/0|n0/1"),
        (0.0, "submit", "a", ""),
        (5.0, "start", "a", "n0/1"),
        (7.0, "node_off", "", ""),
        (10.0, "move", "b", "rack/1/0|n0/1"),
        (12.0, "ready", "b", "rack/1/0|n0/1"),
        (15.0, "evict", "a", "n0/1"),
        (20.0, "finish", "b", "rack/1/0|n0/1"),
        (30.0, "start", "a", "n0/0"),
        (33.0, "ready", "a", "n0/0"),
    ],
    columns=["time_s", "event", "job_id", "gpus"],
)
GPUS = pd.DataFrame(
    {"node_id": ["n0", "n0", "rack/1"], "slot": [0, 1, 0], "gpu_type": ["V100", "V100", "T4"], "busy_s": 1.0}
)
TIMELINE = pd.DataFrame(
    {"time_s": [0.0, 40.0], "gpu_w": [100.0, 50.0], "node_w": [300.0, 250.0], "pending": [1, 0], "running": [2, 0]}
)


def test_stays_of_a_gang_that_moves_and_a_job_that_is_evicted() -> None:
    found = occupancy_intervals(EVENTS, run_end_s=40.0)
    assert list(found.itertuples(index=False, name=None)) == [
        ("b", "n0", 0, 0.0, 0.0, 10.0),
        ("b", "n0", 1, 0.0, 0.0, 10.0),
        ("a", "n0", 1, 5.0, 5.0, 15.0),
        ("b", "n0", 1, 10.0, 12.0, 20.0),
        ("b", "rack/1", 0, 10.0, 12.0, 20.0),
        ("a", "n0", 0, 30.0, 33.0, 40.0),
    ]


def test_no_events_no_stays() -> None:
    found = occupancy_intervals(EVENTS.iloc[:0], run_end_s=40.0)
    assert found.empty
    assert list(found.columns) == ["job_id", "node_id", "slot", "start_s", "ready_s", "end_s"]


def test_a_lane_is_free_again_when_its_stay_ends() -> None:
    lanes = with_lanes(occupancy_intervals(EVENTS, run_end_s=40.0))
    assert lanes["lane"].tolist() == [0, 0, 1, 0, 0, 0]


def rows_of(events: pd.DataFrame, timeline: pd.DataFrame, gpus: pd.DataFrame, size: int = 100) -> list[dict[str, Any]]:
    """The trace of tables that come in chunks of so many rows."""
    events_in, timeline_in = (partial(in_chunks, table, size) for table in (events, timeline))
    return list(trace_events(events_in, timeline_in, gpus))


def in_chunks(table: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    return (table.iloc[start : start + size] for start in range(0, len(table), size))


def test_chrome_trace_has_a_process_per_node_a_slice_per_stay_and_power() -> None:
    rows = rows_of(EVENTS, TIMELINE, GPUS)
    names = [(r["pid"], r["args"]["name"]) for r in rows if r["name"] == "process_name"]
    assert names == [(0, "cluster"), (1, "n0 (V100)"), (2, "rack/1 (T4)")]
    threads = {(r["pid"], r["tid"]): r["args"]["name"] for r in rows if r["name"] == "thread_name"}
    slices = [r for r in rows if r["ph"] == "X"]
    assert len(slices) == 6
    moved = next(r for r in slices if r["pid"] == 2)
    assert (moved["name"], moved["ts"], moved["dur"], moved["args"]) == ("b", 10e6, 10e6, {"restore_s": 2.0})
    shared = next(r for r in slices if r["name"] == "a" and r["ts"] == 5e6)
    assert threads[shared["pid"], shared["tid"]] == "GPU 1, shared 1"
    assert all((r["pid"], r["tid"]) in threads for r in slices)
    watts = [(r["ts"], r["args"]) for r in rows if r["ph"] == "C" and r["name"] == "power (W)"]
    assert watts == [(0.0, {"GPUs": 100.0, "nodes": 300.0}), (40e6, {"GPUs": 50.0, "nodes": 250.0})]


def test_slices_of_a_thread_never_overlap() -> None:
    slices = [r for r in rows_of(EVENTS, TIMELINE, GPUS) if r["ph"] == "X"]
    by_thread: dict[tuple[int, int], float] = {}
    for row in sorted(slices, key=lambda r: r["ts"]):
        thread = (row["pid"], row["tid"])
        assert row["ts"] >= by_thread.get(thread, 0.0)
        by_thread[thread] = row["ts"] + row["dur"]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_chunks_make_no_difference(size: int) -> None:
    assert rows_of(EVENTS, TIMELINE, GPUS, size) == rows_of(EVENTS, TIMELINE, GPUS)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_written_row_by_row_has_the_bytes_of_one_written_whole(count: int, tmp_path: Path) -> None:
    rows = rows_of(EVENTS, TIMELINE, GPUS)[-count:] if count else []
    rows += [{"name": "line\nbreak \u00e9 []", "args": {"none": math.nan, "deep": [1, {"x": math.inf}]}}] * count
    whole = write_json(tmp_path / "whole.json", {**HEAD, "traceEvents": rows})
    assert write_json_list(tmp_path / "list.json", HEAD, "traceEvents", iter(rows)).read_bytes() == whole.read_bytes()
    assert len(json.loads(whole.read_text())["traceEvents"]) == 2 * count


def held_bytes(stays: int, out: Path) -> int:
    """Most memory held while the trace is written of a run in which one job stays and others come and go."""

    def events() -> Iterator[pd.DataFrame]:
        yield pd.DataFrame([(0.0, "start", "first", "n0/0")], columns=EVENTS.columns)
        for start in range(0, stays, 100):
            numbers = range(start, start + 100)
            rows = [(float(i), event, f"j{i}", "n0/1") for i in numbers for event in ("start", "finish")]
            yield pd.DataFrame(rows, columns=EVENTS.columns)

    def timeline() -> Iterator[pd.DataFrame]:
        for start in range(0, stays, 100):
            yield pd.DataFrame({name: np.arange(start, start + 100.0) for name in TIMELINE.columns})

    held = []

    def watched(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(rows):
            if number % (stays // 8) == 0:
                gc.collect()  # else what counts is when Python last looked for cycles
                held.append(tracemalloc.get_traced_memory()[0])
            yield row

    tracemalloc.start()
    write_json_list(out, HEAD, "traceEvents", watched(trace_events(events, timeline, GPUS)))
    tracemalloc.stop()
    return max(held)


def test_memory_does_not_grow_with_the_events_of_a_run(tmp_path: Path) -> None:
    small, large = (held_bytes(stays, tmp_path / str(stays)) for stays in (200, 2000))
    assert large < small + 60_000  # the stays alone would take 300,000
    assert (tmp_path / "2000").read_text().count('"ph": "X"') == 2001


def test_a_stay_outlasts_the_row_order_of_other_jobs() -> None:
    shuffled = EVENTS.sample(frac=1, random_state=1).sort_values("time_s", kind="stable")
    # Events of one time may come in any order between jobs; within a job their order is the time's here.
    pd.testing.assert_frame_equal(
        occupancy_intervals(shuffled[shuffled["event"] != "submit"], 40.0), occupancy_intervals(EVENTS, 40.0)
    )


@pytest.mark.parametrize("end", ["finish", "fail", "evict"])
def test_every_way_to_leave_a_gpu_ends_the_stay(end: str) -> None:
    rows = [(1.0, "start", "a", "n0/0"), (4.0, end, "a", "n0/0")]
    found = occupancy_intervals(pd.DataFrame(rows, columns=EVENTS.columns), run_end_s=9.0)
    assert found["end_s"].tolist() == [4.0]
