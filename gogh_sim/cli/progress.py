"""Bars on stderr: of a run the share of its jobs that have ended, of a sweep that of its runs; with the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple, Never

from tqdm import tqdm

_ON_SCREEN_S = 0.1
_IN_A_LOG_S = 10.0
_WATCH_S = 0.5
_NOTE_S = 1.0

_FORM = "{desc}: {percentage:3.0f}% |{bar:30}| {elapsed} elapsed, {remaining} left"


@contextmanager
def bar(title: str) -> Iterator[Callable[[float], None]]:
    """Give a function that takes the share done, in [0, 1]; the bar appears with its first call."""
    shown: list[tqdm[Never]] = []

    def show(share: float) -> None:
        if not shown:
            shown.append(_drawn(title, 1.0, 0.0))
        shown[0].update(share - shown[0].n)

    try:
        yield show
    finally:
        for drawn in shown:
            drawn.close()


class Share(NamedTuple):
    """How far a sweep is: runs done, started ones by their share; how many of those were there before; runs in all."""

    done: float
    kept: int
    total: int


@contextmanager
def sweep_bar(share: Callable[[], Share]) -> Iterator[None]:
    """A bar over the runs of a sweep while the block lasts; it appears once there is a run.

    Parameters
    ----------
    share
        How far the sweep is; asked for again and again, from a thread. Runs that were there before say nothing about
        the time left.
    """
    ended = Event()
    shown: list[tqdm[Never]] = []

    def show() -> None:
        now = share()
        if not now.total:
            return
        if not shown:
            shown.append(_drawn("", float(now.total), 0.0))
        shown[0].total, shown[0].initial = float(now.total), float(now.kept)
        shown[0].set_description_str(f"sweep, {int(now.done)} of {now.total} runs", refresh=False)
        shown[0].update(now.done - shown[0].n)

    def watch() -> None:
        while not ended.wait(_WATCH_S):
            show()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        show()
        for drawn in shown:
            drawn.close()


def noting(file: Path) -> Callable[[float], None]:
    """A function that writes the share done into a file, once a second at most, for `sweep_bar` in another process."""
    last = [-_NOTE_S]

    def note(share: float) -> None:
        now = time.monotonic()
        if now - last[0] >= _NOTE_S:
            last[0] = now
            file.write_text(f"{share:.4f}", encoding="ascii")

    return note


def _drawn(title: str, total: float, initial: float) -> tqdm[Never]:
    interval = _ON_SCREEN_S if sys.stderr.isatty() else _IN_A_LOG_S
    # Without smoothing the time left follows from the mean pace: runs of several policies differ in theirs.
    return tqdm(
        total=total, initial=initial, desc=title, bar_format=_FORM, mininterval=interval, smoothing=0, file=sys.stderr
    )
