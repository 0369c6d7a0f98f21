"""Files of figures: all there, whole, the same each time."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes

from gogh_sim.metrics.results import RunFrames
from gogh_sim.plots.figures import panels, write_figures
from gogh_sim.plots.legends import layout

COMPARISONS = ["energy_jct", "energy_slo", "gpu_occupancy", "jct_distribution", "power_over_time", "prediction_error"]
GANTTS = ["gantt_best_fit", "gantt_fifo", "gantt_gogh"]


def test_a_sweep_gives_every_figure_twice_the_same(sweep: list[RunFrames], tmp_path: Path) -> None:
    first = write_figures(sweep, tmp_path / "a", formats=("svg",))
    second = write_figures(sweep[::-1], tmp_path / "b", formats=("svg",))
    assert sorted(file.stem for file in first) == sorted(COMPARISONS + GANTTS)
    assert [f.name for f in first] == [f.name for f in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))
    for file in first:
        assert ElementTree.parse(file).getroot().tag.endswith("svg")
        assert b"<dc:date>" not in file.read_bytes()
    assert sorted(tmp_path.joinpath("a").iterdir()) == sorted(first)  # no temporary file is left


def test_a_single_run_without_a_learner_or_a_table_of_gpus(sweep: list[RunFrames], tmp_path: Path) -> None:
    fifo = next(run for run in sweep if run.scheduler == "fifo")
    files = write_figures([dataclasses.replace(fifo, gpus=None)], tmp_path, formats=("png",))
    assert sorted(f.stem for f in files) == [n for n in COMPARISONS if n != "prediction_error"]
    assert all(f.read_bytes().startswith(b"\x89PNG") for f in files)


def test_panels_have_room_for_the_longest_run_and_the_highest_value() -> None:
    def draw(length: float, height: float) -> Callable[[Axes], Axes]:
        def onto(ax: Axes) -> Axes:
            ax.plot([0, length], [0, height])
            ax.set(xlim=(0, length), ylim=(0, height))
            return ax

        return onto

    figure = panels(["a", "b", "c"], [draw(2, 1), draw(5, 1), draw(1, 7)])
    assert {ax.get_xlim() for ax in figure.axes} == {(0.0, 5.0)}
    assert {ax.get_ylim() for ax in figure.axes} == {(0.0, 7.0)}


def test_settings_do_not_mix(sweep: list[RunFrames], tmp_path: Path) -> None:
    fifo = next(run for run in sweep if run.scheduler == "fifo")
    other = dataclasses.replace(fifo, overrides=("trace.load=0.9",))
    files = write_figures([fifo, other], tmp_path, formats=("svg",))
    assert {f.stem for f in files} >= {"energy_slo_1", "energy_slo_2", "gantt_fifo_1", "gantt_fifo_2"}


def test_a_parameter_that_was_swept_gets_a_figure(sweep: list[RunFrames], tmp_path: Path) -> None:
    swept = [
        dataclasses.replace(run, overrides=(f"trace.load={load}", "cluster=small"))
        for run in sweep
        for load in (0.5, 0.9)
    ]
    files = write_figures(swept, tmp_path, formats=("svg",))
    # cluster=small, which all have in common, is not in the names.
    assert {"sensitivity_trace.load", "energy_slo_trace.load"} <= {f.stem for f in files}


def test_the_many_overrides_beside_a_swept_one_are_not_in_the_file_names(
    sweep: list[RunFrames], tmp_path: Path
) -> None:
    longer = tuple(f"scheduler.demand.some_parameter_with_a_long_name_{i}=on" for i in range(8))
    swept = [
        dataclasses.replace(run, overrides=(f"trace.load={load}", *beside))
        for run in sweep
        for load in (0.5, 0.9)
        for beside in ((), longer)
    ]
    stems = {f.stem for f in write_figures(swept, tmp_path, formats=("svg",))}
    assert {"sensitivity_trace.load_1", "sensitivity_trace.load_2", "energy_slo_trace.load_2"} <= stems
    assert "some_parameter_with_a_long_name_0" in (tmp_path / "sensitivity_trace.load_2.svg").read_text()


def test_legends_leave_room_for_the_axes_whatever_the_names(sweep: list[RunFrames], tmp_path: Path) -> None:
    """Names as long as eight overrides make them, some of them alike but for their middle."""
    overrides = [f"scheduler.{'x' * 150}{i}{'y' * 150}=on" for i in range(12)]
    runs = [dataclasses.replace(sweep[0], overrides=(override,)) for override in overrides]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        files = write_figures(runs, tmp_path, formats=("svg",))
    assert {"energy_slo", "energy_jct"} <= {f.stem for f in files}
    assert [str(one.message) for one in said] == []


def test_a_legend_takes_the_columns_that_have_room() -> None:
    short = ["fifo", "best_fit", "gogh", "oracle"]
    assert layout(short, 4, width_in=3.0) == (short, 4)
    assert layout(["gavel_max_sum_sharing"] * 3, 4, width_in=2.0).columns == 1
    assert layout([f"a_long_policy_{i}" for i in range(24)], 4, width_in=3.0).columns == 3


def test_cut_labels_keep_their_ends_and_stay_apart() -> None:
    labels = [f"gogh ({'x' * 50}{i}{'y' * 50})" for i in range(2)]
    cut = layout([*labels, "fifo"], 4, width_in=2.0).labels
    assert [len(label) <= 28 for label in cut] == [True] * 3
    assert len(set(cut)) == 3
    assert cut[0].startswith("gogh (x")
    assert cut[2] == "fifo"


def test_a_format_that_does_not_exist_leaves_nothing(sweep: list[RunFrames], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        write_figures(sweep[:1], tmp_path, formats=("nonsense",))
    assert not list(tmp_path.iterdir())
