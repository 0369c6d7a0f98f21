"""Policies beside each other: means over seeds with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gogh_sim.metrics.results import RunFrames, summaries
from gogh_sim.metrics.statistics import mean_interval

MEASURES = (
    "node_energy_kwh",
    "slo_attainment",
    "request_slo_attainment",
    "jct_mean_s",
    "jct_p50_s",
    "jct_p99_s",
    "queue_mean_s",
    "allocation_efficiency",
    "gpu_utilization",
    "migrations",
    "p1_mape",
    "p2_mape",
)
"""Measures compared, in the order of the table's columns."""

_LEADING = ("fifo", "best_fit")
_TRAILING = ("gogh", "oracle")


@dataclass(frozen=True)
class Replicates:
    """Runs without repetition: one per setting, policy and seed.

    Attributes
    ----------
    runs
        Those to compare.
    repeated
        Earlier runs of a setting, policy and seed that has a later one (in order of path); they are no further
        evidence, as equal config and seed give equal results.
    """

    runs: tuple[RunFrames, ...]
    repeated: tuple[RunFrames, ...]

    @classmethod
    def of(cls, runs: Sequence[RunFrames]) -> Replicates:
        """Tell repetitions from replicates."""
        latest = {(run.setting, run.scheduler, run.seed): run for run in runs}
        kept = {id(run) for run in latest.values()}
        return cls(
            runs=tuple(run for run in runs if id(run) in kept),
            repeated=tuple(run for run in runs if id(run) not in kept),
        )


def policy_order(scheduler: str) -> tuple[int, int, str]:
    """Sort key: the plainest baselines first, then others by name, gogh and its variants and the oracle last."""
    family = scheduler.split(" ")[0]
    if family in _LEADING:
        return (0, _LEADING.index(family), scheduler)
    root = family.split("_")[0]
    return (2, _TRAILING.index(root), scheduler) if root in _TRAILING else (1, 0, scheduler)


def by_setting(runs: Sequence[RunFrames]) -> dict[str, list[RunFrames]]:
    """Runs by setting in order of name; within each by policy, then seed."""
    ordered = sorted(runs, key=lambda run: (run.setting, policy_order(run.scheduler), run.seed))
    settings: dict[str, list[RunFrames]] = {}
    for run in ordered:
        settings.setdefault(run.setting, []).append(run)
    return settings


def compare(runs: Sequence[RunFrames]) -> pd.DataFrame:
    """Every measure of every policy in every setting.

    Returns
    -------
    DataFrame
        ``setting``, ``scheduler``, ``measure``, ``mean``, ``low``, ``high`` (Student's 95 % limits over seeds, nan for
        one seed), ``seeds``; in units of summary.json.
    """
    rows = []
    for setting, group in by_setting(runs).items():
        # Runs of earlier versions lack the latest measures.
        table = summaries(group).reindex(columns=["scheduler", *MEASURES])
        for scheduler in dict.fromkeys(table["scheduler"]):
            own = table[table["scheduler"] == scheduler]
            for measure in MEASURES:
                interval = mean_interval(own[measure].to_numpy(dtype=np.float64))
                rows.append((setting, scheduler, measure, interval.mean, interval.low, interval.high, interval.n))
    return pd.DataFrame(rows, columns=["setting", "scheduler", "measure", "mean", "low", "high", "seeds"])


def varied_parameters(runs: Sequence[RunFrames]) -> dict[str, pd.DataFrame]:
    """Per numeric parameter that the runs' overrides set to several values: their summaries with it as a column.

    Runs that did not set it are left out, as the value they had is not among their overrides; so are runs that
    differ from the rest in another override, by taking each combination of the others as a parameter of its own
    name (``trace.load (cluster.theta=1)``). What all runs have in common is not in the name.
    """
    found: dict[str, list[tuple[float, RunFrames]]] = {}
    common = set.intersection(*(set(run.overrides) for run in runs)) if runs else set()
    for run in runs:
        numbers = {o: _number(o.partition("=")[2]) for o in run.overrides}
        for override, value in numbers.items():
            if value is not None:
                others = [o for o in run.overrides if o != override and o not in common]
                name = override.partition("=")[0].lstrip("+")
                found.setdefault(f"{name} ({', '.join(others)})" if others else name, []).append((value, run))
    return {name: _with_parameter(name, pairs) for name, pairs in sorted(found.items()) if len(dict(pairs)) > 1}


def _with_parameter(name: str, pairs: Sequence[tuple[float, RunFrames]]) -> pd.DataFrame:
    table = summaries(run for _, run in pairs)
    table[name] = [value for value, _ in pairs]
    # Policies by their bare names: what was changed of them is on the axis.
    table["scheduler"] = [str(run.summary["scheduler"]) for _, run in pairs]
    return table


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
