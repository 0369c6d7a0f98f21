"""A bar on stderr with the share of jobs that have ended and the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm

_ON_SCREEN_S = 0.1
_IN_A_LOG_S = 10.0


@contextmanager
def bar(title: str) -> Iterator[Callable[[float], None]]:
    """Give a function that takes the share done, in [0, 1]; the bar appears with its first call."""
    shown: list[tqdm[Never]] = []

    def show(share: float) -> None:
        if not shown:
            interval = _ON_SCREEN_S if sys.stderr.isatty() else _IN_A_LOG_S
            form = "{desc}: {percentage:3.0f}% |{bar:30}| {elapsed} elapsed, {remaining} left"
            shown.append(tqdm(total=1.0, desc=title, bar_format=form, mininterval=interval, file=sys.stderr))
        shown[0].update(share - shown[0].n)

    try:
        yield show
    finally:
        for drawn in shown:
            drawn.close()
