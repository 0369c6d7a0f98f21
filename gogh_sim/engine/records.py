"""What a run leaves behind: tables, one row type each, with units in the column names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

LONG_TABLES = ("timeline", "decisions", "timings", "estimates", "events")
"""Tables that grow with the events of a run, and not only with its jobs, GPUs and nodes."""


class History(Protocol):
    """Where the long tables are kept, chunk by chunk, while a run goes on."""

    def add(self, table: str, chunk: pd.DataFrame) -> None:
        """Append rows; every table gets one chunk at least, of no rows if it has none."""
        ...

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of a table, asked for after its last chunk."""
        ...

    def chunks(self, table: str) -> Iterator[pd.DataFrame]:
        """The same rows, a chunk at a time."""
        ...


class InMemory:
    """A history that is not written anywhere."""

    def __init__(self) -> None:
        self._chunks: defaultdict[str, list[pd.DataFrame]] = defaultdict(list)

    def add(self, table: str, chunk: pd.DataFrame) -> None:
        """Append rows."""
        self._chunks[table].append(chunk)

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of a table."""
        chunks = self._chunks[table]
        if len(chunks) > 1:
            chunks[:] = [pd.concat(chunks, ignore_index=True)]
        return chunks[0]

    def chunks(self, table: str) -> Iterator[pd.DataFrame]:
        """The same rows, a chunk at a time."""
        return iter(self._chunks[table])


@dataclass(frozen=True)
class Records:
    """Tables of one run; `metrics` turns them into a summary. Times are seconds from trace start.

    Attributes
    ----------
    jobs
        A row a job: what it asked for, when it ran, how it ended, what it used.
    gpus, nodes
        Busy or on seconds and joules of each.
    sources
        GPU-seconds by source tag of the profile numbers they rested on.
    history
        Holds the long tables, which are read anew from files each time they are asked for if they lie there.
    """

    jobs: pd.DataFrame
    gpus: pd.DataFrame
    nodes: pd.DataFrame
    sources: pd.DataFrame
    history: History

    @property
    def timeline(self) -> pd.DataFrame:
        """Watts and counts from `time_s` until the next row; the last row closes the run."""
        return self.history.frame("timeline")

    @property
    def decisions(self) -> pd.DataFrame:
        """A row a scheduler call: why, what changed, what the solver said."""
        return self.history.frame("decisions")

    @property
    def timings(self) -> pd.DataFrame:
        """Wall-clock seconds of each call; the only table that two equal runs do not share byte for byte."""
        return self.history.frame("timings")

    @property
    def estimates(self) -> pd.DataFrame:
        """A row a measurement that a learner had a belief about: predicted and measured rate."""
        return self.history.frame("estimates")

    @property
    def events(self) -> pd.DataFrame:
        """Every change of a job or node."""
        return self.history.frame("events")
