"""Where the time of a simulation goes: the deterministic profiler's account, summed over the parts of the simulator."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

_Function: TypeAlias = tuple[str, int, str]

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("policy", ("gogh_sim/schedulers/", "gogh_sim/placement/", "gogh_sim/estimators/", "pulp/", "torch/", "scipy/")),
    ("power", ("gogh_sim/engine/power",)),
    ("records", ("gogh_sim/engine/recorder", "gogh_sim/engine/table", "gogh_sim/engine/records", "pandas/")),
    ("event loop", ("simpy/",)),
    ("decisions", ("gogh_sim/engine/decisions", "gogh_sim/engine/view", "gogh_sim/engine/observer")),
    ("clockwork", ("gogh_sim/engine/simulation",)),
    ("world", ("gogh_sim/engine/", "gogh_sim/profiles/")),
)
"""Parts and the source files of each; the first that matches counts."""


def shares(run: Callable[[], object]) -> dict[str, float]:
    """Share of the run's time spent in each part of the simulator, largest first; "other" is all else.

    Built-in functions count for who called them. Profiling slows calls down, so parts of many short calls look larger
    than they are; shares of one part compare well between versions.
    """
    profiler = cProfile.Profile()
    profiler.runcall(run)
    seconds: defaultdict[str, float] = defaultdict(float)
    for function, (_, _, own_s, _, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if part := _part(function):
            seconds[part] += own_s
        else:
            for caller, (_, _, for_caller_s, _) in callers.items():
                seconds[_part(caller) or "other"] += for_caller_s
    total = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    return {part: spent_s / total for part, spent_s in ranked}


def _part(function: _Function) -> str | None:
    path = function[0].replace("\\", "/")
    return next((part for part, files in PARTS if any(name in path for name in files)), None)
