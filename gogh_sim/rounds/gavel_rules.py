"""Gavel's policies as rules of the round mechanism, by the names of its reference results."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gogh_sim.placement.allocation import (
    equal_share,
    isolated_share,
    least_finish_ratio,
    max_least,
    max_sum,
    throughput,
    within,
)
from gogh_sim.placement.isolated import IsolatedClock
from gogh_sim.rounds.rules import RoundView, Rule, best_first, in_type_order, isolated, shuffled
from gogh_sim.types import BoolArray, FloatArray

_FASTEST_FIRST = (2, 1, 0)
"""v100, p100, k80 by their numbers in `profiles.gavel_rates.GPU_TYPES`."""

_SEED = 5
"""The reference runs have seed 0, and Gavel shuffles types by a generator of seed + 5."""

_SHORTEST_S, _LONGEST_S, _CLOSE = 100.0, 1e6, 1.05
"""Where Gavel's search for the least makespan begins, and how close bounds are when it ends."""


def rules() -> Mapping[str, Callable[[], Rule]]:
    """A fresh rule of each policy by its name."""
    knows = in_type_order(_FASTEST_FIRST)
    return {
        "fifo_perf": lambda: Rule(best_first, knows, may_run=_has_share),
        "isolated": lambda: Rule(isolated, shuffled(_FASTEST_FIRST, _SEED)),
        "max_min_fairness_perf": lambda: Rule(_max_min, knows),
        "max_sum_throughput_perf": lambda: Rule(_max_sum, knows),
        "finish_time_fairness_perf": lambda: Rule(FinishTime().allocate, knows),
        "max_min_fairness_packed": lambda: Rule(_max_min_packed, knows, sharing=True),
        "max_sum_throughput_packed": lambda: Rule(_max_sum, knows, sharing=True),
        "finish_time_fairness_packed": lambda: Rule(FinishTime().allocate, knows, sharing=True),
        "min_total_duration_packed": lambda: Rule(_least_makespan, knows, sharing=True),
    }


class FinishTime:
    """Finish-time fairness, which remembers how far each job would be on an equal part of the cluster."""

    def __init__(self) -> None:
        self._clock = IsolatedClock()

    def allocate(self, view: RoundView) -> FloatArray:
        """Least greatest ratio."""
        demands = view.demands
        speed = throughput(demands, isolated_share(demands))
        isolated_s = self._clock.total_s([job.number for job in view.jobs], view.steps_left, speed)
        return least_finish_ratio(demands, view.elapsed_s, view.steps_left, isolated_s)[0]


def max_min_unit(view: RoundView) -> FloatArray:
    """(J,) steps per second that count as 1 in max-min fairness."""
    return view.weight * equal_share(view.demands) / view.demands.width


def _max_min(view: RoundView) -> FloatArray:
    return max_least(view.demands, max_min_unit(view))[0]


def _max_min_packed(view: RoundView) -> FloatArray:
    """With sharing, Gavel counts progress over the plain sum of a job's speeds."""
    return max_least(view.demands, view.weight * view.demands.solo.sum(axis=1) / view.demands.width)[0]


def _max_sum(view: RoundView) -> FloatArray:
    """Steps per second, whatever a step is."""
    return max_sum(view.demands)[0]


def _least_makespan(view: RoundView) -> FloatArray:
    """Any shares that end all jobs within a time found by bisection, as there: not quite the least."""
    least_s = 1.0 / max_least(view.demands, view.steps_left)[1]
    low, high = _SHORTEST_S, max(_LONGEST_S, least_s)
    while _CLOSE * low < high:
        middle = (low + high) / 2
        low, high = (low, middle) if middle >= least_s else (middle, high)
    return within(view.demands, view.steps_left / high)


def _has_share(priority: FloatArray) -> BoolArray:
    return np.asarray(priority > 0)
