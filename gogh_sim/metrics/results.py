"""Saved runs, read back: a run directory, or every run below a sweep directory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from gogh_sim.errors import InputError
from gogh_sim.limits import parsed_json
from gogh_sim.metrics.frames import COLUMNS, require_columns

REQUIRED_TABLES = ("jobs", "timeline", "decisions", "estimates", "events", "timings")
"""Tables that every run directory holds."""

FURTHER_TABLES = ("gpus", "nodes", "sources")
"""Tables that a run directory may hold."""

IDENTITY = ("scheduler", "trace", "cluster", "profile", "seed")
"""Keys of summary.json that name a run."""

_NEVER_A_SETTING = ("scheduler=", "seed=", "hydra.", "hydra/", "tune_for=")
_OF_THE_POLICY = ("scheduler.", "estimator.", "estimator=")


@dataclass(frozen=True)
class RunFrames:
    """One saved run: its summary, and its tables as frames.

    Attributes
    ----------
    path
        Directory it was read from.
    summary
        summary.json; numbers that do not exist are nan.
    overrides
        What the command line changed, the choice of scheduler and seed aside.
    gpus, nodes, sources
        The cluster's GPUs and nodes, and GPU-seconds by source tag; None where the run saved no such table.
    """

    path: Path
    summary: Mapping[str, Any]
    jobs: pd.DataFrame
    timeline: pd.DataFrame
    decisions: pd.DataFrame
    estimates: pd.DataFrame
    events: pd.DataFrame
    timings: pd.DataFrame
    gpus: pd.DataFrame | None = None
    nodes: pd.DataFrame | None = None
    sources: pd.DataFrame | None = None
    overrides: tuple[str, ...] = ()

    @property
    def scheduler(self) -> str:
        """Name of the policy, with what the command line changed of it."""
        changed = [o.split(".", 1)[-1] for o in self.overrides if o.lstrip("+~").startswith(_OF_THE_POLICY)]
        name = str(self.summary["scheduler"])
        return f"{name} ({', '.join(changed)})" if changed else name

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.summary["seed"])

    @property
    def setting(self) -> str:
        """All but policy and seed that tells runs apart: trace, cluster, profile, overrides of anything else."""
        named = [str(self.summary[key]) for key in ("trace", "cluster", "profile")]
        changed = [o for o in self.overrides if not o.lstrip("+~").startswith(_OF_THE_POLICY)]
        return ", ".join([*named, *changed])


def load_run(directory: Path) -> RunFrames:
    """Read one run directory.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, or lacks a key or column; the message names it.
    """
    summary = load_summary(directory)
    further = {name: directory / f"{name}.parquet" for name in FURTHER_TABLES}
    return RunFrames(
        path=directory,
        summary=summary,
        overrides=_read_overrides(directory / ".hydra" / "overrides.yaml"),
        **{name: _read_table(directory / f"{name}.parquet") for name in REQUIRED_TABLES},
        **{name: _read_table(file) for name, file in further.items() if file.is_file()},
    )


def load_runs(directory: Path) -> list[RunFrames]:
    """Read every run at or below `directory`, in order of path; a run is where a summary.json lies.

    Hidden folders are left out: runs being written, or killed while they were.
    """
    if not directory.is_dir():
        raise InputError("expected a directory with the results of a run or a sweep, found none", file=directory)
    files = directory.rglob("summary.json")
    found = sorted(file.parent for file in files if not file.parent.name.startswith("."))
    if not found:
        raise InputError("expected a summary.json here or below, found none", file=directory)
    return [load_run(path) for path in found]


def summaries(runs: Iterable[RunFrames]) -> pd.DataFrame:
    """One row a run: ``run`` (its path), ``setting`` and the plain values of its summary."""
    rows = []
    for run in runs:
        plain = {key: value for key, value in run.summary.items() if not isinstance(value, dict | list)}
        rows.append({"run": run.path.as_posix(), "setting": run.setting, **plain, "scheduler": run.scheduler})
    return pd.DataFrame(rows)


def settings_among(overrides: Iterable[str]) -> tuple[str, ...]:
    """Overrides, in order, without the choice of policy, the seed and what is Hydra's own."""
    return tuple(sorted(o for o in overrides if not o.startswith(_NEVER_A_SETTING)))


def stack(runs: Sequence[RunFrames], table: str) -> pd.DataFrame:
    """One table of several runs under each other, with ``run``, ``scheduler`` and ``seed`` in front."""
    frames: list[pd.DataFrame] = [
        getattr(run, table).assign(run=run.path.as_posix(), scheduler=run.scheduler, seed=run.seed) for run in runs
    ]
    # A frame without rows has columns without types, which would spoil those of the others.
    frame = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
    front = ["run", "scheduler", "seed"]
    return frame[[*front, *(c for c in frame.columns if c not in front)]]


def load_summary(directory: Path) -> dict[str, Any]:
    """summary.json of one run directory; numbers that do not exist are nan.

    Raises
    ------
    InputError
        If it is missing, cannot be read, or lacks a key that names a run.
    """
    return _read_summary(directory / "summary.json")


def _read_summary(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise InputError("expected the summary of a run, found no file", file=file)
    summary = parsed_json(file.read_bytes(), file)
    if not isinstance(summary, dict):
        raise InputError(f"expected an object with the keys of a summary, found {type(summary).__name__}", file=file)
    for key in IDENTITY:
        if key not in summary:
            raise InputError(f'expected the key "{key}", found {", ".join(summary) or "none"}', file=file)
    # JSON has no nan, so a number that does not exist is written as null.
    return {key: math.nan if value is None else value for key, value in summary.items()}


def _read_table(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise InputError("expected a table of the run, found no file", file=file)
    try:
        frame: pd.DataFrame = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"expected a parquet table, found {first_line}", file=file) from None
    require_columns(frame, COLUMNS[file.stem], str(file))
    return frame


def _read_overrides(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        return ()
    try:
        overrides = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # not UTF-8, dates that are none, endless nesting
        raise InputError(f"expected YAML, found {str(error).splitlines()[0]}", file=file) from None
    if not isinstance(overrides, list):
        raise InputError(f"expected a list of overrides, found {type(overrides).__name__}", file=file)
    return settings_among([str(override) for override in overrides])
