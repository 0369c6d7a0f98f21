"""The garbage collector during a run: it looks at what the run drops, not again and again at what stays."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def spare_what_stays() -> Iterator[Callable[[], None]]:
    """Keep all present objects out of collections; what is given, once called, does so for those made since.

    Collections cost in proportion to the objects that they look at. Imports, jobs and their states are hundreds of
    thousands, and none of them goes before the run ends, when all are handed back. Nothing is done, so that nothing has
    to be undone, where somebody has set objects aside before (`gc.freeze`).
    """
    if gc.get_freeze_count():
        yield lambda: None
        return
    gc.freeze()
    try:
        yield gc.freeze
    finally:
        gc.unfreeze()
