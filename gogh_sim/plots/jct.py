"""Distribution of job completion times."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gogh_sim.metrics.jobs import jct_s
from gogh_sim.plots.legends import legend_above
from gogh_sim.plots.style import by_policy, new_axes, policy_look

_TICKS_S = (1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400)
_DENSE_TICKS_S = (1, 3, 10, 30, 60, 180, 600, 1800, 7200, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 21 * 86400)


def jct_distribution(jobs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of jobs completed within a time, a curve per policy over all its runs; log time axis.

    Jobs that did not end keep a curve below 100 %.

    Parameters
    ----------
    jobs
        ``submit_s``, ``end_s``, ``status``; optionally ``scheduler``.
    """
    ax = ax or new_axes()
    for scheduler, part in by_policy(jobs):
        look = policy_look(scheduler)
        times_s = np.sort(jct_s(part))
        if not times_s.size:
            continue
        share = 100 * np.arange(times_s.size + 1) / len(part)
        ax.step(
            np.concatenate([times_s[:1], times_s]),
            share,
            where="post",
            label=scheduler or None,
            color=look.color,
            linestyle=look.linestyle,
        )
    ax.set_xscale("log")
    ax.set(xlabel="Job completion time (log scale)", ylabel="Share of jobs (%)", ylim=(0, 101))
    shortest_s, longest_s = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator(_DENSE_TICKS_S if longest_s < 3000 * shortest_s else _TICKS_S))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: duration_label(value)))
    legend_above(ax)
    return ax


def duration_label(seconds: float) -> str:
    """A duration in its natural unit, such as "10 s", "6 h" or "7 d"."""
    for unit, length_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length_s:
            return f"{seconds / length_s:g} {unit}"
    return f"{seconds:g} s"
