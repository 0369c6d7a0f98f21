"""What the axes hold is what the frames say."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from gogh_sim.metrics.intervals import occupancy_intervals
from gogh_sim.metrics.results import RunFrames, stack, summaries
from gogh_sim.plots.gantt import occupancy_gantt
from gogh_sim.plots.jct import duration_label, jct_distribution
from gogh_sim.plots.occupancy import occupancy_by_type
from gogh_sim.plots.power import power_over_time
from gogh_sim.plots.prediction import error_over_time
from gogh_sim.plots.sensitivity import sensitivity
from gogh_sim.plots.style import policy_look, time_unit, type_color
from gogh_sim.plots.tradeoff import energy_against_jct, energy_against_slo, energy_slo_curve


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def steps_of(ax: Axes) -> dict[str, StepPatch]:
    return {str(p.get_label()): p for p in ax.patches if isinstance(p, StepPatch)}


def test_area_under_the_power_curve_is_the_energy_of_the_run(sweep: list[RunFrames]) -> None:
    fifo = next(run for run in sweep if run.scheduler == "fifo")
    ax = power_over_time(stack([fifo], "timeline"))
    kw, hours, _ = steps_of(ax)["fifo"].get_data()
    assert float(kw @ np.diff(hours)) == pytest.approx(fifo.summary["node_energy_kwh"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time (hours)", "Node power (kW)")


def test_power_has_a_line_per_policy_that_averages_its_seeds(sweep: list[RunFrames]) -> None:
    ax = power_over_time(stack(sweep, "timeline"))
    assert legend_of(ax) == ["fifo", "best_fit", "gogh"]
    kw, hours, _ = steps_of(ax)["gogh"].get_data()
    energies = [run.summary["node_energy_kwh"] for run in sweep if run.scheduler == "gogh"]
    assert float(kw @ np.diff(hours)) == pytest.approx(np.mean(energies))
    assert to_hex(steps_of(ax)["gogh"].get_edgecolor()) == policy_look("gogh").color


def test_a_frame_without_policy_is_one_nameless_line() -> None:
    ax = power_over_time(pd.DataFrame({"time_s": [0.0, 60.0, 120.0], "node_w": [1000.0, 3000.0, 0.0]}), bins=2)
    (line,) = ax.patches
    assert isinstance(line, StepPatch)
    assert line.get_data()[0].tolist() == [1.0, 3.0]
    assert ax.get_legend() is None
    assert ax.get_xlabel() == "Time (minutes)"


def test_tradeoff_puts_each_policy_at_its_means(sweep: list[RunFrames]) -> None:
    table = summaries(sweep)
    ax = energy_against_slo(table)
    points = {str(line.get_label()): line.get_xydata()[0] for line in ax.lines if line.get_marker() != "None"}
    means = table.groupby("scheduler")[["slo_attainment", "node_energy_kwh"]].mean()
    for scheduler, (x, y) in points.items():
        assert x == pytest.approx(100 * means.loc[scheduler, "slo_attainment"])
        assert y == pytest.approx(means.loc[scheduler, "node_energy_kwh"])
    assert legend_of(ax) == ["fifo", "best_fit", "gogh"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("SLO attainment (%)", "Node energy (kWh)")


def test_tradeoff_bars_stay_within_what_a_share_can_be() -> None:
    table = pd.DataFrame({"scheduler": "gogh", "slo_attainment": [0.9, 1.0], "node_energy_kwh": [5.0, 6.0]})
    (container,) = energy_against_slo(table).containers
    (across, up) = container.lines[2]
    assert across.get_segments()[0][:, 0].max() == pytest.approx(100.0)
    assert across.get_segments()[0][:, 0].min() >= 0
    assert up.get_segments()[0][:, 1].min() >= 0


def test_tradeoff_says_how_many_have_no_sla() -> None:
    table = pd.DataFrame({"scheduler": ["fifo", "gogh"], "slo_attainment": [0.5, np.nan], "node_energy_kwh": 1.0})
    ax = energy_against_slo(table)
    assert "1 without it not shown" in ax.get_xlabel()
    assert legend_of(ax) == ["fifo"]


def test_energy_against_time_is_in_hours() -> None:
    table = pd.DataFrame({"scheduler": ["fifo"], "jct_mean_s": [7200.0], "node_energy_kwh": [3.0]})
    ax = energy_against_jct(table)
    assert ax.lines[-1].get_xydata().tolist() == [[2.0, 3.0]]
    assert ax.get_xlabel() == "Mean JCT (hours)"


def test_jct_curve_is_the_empirical_distribution_over_all_jobs() -> None:
    jobs = pd.DataFrame(
        {
            "submit_s": 0.0,
            "end_s": [30.0, 10.0, np.nan, 20.0],
            "status": ["finished", "failed", "unfinished", "finished"],
            "scheduler": "fifo",
        }
    )
    ax = jct_distribution(jobs)
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [10.0, 10.0, 20.0, 30.0]
    assert line.get_ydata().tolist() == [0.0, 25.0, 50.0, 75.0]
    assert ax.get_xscale() == "log"
    assert ax.get_ylabel() == "Share of jobs (%)"


def test_jct_of_jobs_that_never_ended_is_an_empty_figure() -> None:
    jobs = pd.DataFrame({"submit_s": [0.0], "end_s": [np.nan], "status": ["unfinished"]})
    assert not jct_distribution(jobs).lines


@pytest.mark.parametrize(("seconds", "label"), [(10, "10 s"), (60, "1 min"), (7200, "2 h"), (259200, "3 d")])
def test_durations_read_naturally(seconds: float, label: str) -> None:
    assert duration_label(seconds) == label


def test_occupancy_stacks_the_types_and_marks_the_capacity(sweep: list[RunFrames]) -> None:
    timeline = sweep[0].timeline
    ax = occupancy_by_type(timeline, gpus_per_type={"V100": 8, "A100": 8, "H100": 4, "T4": 4})
    assert legend_of(ax) == ["V100 (8)", "A100 (8)", "H100 (4)", "T4 (4)"]
    layers = [patch.get_data() for patch in steps_of(ax).values()]
    for (top, _, _), (_, _, baseline) in itertools.pairwise(layers):
        assert (baseline == top).all()
    busy = timeline[[c for c in timeline.columns if c.startswith("busy_")]].sum(axis=1).to_numpy()
    busy_gpu_s = float(busy[:-1] @ np.diff(timeline["time_s"]))
    assert float(layers[-1][0] @ np.diff(layers[-1][1])) * 3600 == pytest.approx(busy_gpu_s)
    assert ax.lines[0].get_ydata() == [24, 24]


def test_runs_beside_each_other_can_have_one_unit(sweep: list[RunFrames]) -> None:
    timeline, estimates = sweep[0].timeline, sweep[0].estimates
    minutes = time_unit(60)
    end = float(timeline["time_s"].iloc[-1]) / 60
    ax = occupancy_by_type(timeline, unit=minutes)
    assert (ax.get_xlabel(), ax.get_xlim()[1]) == ("Time (minutes)", pytest.approx(end))
    ax = error_over_time(estimates, unit=minutes)
    assert ax.get_xlabel() == "Time (minutes)"
    assert ax.lines[0].get_xdata()[-1] == pytest.approx(estimates["time_s"].max() / 60)


def test_prediction_error_has_a_line_per_source_that_ends_at_the_mean_of_the_window(sweep: list[RunFrames]) -> None:
    estimates = next(run.estimates for run in sweep if run.scheduler == "gogh")
    ax = error_over_time(estimates, window=10)
    assert legend_of(ax) == ["P1", "P2", "measured"]
    p2 = estimates[estimates["source"] == "P2"].sort_values("time_s").tail(10)
    expected = (100 * (p2["predicted_rate"] / p2["measured_rate"] - 1).abs()).mean()
    line = next(line for line in ax.lines if line.get_label() == "P2")
    assert line.get_ydata()[-1] == pytest.approx(expected)
    assert "last 10" in ax.get_ylabel()


def test_prediction_error_of_a_policy_that_does_not_learn_is_empty(sweep: list[RunFrames]) -> None:
    ax = error_over_time(next(run.estimates for run in sweep if run.scheduler == "fifo"))
    assert not ax.lines


def boxes_of(ax: Axes) -> list[tuple[float, float, float, float]]:
    bars = next(c for c in ax.collections if isinstance(c, PolyCollection))
    return [
        (p.vertices[:, 0].min(), p.vertices[:, 0].max(), p.vertices[:, 1].min(), p.vertices[:, 1].max())
        for p in bars.get_paths()
    ]


def test_gantt_draws_every_stay_in_the_row_of_its_gpu(sweep: list[RunFrames]) -> None:
    run = next(run for run in sweep if run.scheduler == "gogh")
    intervals = occupancy_intervals(run.events, float(run.timeline["time_s"].iloc[-1]))
    ax = occupancy_gantt(intervals, run.gpus)
    boxes = boxes_of(ax)
    assert len(boxes) == len(intervals)
    rows = {(n, s): i for i, (n, s) in enumerate(zip(run.gpus["node_id"], run.gpus["slot"], strict=True))}
    for box, stay in zip(boxes, intervals.itertuples(index=False), strict=True):
        assert box[:2] == pytest.approx((stay.start_s / 3600, stay.end_s / 3600))
        assert rows[stay.node_id, stay.slot] < box[2] < box[3] < rows[stay.node_id, stay.slot] + 1
    assert [t.get_text() for t in ax.get_yticklabels()] == ["V100", "A100", "H100", "T4"]


def test_gantt_bars_of_jobs_that_share_do_not_overlap() -> None:
    rows = [("a", "n", 0, 0.0, 0.0, 10.0), ("b", "n", 0, 5.0, 6.0, 9.0)]
    intervals = pd.DataFrame(rows, columns=["job_id", "node_id", "slot", "start_s", "ready_s", "end_s"])
    gpus = pd.DataFrame({"node_id": ["n"], "slot": [0], "gpu_type": ["T4"]})
    first, second = boxes_of(occupancy_gantt(intervals, gpus))
    assert first[3] <= second[2] + 1e-12


def test_gantt_says_when_it_shows_part_of_a_cluster(sweep: list[RunFrames]) -> None:
    run = sweep[0]
    intervals = occupancy_intervals(run.events, float(run.timeline["time_s"].iloc[-1]))
    ax = occupancy_gantt(intervals, run.gpus, most_gpus=4)
    assert ax.get_ylabel() == "GPUs (first 4 of 24)"
    assert all(0 <= bottom < top <= 4 for _, _, bottom, top in boxes_of(ax))


def test_every_plot_draws_into_the_axes_it_is_given_and_leaves_no_setting_behind(sweep: list[RunFrames]) -> None:
    before = dict(mpl.rcParams)
    figure = Figure()
    axes = figure.subplots(2, 3).ravel()
    run = sweep[0]
    intervals = occupancy_intervals(run.events, float(run.timeline["time_s"].iloc[-1]))
    given = [
        power_over_time(run.timeline, axes[0]),
        energy_against_slo(summaries(sweep), axes[1]),
        jct_distribution(run.jobs, axes[2]),
        occupancy_by_type(run.timeline, axes[3]),
        error_over_time(run.estimates, axes[4]),
        occupancy_gantt(intervals, run.gpus, axes[5]),
    ]
    assert all(a is b for a, b in zip(given, axes, strict=True))
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in axes)
    assert dict(mpl.rcParams) == before


def test_sensitivity_has_the_mean_at_every_value_of_the_parameter() -> None:
    table = pd.DataFrame(
        {"load": [0.9, 0.5, 0.5, 0.9, 0.5], "scheduler": ["gogh"] * 4 + ["fifo"], "slo": [0.6, 0.9, 1.0, 0.8, 0.5]}
    )
    ax = sensitivity(table, "load", "slo", "SLO (%)", scale=100)
    lines = {str(line.get_label()): line.get_xydata() for line in ax.lines}
    assert lines["gogh"] == pytest.approx(np.array([[0.5, 95.0], [0.9, 70.0]]))
    assert lines["fifo"] == pytest.approx(np.array([[0.5, 50.0]]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("load", "SLO (%)")


def test_a_tradeoff_curve_follows_the_parameter_and_marks_its_ends() -> None:
    table = pd.DataFrame(
        {
            "load": [0.9, 0.5, 0.7, 0.5],
            "scheduler": "gogh",
            "node_energy_kwh": [30.0, 10.0, 20.0, 14.0],
            "slo_attainment": [0.6, 1.0, 0.8, 0.9],
        }
    )
    ax = energy_slo_curve(table, "load")
    (curve,) = [line for line in ax.lines if line.get_label() == "gogh"]
    # In order of the load; the two seeds at .5 are averaged.
    assert np.asarray(curve.get_xydata()) == pytest.approx(np.array([[95.0, 12.0], [80.0, 20.0], [60.0, 30.0]]))
    assert sorted(text.get_text() for text in ax.texts) == ["0.5", "0.9"]
    assert "load" in ax.get_xlabel()


def test_looks_are_fixed_and_known_policies_differ() -> None:
    names = ["gogh", "oracle", "fifo", "best_fit", "greedy_energy", "sjf", "random", "round_robin", "fastest", "edf"]
    assert len({policy_look(name) for name in names}) == len(names)
    assert policy_look("my_policy") == policy_look("my_policy")
    assert len({type_color(name) for name in ("T4", "V100", "A100", "H100", "P100", "K80")}) == 6


@pytest.mark.parametrize(("span_s", "unit"), [(600, "minutes"), (86400, "hours"), (14 * 86400, "days")])
def test_time_axes_have_a_readable_unit(span_s: float, unit: str) -> None:
    assert time_unit(span_s).name == unit
