"""Policies compared on equal worlds: runs asked for by Hydra overrides, and what their summaries say of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from gogh_sim.experiment import MakeScheduler, run
from gogh_sim.metrics.statistics import Interval, mean_interval, ratio_interval
from gogh_sim.scenario import Config

Overrides: TypeAlias = tuple[str, ...]
"""What the command line would say after ``gogh-sim run``."""

Simulate: TypeAlias = Callable[[Sequence[Overrides]], Iterable[Mapping[str, Any]]]
"""Simulates each of the configurations, or knows what came out before; gives their summaries in the same order."""

Outcome: TypeAlias = Callable[[Config, MakeScheduler], Mapping[str, Any]]
"""Simulates a configuration and gives what a study wants to know of it, in plain values."""


def summary_of(config: Config, make_scheduler: MakeScheduler) -> Mapping[str, Any]:
    """The summary of a run: the outcome that most studies want."""
    return run(config, make_scheduler).summary


CONVENTIONAL = ("random", "fifo", "round_robin", "least_loaded", "best_fit", "sjf")
"""Policies that look at neither throughput nor energy."""

RIVALS = ("fastest", "greedy_energy", "gavel_max_sum_sharing")
"""The strongest opponents: the fastest GPU first, least energy job by job, greatest total throughput with sharing."""

SETTING = ["trace", "load", "seed"]
"""Columns that name a world; policies are compared within one."""

MEASURES = ("node_energy_kwh", "slo_attainment", "jct_mean_s", "allocation_efficiency")


def worlds(traces: Sequence[str], loads: Sequence[float], seeds: int) -> list[tuple[str, float, int]]:
    """Every trace, load and seed 1, 2, ...; seed by seed, so that what is done of an interrupted study is balanced."""
    return [(trace, load, seed) for seed, trace, load in product(range(1, seeds + 1), traces, loads)]


def frame(
    simulate: Simulate,
    policies: Mapping[str, Overrides],
    where: Sequence[tuple[str, float, int]],
    setting: Overrides,
) -> pd.DataFrame:
    """A row per world and policy: ``trace``, ``load``, ``seed``, ``policy`` and `MEASURES`.

    Parameters
    ----------
    policies
        What each policy, by the name it is reported under, adds to the overrides.
    setting
        Overrides that all have.
    """
    keys = [(world, name) for world in where for name in policies]
    runs = [(*setting, *_world(*world), *policies[name]) for world, name in keys]
    rows = [
        (*world, name, *(summary[measure] for measure in MEASURES))
        for (world, name), summary in zip(keys, simulate(runs), strict=True)
    ]
    return pd.DataFrame(rows, columns=[*SETTING, "policy", *MEASURES])


def across(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A measure with a row per world and a column per policy."""
    return table.set_index([*SETTING, "policy"])[measure].unstack("policy")  # noqa: PD010 - of unique keys, nothing to mean


def over_seeds(values: pd.Series[float]) -> Interval:
    """Mean over traces and loads for each seed, and over seeds their mean with its 95 % interval."""
    return mean_interval(values.groupby("seed").mean().to_numpy(dtype=np.float64))


def percent_of(part: pd.Series[float], whole: pd.Series[float]) -> Interval:
    """Sum of a measure over all worlds in percent of the sum of another, with its 95 % interval over seeds.

    The ratio of sums, not the mean of the worlds' ratios: of savings, say, the latter lets a world decide in which
    there is next to nothing to be saved, and has no finite variance where that can be nothing at all. The sums are what
    the energy of a site that meets all these worlds is made of.
    """
    parts, wholes = (values.groupby("seed").mean().to_numpy(dtype=np.float64) for values in (part, whole))
    found = ratio_interval(parts, wholes)
    return Interval(100 * found.mean, 100 * found.low, 100 * found.high, found.n)


def less_percent(values: pd.Series[float], reference: pd.Series[float]) -> pd.Series[float]:
    """Per world: by how many percent a value is below its reference."""
    return 100 * (1 - values / reference)


def _world(trace: str, load: float, seed: int) -> Overrides:
    return f"trace={trace}", f"trace.load={load}", f"seed={seed}"
