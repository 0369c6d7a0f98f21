"""Events to occupancy: which job held which GPU from when to when."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import IO, NamedTuple, TypeAlias

import pandas as pd

_TAKES = ("start", "move")
_CHANGES = ("start", "move", "evict", "interrupt", "finish", "fail")
_SPAN = struct.Struct("dd")

Chunks: TypeAlias = Callable[[], Iterable[pd.DataFrame]]
"""Walks a table from its first to its last row, a piece at a time, as often as it is called."""


class Stay(NamedTuple):
    """A job holds a GPU from `start_s` to `end_s` and makes progress from `ready_s`: later if it had to restore."""

    job_id: str
    node_id: str
    slot: int
    start_s: float
    ready_s: float
    end_s: float


class Stays(Iterable[Stay]):
    """Stays of a run in order of start, node, slot, job; to be walked as often as wanted, within a `with` block.

    When a stay begins its end lies ahead, so ends are found by a walk of their own and wait in a temporary file:
    memory is that of the jobs that hold GPUs at once and of one piece of the table, however many events there are.

    Parameters
    ----------
    events
        ``time_s``, ``event``, ``job_id``, ``gpus`` ("n0/0|n0/1") in order of occurrence. A job takes the named GPUs
        at "start" and "move" and leaves them at the next "move", "evict", "interrupt", "finish" or "fail"; a "ready"
        tells that a restore is over.
    run_end_s
        Closes what is still held.
    """

    def __init__(self, events: Chunks, run_end_s: float) -> None:
        self._events = events
        self._spans: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._note_spans(run_end_s)

    def __enter__(self) -> Stays:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._spans.close()

    def __iter__(self) -> Iterator[Stay]:
        moment: list[Stay] = []
        for number, (time_s, _, job_id, gpus) in enumerate(_rows(self._events(), _TAKES)):
            if moment and moment[0].start_s != time_s:
                yield from sorted(moment, key=_place)
                moment.clear()
            span = _SPAN.unpack(os.pread(self._spans.fileno(), _SPAN.size, number * _SPAN.size))
            for node_id, _, slot in (gpu.rpartition("/") for gpu in gpus.split("|")):
                moment.append(Stay(job_id, node_id, int(slot), time_s, *span))
        yield from sorted(moment, key=_place)

    def _note_spans(self, run_end_s: float) -> None:
        """Write when each take of GPUs is ready and when it ends, by its number in the order of takes."""
        held: dict[str, tuple[int, float]] = {}
        fresh: set[str] = set()
        takes = 0
        for time_s, event, job_id, _ in _rows(self._events(), (*_CHANGES, "ready")):
            if event == "ready":
                if job_id in fresh:
                    held[job_id] = (held[job_id][0], time_s)
                fresh.discard(job_id)
                continue
            if job_id in held:
                self._note(*held.pop(job_id), time_s)
                fresh.discard(job_id)
            if event in _TAKES:
                held[job_id] = (takes, time_s)
                fresh.add(job_id)
                takes += 1
        for number, ready_s in held.values():
            self._note(number, ready_s, run_end_s)

    def _note(self, number: int, ready_s: float, end_s: float) -> None:
        os.pwrite(self._spans.fileno(), _SPAN.pack(ready_s, end_s), number * _SPAN.size)


class Lanes:
    """Numbers stays so that those of one GPU and one number follow each other: the lowest from 0 that is free."""

    def __init__(self) -> None:
        self._free_at_s: dict[tuple[str, int], list[float]] = {}

    def lane(self, node_id: str, slot: int, start_s: float, end_s: float) -> int:
        """Lane of the next stay; stays come in order of start."""
        lanes = self._free_at_s.setdefault((node_id, slot), [])
        lane = next((number for number, free_s in enumerate(lanes) if free_s <= start_s), len(lanes))
        lanes[lane : lane + 1] = [end_s]
        return lane


def occupancy_intervals(events: pd.DataFrame, run_end_s: float) -> pd.DataFrame:
    """`Stays` of a run as a table: their fields are its columns."""
    with Stays(lambda: [events], run_end_s) as stays:
        found = pd.DataFrame(stays, columns=Stay._fields)
    times = dict.fromkeys(("start_s", "ready_s", "end_s"), "float64")
    return found.astype({"job_id": "str", "node_id": "str", "slot": "int64", **times})


def with_lanes(intervals: pd.DataFrame) -> pd.DataFrame:
    """Intervals with a column ``lane``; see `Lanes`."""
    lanes = Lanes()
    stays = zip(intervals["node_id"], intervals["slot"], intervals["start_s"], intervals["end_s"], strict=True)
    return intervals.assign(lane=pd.Series([lanes.lane(*stay) for stay in stays], intervals.index, dtype="int64"))


def _place(stay: Stay) -> tuple[str, int, str]:
    return stay.node_id, stay.slot, stay.job_id


def _rows(chunks: Iterable[pd.DataFrame], wanted: tuple[str, ...]) -> Iterator[tuple[float, str, str, str]]:
    """Time, event, job and GPUs of the rows of wanted events."""
    for chunk in chunks:
        rows = chunk[chunk["event"].isin(wanted)]
        texts = (rows[name].astype("str").tolist() for name in ("event", "job_id", "gpus"))
        yield from zip(rows["time_s"].astype("float64").tolist(), *texts, strict=True)
