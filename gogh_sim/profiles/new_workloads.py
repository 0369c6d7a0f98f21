"""Workloads that no table has, from a user's facts and measurements: what `gogh-sim measure` finds of its probes.

Columns of the file of facts:

| column | meaning |
|---|---|
| workload, model, family, task | names; families are what is held out together when estimators are judged |
| kind | training or inference |
| batch_size | samples of one iteration on one GPU |
| parameters_m | millions of parameters |
| gflop_per_sample | work of a sample, forward, and for training backward |
| memory_gib | footprint on one GPU |
| relative | workload of the profile that it is taken to resemble where it was not measured |

A step of the new workload takes as many times as long as its relative's on every GPU type as it does, at the geometric
mean, on those where it was measured; interference, watts and gang scaling are its relative's. What was measured then
takes the place of all that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.profiles.own import Measurements
from gogh_sim.profiles.profile import Source
from gogh_sim.profiles.rows import as_positive, read_rows, refuse
from gogh_sim.profiles.tables import Tables
from gogh_sim.types import JobKind

_TEXT = ("workload", "model", "family", "task", "kind", "relative")
_NUMBERS = ("batch_size", "parameters_m", "gflop_per_sample", "memory_gib")
FACT_COLUMNS = (*_TEXT[:5], *_NUMBERS, "relative")


@dataclass(frozen=True)
class WorkloadFacts:
    """Checked rows of a file of facts."""

    file: Path
    rows: pd.DataFrame


def read_workload_facts(path: Path) -> WorkloadFacts:
    """Facts of new workloads.

    Raises
    ------
    InputError
        If there is no row, or naming file, line and column of the first cell that is missing, unknown, repeated or no
        positive number.
    """
    rows = as_positive(read_rows(path, FACT_COLUMNS, "workload facts"), _NUMBERS, path)
    if rows.empty:
        raise InputError("expected a row for each new workload, found none", file=path)
    for column in FACT_COLUMNS:
        refuse(rows, rows[column].isna(), path, column, "a value")
    kinds = [kind.value for kind in JobKind]
    refuse(rows, ~rows["kind"].isin(kinds), path, "kind", f"one of {kinds}")
    refuse(rows, rows["workload"].duplicated(), path, "workload", "each workload once")
    refuse(rows, rows["batch_size"] % 1 != 0, path, "batch_size", "a whole number")
    return WorkloadFacts(path, rows)


def with_workloads(tables: Tables, facts: WorkloadFacts, own: Measurements) -> Tables:
    """`tables` with the workloads of `facts` appended; `own.with_measurements` then puts in what was measured.

    Raises
    ------
    InputError
        If a workload is already there, its relative is not, or it was never measured alone on a type of the tables.
    """
    rows, file = facts.rows, facts.file
    refuse(rows, rows["workload"].isin(tables.workload_names), file, "workload", "a workload not in the profile")
    refuse(rows, ~rows["relative"].isin(tables.workload_names), file, "relative", "a workload of the profile")
    ratio = _step_ratios(tables, rows, own)
    refuse(rows, ~rows["workload"].isin(ratio.index), file, "workload", "a workload measured alone")
    relative = rows.set_index("workload")["relative"]
    solo = _as_relatives(tables.solo, relative)
    scale = solo["workload"].map(ratio)
    stands = "as " + solo["workload"].map(relative)
    strain = _as_relatives(tables.interference, relative)
    return replace(
        tables,
        workloads=pd.concat([tables.workloads, _workload_rows(tables, rows)], ignore_index=True),
        solo=pd.concat(
            [
                tables.solo,
                solo.assign(
                    host_ms=solo["host_ms"] * scale,
                    gpu_ms=solo["gpu_ms"] * scale,
                    tag=Source.TRANSFERRED.value,
                    power_tag=Source.ASSUMED.value,
                    power_source=stands,
                ),
            ],
            ignore_index=True,
        ),
        interference=pd.concat(
            [
                tables.interference,
                strain.assign(tag=Source.ASSUMED.value, source="as " + strain["workload"].map(relative)),
            ],
            ignore_index=True,
        ),
    )


def _step_ratios(tables: Tables, rows: pd.DataFrame, own: Measurements) -> pd.Series:
    """Per workload: measured step time over its relative's, geometric mean over the types it was measured on."""
    solo = own.of("solo").groupby(["workload", "gpu_type"])["rate_per_s"].mean().reset_index()
    mine = solo.merge(rows[["workload", "relative"]], on="workload")
    step_ms = tables.solo.set_index(["workload", "gpu_type"])[["host_ms", "gpu_ms"]].sum(axis=1).rename("relative_ms")
    mine = mine.join(step_ms, on=["relative", "gpu_type"]).dropna(subset=["relative_ms"])
    logs = pd.Series(np.log(1e3 / mine["rate_per_s"] / mine["relative_ms"]), index=mine.index)
    means = logs.groupby(mine["workload"]).mean()
    return pd.Series(np.exp(means.to_numpy()), index=means.index)


def _as_relatives(table: pd.DataFrame, relative: pd.Series) -> pd.DataFrame:
    """The relatives' rows of a table under the new workloads' names."""
    named = relative.rename("relative").reset_index()
    found = named.merge(table.rename(columns={"workload": "relative"}), on="relative", how="left")
    return found[table.columns]


def _workload_rows(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    relative = tables.workloads.set_index("workload").loc[rows["relative"]].reset_index(drop=True)
    told = rows[list(FACT_COLUMNS[:-1])].reset_index(drop=True)
    return pd.concat(
        [
            told,
            relative[["compute_share", "local_sync", "remote_sync"]],
            pd.DataFrame(
                {
                    "size_source": "file of workload facts",
                    "memory_tag": Source.MEASURED.value,
                    "memory_source": "file of workload facts",
                    "sync_tag": Source.ASSUMED.value,
                },
                index=told.index,
            ),
        ],
        axis=1,
    )
