"""The tables of a report, as rows of text: policies, and their differences from a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gogh_sim.cli.tables import difference_cell, interval_cell


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: a measure, its heading, and how many of its units are one of the summary's."""

    measure: str
    heading: str
    scale: float = 1.0


_PER_HOUR = 1 / 3600

COLUMNS = (
    Column("node_energy_kwh", "energy kWh"),
    Column("slo_attainment", "SLO %", 100),
    Column("request_slo_attainment", "requests in SLO %", 100),
    Column("jct_mean_s", "JCT mean h", _PER_HOUR),
    Column("jct_p50_s", "p50 h", _PER_HOUR),
    Column("jct_p99_s", "p99 h", _PER_HOUR),
    Column("queue_mean_s", "queue h", _PER_HOUR),
    Column("allocation_efficiency", "alloc eff"),
    Column("gpu_utilization", "GPU util %", 100),
    Column("migrations", "migr"),
    Column("p1_mape", "P1 MAPE %"),
    Column("p2_mape", "P2 MAPE %"),
)

DIFFERENCES = (
    Column("node_energy_kwh", "energy %"),
    Column("slo_attainment", "SLO points", 100),
    Column("jct_mean_s", "JCT mean %"),
    Column("jct_p99_s", "JCT p99 %"),
    Column("queue_mean_s", "queue h", _PER_HOUR),
    Column("allocation_efficiency", "alloc eff %"),
)
"""Points are percentage points."""


def columns_of(table: pd.DataFrame) -> list[Column]:
    """The columns that hold anything in `metrics.comparison.compare`'s table: few runs have services or learners."""
    known = set(table.loc[table["mean"].notna(), "measure"])
    return [column for column in COLUMNS if column.measure in known]


def policy_rows(table: pd.DataFrame, columns: Sequence[Column]) -> list[list[str]]:
    """Heading row and a row per policy of one setting's part of `metrics.comparison.compare`'s table."""
    rows = [["policy", "seeds", *(column.heading for column in columns)]]
    for scheduler, own in table.groupby("scheduler", sort=False):
        found = own.set_index("measure")
        rows.append([str(scheduler), str(int(found["seeds"].max())), *(_mean(found, column) for column in columns)])
    return rows


def difference_rows(table: pd.DataFrame) -> list[list[str]]:
    """Heading row and a row per policy of one setting's and baseline's part of `metrics.differences.differences`."""
    rows = [["policy", "pairs", *(column.heading for column in DIFFERENCES)]]
    for scheduler, own in table.groupby("scheduler", sort=False):
        found = own.set_index("measure")
        cells = (_difference(found, column) for column in DIFFERENCES)
        rows.append([str(scheduler), str(int(found["pairs"].max())), *cells])
    return rows


def _mean(found: pd.DataFrame, column: Column) -> str:
    return interval_cell(*_scaled(found, column))


def _difference(found: pd.DataFrame, column: Column) -> str:
    return difference_cell(*_scaled(found, column))


def _scaled(found: pd.DataFrame, column: Column) -> tuple[float, float, float]:
    mean, low, high = (column.scale * found[["mean", "low", "high"]].loc[column.measure].to_numpy(np.float64)).tolist()
    return mean, low, high
