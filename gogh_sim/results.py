"""Results in hand: frames of a run or of several, and figures of them that a notebook shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from matplotlib.axes import Axes

from gogh_sim.errors import InputError
from gogh_sim.metrics import perfetto
from gogh_sim.metrics.comparison import by_setting, compare, varied_parameters
from gogh_sim.metrics.differences import baseline_of, differences
from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.metrics.results import RunFrames, stack, summaries
from gogh_sim.outputs import TABLES, write_json, write_json_list, write_tables, write_whole
from gogh_sim.plots.gantt import height_in, occupancy_gantt
from gogh_sim.plots.jct import jct_distribution
from gogh_sim.plots.occupancy import occupancy_by_type
from gogh_sim.plots.power import power_over_time
from gogh_sim.plots.prediction import error_over_time
from gogh_sim.plots.sensitivity import sensitivity
from gogh_sim.plots.style import paper_style
from gogh_sim.plots.tradeoff import energy_against_jct, energy_against_slo, energy_slo_curve

_WIDTH_IN = 5.0
_HEIGHT_IN = 3.0

_SHOWN = ("jobs_total", "jobs_finished", "node_energy_kwh", "slo_attainment", "jct_mean_s", "allocation_efficiency")


@dataclass(frozen=True)
class RunResult:
    """One run, simulated or loaded.

    Attributes
    ----------
    frames
        Its tables (``jobs``, ``timeline``, ``decisions``, ``estimates``, ``events``, ``timings``, ``gpus``, ``nodes``,
        ``sources``), one `pandas.DataFrame` each, and its summary. Times are seconds from trace start; column names
        carry units.
    """

    frames: RunFrames

    @property
    def summary(self) -> Mapping[str, Any]:
        """Numbers of the run as in summary.json; those that do not exist are nan."""
        return self.frames.summary

    @property
    def jobs(self) -> pd.DataFrame:
        """A row a job: what it asked for, when it ran, how it ended."""
        return self.frames.jobs

    @property
    def timeline(self) -> pd.DataFrame:
        """Watts and counts from ``time_s`` until the next row; the last row closes the run."""
        return self.frames.timeline

    @property
    def estimates(self) -> pd.DataFrame:
        """A row a measurement that a learning policy had a belief about: predicted and measured rate."""
        return self.frames.estimates

    @property
    def events(self) -> pd.DataFrame:
        """Every change of a job or node."""
        return self.frames.events

    def save(self, folder: str | Path) -> Path:
        """Write the run's files into a new or empty folder, as `gogh-sim run` does; summary.json comes last.

        Raises
        ------
        InputError
            If the folder holds anything.
        """
        out = Path(folder)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError("expected a new or an empty folder to save a run in", file=out)
        own = self.frames
        overrides = yaml.safe_dump(list(own.overrides), allow_unicode=True)
        write_whole(out / ".hydra" / "overrides.yaml", lambda file: file.write_text(overrides, encoding="utf-8"))
        write_tables(out, {name: table for name in TABLES if (table := getattr(own, name)) is not None})
        if own.gpus is not None:
            rows = perfetto.trace_events(lambda: [own.events], lambda: [own.timeline], own.gpus)
            write_json_list(out / "trace.json", perfetto.HEAD, "traceEvents", rows)
        write_json(out / "summary.json", own.summary)
        return out

    def plot_power(self, ax: Axes | None = None) -> Axes:
        """Power of all nodes over time."""
        return _drawn(partial(power_over_time, self.timeline), ax)

    def plot_jct(self, ax: Axes | None = None) -> Axes:
        """Share of jobs completed within a time."""
        return _drawn(partial(jct_distribution, self.jobs), ax)

    def plot_occupancy(self, ax: Axes | None = None) -> Axes:
        """GPUs with at least one job over time, stacked by type."""
        gpus = self.frames.gpus
        counts = None if gpus is None else {str(name): int(n) for name, n in gpus["gpu_type"].value_counts().items()}
        return _drawn(lambda axes: occupancy_by_type(self.timeline, axes, counts), ax)

    def plot_gantt(self, ax: Axes | None = None) -> Axes:
        """A row per GPU, a bar per stay of a job.

        Raises
        ------
        InputError
            If the run was saved without a table of GPUs.
        """
        gpus = self.frames.gpus
        if gpus is None:
            raise InputError("expected a table of the cluster's GPUs, found none", file=self.frames.path)
        intervals = occupancy_intervals(self.events, float(self.timeline["time_s"].iloc[-1]))
        return _drawn(partial(occupancy_gantt, intervals, gpus), ax, height_in(len(gpus)))

    def plot_prediction(self, ax: Axes | None = None) -> Axes:
        """Running error of P1, P2 and of rates already measured; nothing for policies that predict nothing."""
        return _drawn(partial(error_over_time, self.estimates), ax)

    def __repr__(self) -> str:
        """Policy, world and seed."""
        return f"RunResult({_named(self.frames)})"

    def _repr_html_(self) -> str:
        rows = pd.DataFrame({key: [self.summary[key]] for key in _SHOWN if key in self.summary})
        table = rows.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return f"<p>{_named(self.frames)}</p>{table}"


@dataclass(frozen=True)
class SweepResult:
    """Several runs beside each other, in the order they were asked for or lie in."""

    runs: tuple[RunResult, ...]

    @property
    def frames(self) -> list[RunFrames]:
        """Tables and summary of each run."""
        return [run.frames for run in self.runs]

    @property
    def summaries(self) -> pd.DataFrame:
        """A row per run: ``run``, ``setting``, ``scheduler``, ``seed`` and the numbers of its summary."""
        return summaries(self.frames)

    def table(self, name: str) -> pd.DataFrame:
        """One table (``jobs``, ``timeline``, ...) of all runs, with ``run``, ``scheduler`` and ``seed`` in front."""
        return stack(self.frames, name)

    def compare(self) -> pd.DataFrame:
        """Means over seeds with 95 % limits: ``setting``, ``scheduler``, ``measure``, ``mean``, ``low``, ``high``."""
        return compare(self.frames)

    def differences(self, baseline: str | None = None) -> pd.DataFrame:
        """Every policy less the baseline, seed by seed, with 95 % limits; see `gogh_sim.metrics.differences`.

        The baseline is fifo where it is among the runs and none is named, else the first policy.
        """
        return differences(self.frames, baseline_of(self.frames) if baseline is None else baseline)

    def by_setting(self) -> dict[str, SweepResult]:
        """The runs of each setting (all but policy and seed), by its name."""
        return {
            setting: SweepResult(tuple(RunResult(frames) for frames in group))
            for setting, group in by_setting(self.frames).items()
        }

    def plot_energy_slo(self, ax: Axes | None = None) -> Axes:
        """Node energy against SLO attainment, a point per policy; of one setting."""
        return _drawn(partial(energy_against_slo, self._of_one_setting().summaries), ax)

    def plot_energy_jct(self, ax: Axes | None = None) -> Axes:
        """Node energy against mean job completion time, a point per policy; of one setting."""
        return _drawn(partial(energy_against_jct, self._of_one_setting().summaries), ax)

    def plot_power(self, ax: Axes | None = None) -> Axes:
        """Power of all nodes over time, a line per policy; of one setting."""
        return _drawn(partial(power_over_time, self._of_one_setting().table("timeline")), ax)

    def plot_jct(self, ax: Axes | None = None) -> Axes:
        """Share of jobs completed within a time, a curve per policy; of one setting."""
        return _drawn(partial(jct_distribution, self._of_one_setting().table("jobs")), ax)

    def plot_energy_slo_curve(self, parameter: str, ax: Axes | None = None) -> Axes:
        """Node energy against SLO attainment, a curve per policy over a number that the overrides varied.

        Raises
        ------
        InputError
            If the parameter was not varied.
        """
        return _drawn(partial(energy_slo_curve, self._varied(parameter), parameter), ax)

    def plot_sensitivity(
        self,
        parameter: str,
        measure: str = "node_energy_kwh",
        label: str | None = None,
        scale: float = 1.0,
        ax: Axes | None = None,
    ) -> Axes:
        """Mean of a measure of the summary over a parameter that the overrides set to several numbers.

        Raises
        ------
        InputError
            If the parameter was not varied.
        """
        draw = partial(sensitivity, self._varied(parameter), parameter, measure, label or measure, scale=scale)
        return _drawn(lambda axes: draw(ax=axes), ax)

    def _varied(self, parameter: str) -> pd.DataFrame:
        """Summaries with the parameter as a column; `InputError` where it was not varied."""
        varied = varied_parameters(self.frames)
        if parameter not in varied:
            raise InputError(f"expected a parameter that was varied, one of {sorted(varied)}, found {parameter!r}")
        return varied[parameter]

    def _of_one_setting(self) -> SweepResult:
        """These runs; `InputError` where they are of several settings, whose means would say nothing."""
        settings = list(by_setting(self.frames))
        if len(settings) > 1:
            raise InputError(
                f"expected runs of one setting, found {len(settings)}: {'; '.join(settings)}; by_setting() parts them"
            )
        return self

    def __repr__(self) -> str:
        """How many runs of what."""
        policies = ", ".join(dict.fromkeys(frames.scheduler for frames in self.frames))
        return f"SweepResult({len(self.runs)} runs of {policies})"

    def _repr_html_(self) -> str:
        table = self.summaries
        shown = table[["setting", "scheduler", "seed", *(key for key in _SHOWN if key in table)]]
        return str(shown.to_html(index=False, float_format=lambda value: f"{value:.4g}"))


def _named(frames: RunFrames) -> str:
    return f"{frames.scheduler} on {frames.setting}, seed {frames.seed}"


def _drawn(draw: Callable[[Axes], Axes], ax: Axes | None, height_in: float = _HEIGHT_IN) -> Axes:
    """Draw on `ax`, or on new axes of a figure that pyplot, and so a notebook, knows of."""
    if ax is not None:
        with paper_style():
            return draw(ax)
    from matplotlib import pyplot  # chooses a backend, so not before a figure is wanted

    # Outside the style: a notebook's backend turns interactive with its first figure, which the style would undo.
    figure = pyplot.figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    with paper_style():
        return draw(figure.add_subplot())
