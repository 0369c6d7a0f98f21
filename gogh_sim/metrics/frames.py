"""The tables of one run: their names, their columns, and who holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

import pandas as pd

from gogh_sim.errors import InputError

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "jobs": (
            "job_id",
            "submit_s",
            "first_start_s",
            "end_s",
            "status",
            "workload",
            "num_gpus",
            "gpu_fraction",
            "deadline_s",
            "reference_s",
            "done_s",
            "preemptions",
            "migrations",
        ),
        "timeline": ("time_s", "gpu_w", "node_w", "pending", "running", "nodes_on"),
        "decisions": ("decision", "time_s", "status", "gap", "fallback"),
        "timings": ("decision", "solve_s"),
        "estimates": ("time_s", "job_id", "source", "predicted_rate", "measured_rate"),
        "events": ("time_s", "event", "job_id", "node_id", "gpus"),
        "gpus": ("node_id", "slot", "gpu_type", "busy_s", "energy_j"),
        "nodes": ("node_id", "gpu_type", "on_s", "energy_j"),
        "sources": ("tag", "gpu_s"),
    }
)
"""Per table: the columns that metrics and plots read. Further columns are welcome."""


class Frames(Protocol):
    """Anything that holds the nine tables of a finished run, the engine's records among them."""

    @property
    def jobs(self) -> pd.DataFrame:
        """One row a job."""
        ...

    @property
    def timeline(self) -> pd.DataFrame:
        """Piecewise-constant state; a row holds until the next row's time, the last one closes the run."""
        ...

    @property
    def decisions(self) -> pd.DataFrame:
        """One row a decision."""
        ...

    @property
    def timings(self) -> pd.DataFrame:
        """Wall-clock seconds of each decision."""
        ...

    @property
    def estimates(self) -> pd.DataFrame:
        """Predicted beside measured rates."""
        ...

    @property
    def events(self) -> pd.DataFrame:
        """What happened when, to which job or node."""
        ...

    @property
    def gpus(self) -> pd.DataFrame:
        """Busy seconds and energy of each GPU."""
        ...

    @property
    def nodes(self) -> pd.DataFrame:
        """Powered seconds and energy of each node."""
        ...

    @property
    def sources(self) -> pd.DataFrame:
        """GPU-seconds by the source tag of the profile numbers they rested on."""
        ...


def require_columns(frame: pd.DataFrame, columns: Iterable[str], file: str) -> None:
    """Raise `InputError` naming `file` and the first of `columns` that `frame` lacks."""
    for column in columns:
        if column not in frame.columns:
            raise InputError(f"column is missing; found {', '.join(map(str, frame.columns))}", file=file, column=column)
