"""Profile tables: the CSV files that a profile is read from, checked cell by cell, and written as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.limits import check_size
from gogh_sim.outputs import write_whole
from gogh_sim.profiles.profile import Source

SIGNIFICANT_DIGITS = 5
GPU_FACTS = ("memory_gib", "tdp_w", "idle_bare_w", "idle_context_w", "fp32_tflops", "fp16_tflops", "bandwidth_gbps")
TEXT: Mapping[str, tuple[str, ...]] = {
    "gpu_types": ("gpu_type", "variant"),
    "workloads": ("workload", "model", "family", "task", "kind"),
    "solo": ("workload", "gpu_type", "tag"),
    "interference": ("workload", "gpu_type", "tag"),
    "pairs": ("gpu_type", "workload", "partner"),
}
"""Per table: columns that must hold text in every row."""

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "gpu_types": (
        *GPU_FACTS,
        *("host_base_w", "host_slope", "host_off_w", "alpha", "beta", "gamma", "interference_spread"),
    ),
    "workloads": (
        *("batch_size", "parameters_m", "gflop_per_sample", "memory_gib"),
        *("compute_share", "local_sync", "remote_sync"),
    ),
    "solo": ("host_ms", "gpu_ms", "dyn_w"),
    "interference": ("sensitivity", "intensity"),
    "pairs": ("norm",),
}
"""Per table: columns that must hold a number in every row."""


@dataclass(frozen=True)
class Tables:
    """The tables of one profile; columns, units and sources as in the data dictionary beside the shipped ones.

    `pairs` holds measured pairs, one row for each direction; it is empty in a profile that rests on the law alone.
    """

    gpu_types: pd.DataFrame
    workloads: pd.DataFrame
    solo: pd.DataFrame
    interference: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def type_names(self) -> list[str]:
        """GPU types in order."""
        return [str(name) for name in self.gpu_types["gpu_type"]]

    @property
    def workload_names(self) -> list[str]:
        """Workloads in order."""
        return [str(name) for name in self.workloads["workload"]]


def no_pairs() -> pd.DataFrame:
    """An empty `Tables.pairs`."""
    return pd.DataFrame({"gpu_type": [], "workload": [], "partner": [], "norm": [], "source": []})


def read_tables(folder: Traversable) -> Tables:
    """Tables in `folder`; only ``pairs.csv`` may be missing.

    Raises
    ------
    InputError
        Naming file, line and column of the first table, column or cell that is missing or no number.
    """
    return Tables(**{field.name: _read(folder, field.name) for field in fields(Tables)})


def write_tables(tables: Mapping[str, pd.DataFrame], out: Path) -> None:
    """Write each table as ``<name>.csv`` into `out`, made if missing; numbers with `SIGNIFICANT_DIGITS`."""
    for name, table in tables.items():
        text = _counts_whole(table).to_csv(index=False, float_format=f"%.{SIGNIFICANT_DIGITS}g", lineterminator="\n")
        write_whole(out / f"{name}.csv", partial(Path.write_text, data=text, encoding="utf-8"))


def _counts_whole(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with columns that hold nothing but whole numbers as integers, whose digits are never rounded away."""
    numbers = table.select_dtypes("float")
    whole = [c for c in numbers if np.isfinite(numbers[c]).all() and (numbers[c] % 1 == 0).all()]
    return table.astype(dict.fromkeys(whole, "int64"))


def check_cells(frame: pd.DataFrame, name: str, path: str) -> pd.DataFrame:
    """`frame` with numeric columns as floats, after every required cell of table `name` was found good."""
    for column in (*TEXT[name], *NUMBERS[name]):
        if column not in frame.columns:
            raise InputError(f"expected columns {list(frame.columns)} to hold {column}", file=path, column=column)
    for column in NUMBERS[name]:
        values = pd.to_numeric(frame[column], errors="coerce")
        _no_gaps(values.where(np.isfinite(values)), frame[column], path, column, "a number")
        frame = frame.assign(**{column: values.astype(np.float64)})
    for column in TEXT[name]:
        _no_gaps(frame[column], frame[column], path, column, "a value")
    if "tag" in frame.columns:
        known = frame["tag"].where(frame["tag"].isin([s.value for s in Source]))
        _no_gaps(known, frame["tag"], path, "tag", f"one of {[s.value for s in Source]}")
    return frame


def _read(folder: Traversable, name: str) -> pd.DataFrame:
    path = folder / f"{name}.csv"
    if not path.is_file():
        if name == "pairs":
            return no_pairs()
        raise InputError("expected a profile table, found none", file=str(path))
    with as_file(path) as file:
        return check_cells(read_csv(file), name, str(path))


def read_csv(path: Path) -> pd.DataFrame:
    """A table with a header; `InputError` if it is not one, or larger than `limits` allow."""
    try:
        check_size(path)
        with path.open(encoding="utf-8") as file:
            return pd.read_csv(file)
    except OSError as error:
        raise InputError(f"cannot read the table: {error.strerror}", file=path) from error
    except (ValueError, pd.errors.ParserError) as error:  # no CSV, an empty one, not UTF-8
        raise InputError(f"expected a CSV table: {str(error)[:80]}", file=path) from error


def _no_gaps(values: pd.Series, found: pd.Series, path: str, column: str, expected: str) -> None:
    gaps = np.flatnonzero(values.isna().to_numpy())
    if gaps.size:
        row = int(gaps[0])
        raise InputError(f"expected {expected}, found {found.iloc[row]!r}", file=path, line=row + 2, column=column)
