"""Every figure of a run or a sweep, written to files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gogh_sim.metrics.comparison import Replicates, by_setting, varied_parameters
from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.metrics.results import RunFrames, stack, summaries
from gogh_sim.plots.files import FORMATS, figure_of, save
from gogh_sim.plots.gantt import occupancy_gantt
from gogh_sim.plots.jct import jct_distribution
from gogh_sim.plots.legends import fitting, legend_of_figure
from gogh_sim.plots.occupancy import occupancy_by_type
from gogh_sim.plots.power import power_over_time
from gogh_sim.plots.prediction import error_over_time
from gogh_sim.plots.sensitivity import sensitivity
from gogh_sim.plots.style import COLUMN_WIDTH_IN, TimeUnit, new_figure, paper_style, time_unit
from gogh_sim.plots.tradeoff import energy_against_jct, energy_against_slo, energy_slo_curve

_LONGEST_SLUG = 100
"""File systems take names of 255 bytes; what stands around this needs some."""

_LONGEST_FOOT = 240
"""Three lines or so."""


def write_figures(runs: Sequence[RunFrames], out: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write every figure that the runs have data for; a file that exists is whole.

    Runs are compared within a setting; where there are several, its number is in the file names, in order of the
    settings' names, and a number that they differ in gets figures of its own (sensitivity, energy against SLO
    attainment). Figures of single runs (occupancy, Gantt) show each policy's first seed.

    Parameters
    ----------
    runs
        A single run or those of a sweep.
    out
        Directory, made if it is not there.

    Returns
    -------
    list of Path
        The files, in order of writing.
    """
    out.mkdir(parents=True, exist_ok=True)
    runs = Replicates.of(runs).runs
    settings = by_setting(runs)
    written: list[Path] = []
    with paper_style():
        for number, (setting, group) in enumerate(settings.items(), start=1):
            suffix = f"_{number}" if len(settings) > 1 else ""
            for name, figure in _figures(group):
                if suffix:
                    _foot(figure, setting)
                written += save(figure, out / f"{name}{suffix}", formats)
        for parameter, number, table in _varied(runs):
            suffix, bare = f"_{number}" if number else "", _bare(parameter)
            table = table.rename(columns={parameter: bare})
            drawn = {
                "sensitivity": _sensitivity(table, bare),
                "energy_slo": figure_of(energy_slo_curve(table, bare)),
            }
            for name, figure in drawn.items():
                if suffix:
                    _foot(figure, parameter)
                written += save(figure, out / f"{name}_{_slug(bare)}{suffix}", formats)
    return written


def _figures(group: Sequence[RunFrames]) -> Iterator[tuple[str, Figure]]:
    """Name and figure, one at a time, of the runs of one setting."""
    yield "power_over_time", figure_of(power_over_time(stack(group, "timeline")))
    yield "energy_slo", figure_of(energy_against_slo(summaries(group)))
    yield "energy_jct", figure_of(energy_against_jct(summaries(group)))
    yield "jct_distribution", figure_of(jct_distribution(stack(group, "jobs")))
    policies: dict[str, list[RunFrames]] = {}
    for run in group:
        policies.setdefault(run.scheduler, []).append(run)
    firsts = [own[0] for own in policies.values()]
    unit = time_unit(max(float(run.timeline["time_s"].iloc[-1]) for run in group))
    yield "gpu_occupancy", panels([run.scheduler for run in firsts], [_occupancy(run, unit) for run in firsts])
    learners = {name: frame for name, own in policies.items() if len(frame := stack(own, "estimates"))}
    if learners:
        draws = [lambda ax, frame=frame: error_over_time(frame, ax, unit=unit) for frame in learners.values()]
        yield "prediction_error", panels(list(learners), draws)
    for run in firsts:
        if run.gpus is not None:
            intervals = occupancy_intervals(run.events, float(run.timeline["time_s"].iloc[-1]))
            yield f"gantt_{_slug(run.scheduler)}", figure_of(occupancy_gantt(intervals, run.gpus))


def _varied(runs: Sequence[RunFrames]) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """`varied_parameters`, each with its number among those of one parameter beside other overrides, 0 if it is alone.

    Those overrides are no part of a file's name: there may be more of them than a name can hold.
    """
    found = varied_parameters(runs)
    beside: dict[str, list[str]] = {}
    for parameter in found:
        beside.setdefault(_bare(parameter), []).append(parameter)
    for alike in beside.values():
        for number, parameter in enumerate(alike, start=1):
            yield parameter, number if len(alike) > 1 else 0, found[parameter]


def _bare(parameter: str) -> str:
    return parameter.partition(" (")[0]


def _occupancy(run: RunFrames, unit: TimeUnit) -> Callable[[Axes], Axes]:
    counts = None
    if run.gpus is not None:
        counts = {str(name): int(n) for name, n in run.gpus["gpu_type"].value_counts().items()}
    return lambda ax: occupancy_by_type(run.timeline, ax, counts, unit=unit)


def _sensitivity(table: pd.DataFrame, parameter: str) -> Figure:
    draws: list[Callable[[Axes], Axes]] = [
        lambda ax: sensitivity(table, parameter, "node_energy_kwh", "Energy (kWh)", ax),
        lambda ax: sensitivity(table, parameter, "slo_attainment", "SLO (%)", ax, scale=100.0),
    ]
    return panels(["Node energy", "SLO attainment"], draws, share_y=False)


def panels(titles: Sequence[str], draws: Sequence[Callable[[Axes], Axes]], share_y: bool = True) -> Figure:
    """Small multiples under each other with a common time (or other) axis, titled each, under one legend."""
    figure = new_figure(height_in=0.9 + 1.2 * len(draws), width_in=COLUMN_WIDTH_IN)
    axes = figure.subplots(len(draws), 1, squeeze=False)[:, 0]
    entries: dict[str, Artist] = {}
    for ax, title, draw in zip(axes, titles, draws, strict=True):
        draw(ax)
        handles, labels = ax.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
        if legend := ax.get_legend():
            legend.remove()
        ax.set_title(fitting(title, COLUMN_WIDTH_IN), loc="left", fontsize=7, pad=3)
        ax.label_outer()
    # Axes that share limits take those of the last one drawn, which would cut the longer runs.
    limits = np.array([(*ax.get_xlim(), *ax.get_ylim()) for ax in axes])
    low, high = limits.min(axis=0), limits.max(axis=0)
    for ax in axes:
        ax.set_xlim(low[0], high[1])
        if share_y:
            ax.set_ylim(low[2], high[3])
    legend_of_figure(figure, entries)
    return figure


def _foot(figure: Figure, setting: str) -> None:
    """Put the setting below the figure, clear of legends; a long one is cut, as it would leave no room for the axes."""
    cut = setting if len(setting) <= _LONGEST_FOOT else f"{setting[: _LONGEST_FOOT - 1]}…"
    figure.supxlabel(cut, fontsize=6, wrap=True)


def _slug(name: str) -> str:
    """Name of a policy or parameter as a part of a file name; long ones are cut, and told apart by a digest."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")
    if len(slug) <= _LONGEST_SLUG:
        return slug
    return f"{slug[:_LONGEST_SLUG]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
