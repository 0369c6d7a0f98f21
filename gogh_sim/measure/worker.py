"""The process that one probe runs in, and its parent's handle on it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from ctypes import c_longlong
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from types import TracebackType

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.measure import probes
from gogh_sim.measure.catalogue import PROBES, Size
from gogh_sim.types import FloatArray

BLOCK_S = 0.05
"""Iterations are timed in blocks of about this long, so that waiting for the device costs little."""

_POLL_S = 0.05
_SPAWN = get_context("spawn")  # a forked process cannot use CUDA


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker runs: a probe at a batch size, and for how long to warm up."""

    model: str
    batch: int
    size: Size
    device: str
    warmup_s: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a probe turned out to be once built."""

    parameters_m: float
    gflop_per_sample: float
    peak_memory_gib: float


@dataclass(frozen=True)
class Timing:
    """When blocks of `per_block` iterations ended, seconds on the machine's monotonic clock; and what was built."""

    ends_s: FloatArray
    per_block: int
    facts: Facts


class Worker:
    """A probe in its own process: ready when the ``with`` block begins, gone when it ends.

    Raises
    ------
    InputError
        If the probe fails, as for want of memory; the message names it and says what torch said.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._go, self._stop = _SPAWN.Event(), _SPAWN.Event()
        self._done = _SPAWN.RawValue("q", 0)
        self._pipe, theirs = _SPAWN.Pipe()
        shared = (theirs, self._go, self._stop, self._done)
        self._process = _SPAWN.Process(target=_run, args=(task, *shared), daemon=True)

    def __enter__(self) -> Worker:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._go.set()
        self._process.join(timeout=10.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def wait_until_ready(self) -> None:
        """Return when the probe is built and warm."""
        self._receive()

    def go(self) -> None:
        """Let it iterate."""
        self._go.set()

    def blocks(self) -> int:
        """Blocks done so far; `InputError` if the process has died."""
        if not self._process.is_alive():
            self._receive()
        return int(self._done.value)

    def stop(self) -> Timing:
        """Let it end, and return what it noted."""
        self._stop.set()
        found = self._receive()
        assert isinstance(found, Timing)  # the second message of `_run`
        return found

    def _receive(self) -> object:
        name = f"{self._task.model} at batch {self._task.batch} on {self._task.device}"
        while not self._pipe.poll(_POLL_S):
            if not self._process.is_alive() and not self._pipe.poll():
                raise InputError(f"{name} ended with exit code {self._process.exitcode} before it was measured")
        try:
            message = self._pipe.recv()
        except EOFError as error:
            raise InputError(f"{name} ended before it was measured") from error
        if isinstance(message, _Failure):
            raise InputError(f"{name} failed: {message.said}")
        return message


@dataclass(frozen=True, slots=True)
class _Failure:
    said: str


def _run(task: Task, pipe: Connection, go: Event, stop: Event, done: c_longlong) -> None:
    """Body of the process: build, warm up, say so, wait for `go`, iterate until `stop`, tell."""
    try:
        running = probes.start(PROBES[task.model], task.batch, task.size, task.device)
        per_block = _warm_up(running.step, running.finish, task.warmup_s)
        pipe.send("ready")
        go.wait()
        ends = []
        while not stop.is_set():
            for _ in range(per_block):
                running.step()
            running.finish()
            ends.append(time.monotonic())
            done.value = len(ends)
        facts = Facts(running.parameters_m, running.gflop_per_sample, running.peak_memory_gib())
        pipe.send(Timing(np.array(ends, dtype=np.float64), per_block, facts))
    except (RuntimeError, MemoryError, InputError) as error:  # torch's lack of memory is a RuntimeError
        pipe.send(_Failure(str(error).splitlines()[0] if str(error) else type(error).__name__))


def _warm_up(step: Callable[[], None], finish: Callable[[], None], seconds: float) -> int:
    """Iterate for a while; return how many iterations make a block."""
    began = time.monotonic()
    done = 0
    while done < 3 or time.monotonic() - began < seconds:
        if done == 1:
            began = time.monotonic()  # the first one pays for loading and choosing kernels
        step()
        finish()
        done += 1
    return max(1, math.ceil(BLOCK_S * (done - 1) / (time.monotonic() - began)))
