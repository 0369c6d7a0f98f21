"""The package from Python: what a notebook does."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot

import gogh_sim
from gogh_sim.cli import main
from gogh_sim.errors import InputError
from gogh_sim.outputs import TABLES
from gogh_sim.policy import PolicyContext
from gogh_sim.schedulers.fifo import Fifo

mpl.use("Agg")

TINY = {"cluster": "small", "trace": "philly_style", "overrides": ["trace.jobs=12", "trace.oversize=skip"]}


class Mine(Fifo):
    """A policy that no configuration names."""


@pytest.fixture(scope="module")
def one() -> gogh_sim.RunResult:
    return gogh_sim.run(scheduler="fifo", seed=3, **TINY)


@pytest.fixture(scope="module")
def several() -> gogh_sim.SweepResult:
    varied = {**TINY, "overrides": [*TINY["overrides"], "cluster.theta=1,2"]}
    return gogh_sim.sweep(scheduler=["fifo", Mine], seed=[1, 2], **varied)


@pytest.fixture(autouse=True)
def _closed() -> object:
    yield
    pyplot.close("all")


def test_importing_the_package_loads_nothing_heavy() -> None:
    asked = "import gogh_sim, sys; print({'torch', 'matplotlib', 'pandas', 'hydra'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "set()\n"
    assert {"run", "sweep", "load", "load_sweep"} <= set(dir(gogh_sim))
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = gogh_sim.nothing_such


def test_a_run_has_what_the_command_line_writes(one: gogh_sim.RunResult, tmp_path: Path) -> None:
    typed = ["run", "scheduler=fifo", "seed=3", "cluster=small", "trace=philly_style", *TINY["overrides"]]
    assert main([*typed, f"hydra.run.dir={tmp_path / 'typed'}"]) == 0
    typed_run = gogh_sim.load(tmp_path / "typed")
    assert one.summary["identity"] == typed_run.summary["identity"]
    assert one.frames.overrides == typed_run.frames.overrides
    assert repr(one) == repr(typed_run)
    for table in set(TABLES) - {"timings"}:
        pd.testing.assert_frame_equal(getattr(one.frames, table), getattr(typed_run.frames, table), check_dtype=False)


def test_a_saved_run_loads_as_it_was(one: gogh_sim.RunResult, tmp_path: Path) -> None:
    again = gogh_sim.load(one.save(tmp_path / "saved"))
    assert {key for key in one.summary if one.summary[key] != again.summary[key]} <= {
        key for key, value in one.summary.items() if isinstance(value, float) and math.isnan(value)
    }
    assert one.frames.overrides == again.frames.overrides
    pd.testing.assert_frame_equal(one.jobs, again.jobs, check_dtype=False)
    with pytest.raises(InputError, match="empty folder"):
        one.save(tmp_path / "saved")


def test_a_class_is_a_policy_as_good_as_a_name(one: gogh_sim.RunResult) -> None:
    mine = gogh_sim.run(scheduler=Mine, seed=3, **TINY)
    assert mine.summary["scheduler"] == "Mine"
    assert mine.summary["identity"] != one.summary["identity"]
    pd.testing.assert_frame_equal(mine.jobs, one.jobs)


def test_a_policy_that_takes_parameters_comes_as_a_function(one: gogh_sim.RunResult) -> None:
    made: list[int] = []

    def patient(context: PolicyContext) -> Mine:
        made.append(context.cluster.num_gpus)
        return Mine(context)

    assert gogh_sim.run(scheduler=patient, seed=3, **TINY).summary["scheduler"] == "patient"
    assert made == [12]


def test_a_sweep_runs_every_combination(several: gogh_sim.SweepResult) -> None:
    table = several.summaries
    assert len(table) == 8
    assert table["run"].is_unique
    assert set(table["scheduler"]) == {"fifo", "Mine"}
    parts = several.by_setting()
    assert [len(part.runs) for part in parts.values()] == [4, 4]
    mean = parts[next(iter(parts))].compare().set_index(["scheduler", "measure"])["mean"]
    assert mean["Mine", "node_energy_kwh"] == mean["fifo", "node_energy_kwh"]
    assert len(several.table("jobs")) == sum(len(run.jobs) for run in several.runs)


def test_a_saved_sweep_loads(several: gogh_sim.SweepResult, tmp_path: Path) -> None:
    for number, run in enumerate(several.runs):
        run.save(tmp_path / str(number))
    again = gogh_sim.load_sweep(tmp_path)
    pd.testing.assert_frame_equal(again.compare(), several.compare(), check_dtype=False)
    with pytest.raises(InputError, match="load_sweep"):
        gogh_sim.load(tmp_path)


@pytest.mark.parametrize("plot", ["plot_power", "plot_jct", "plot_occupancy", "plot_gantt", "plot_prediction"])
def test_every_figure_of_a_run_is_drawn(one: gogh_sim.RunResult, plot: str) -> None:
    own = getattr(one, plot)()
    assert own.get_figure().number in pyplot.get_fignums(), "a notebook shows the figures that pyplot knows of"
    given = pyplot.figure().add_subplot()
    assert getattr(one, plot)(given) is given
    assert plot == "plot_prediction" or given.has_data()


@pytest.mark.parametrize("plot", ["plot_power", "plot_jct", "plot_energy_slo", "plot_energy_jct"])
def test_figures_of_a_sweep_are_of_one_setting(several: gogh_sim.SweepResult, plot: str) -> None:
    part = next(iter(several.by_setting().values()))
    axes = getattr(part, plot)()
    texts = {text.get_text() for text in axes.texts} | set(axes.get_legend_handles_labels()[1])
    assert any("Mine" in text for text in texts)
    with pytest.raises(InputError, match=r"2: philly_style.*theta=1.*by_setting"):
        getattr(several, plot)()


def test_what_was_varied_has_a_figure(several: gogh_sim.SweepResult) -> None:
    axes = several.plot_sensitivity("cluster.theta", "slo_attainment", "SLO (%)", scale=100)
    assert axes.get_ylabel() == "SLO (%)"
    assert {tuple(line.get_xdata()) for line in axes.lines} == {(1, 2)}
    curve = several.plot_energy_slo_curve("cluster.theta")
    assert {line.get_label() for line in curve.lines} >= {"fifo", "Mine"}
    for plot in (several.plot_sensitivity, several.plot_energy_slo_curve):
        with pytest.raises(InputError, match=r"cluster\.theta.*found 'trace\.load'"):
            plot("trace.load")


def test_policies_are_compared_seed_by_seed(several: gogh_sim.SweepResult) -> None:
    found = several.differences()
    assert set(found["baseline"]) == {"fifo"}
    assert set(found["scheduler"]) == {"Mine"}
    assert (found["mean"] == 0).all()  # Mine is fifo by another name
    assert set(several.differences("Mine")["scheduler"]) == {"fifo"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"cluster": "nope"}, "nope"), ({"overrides": ["trace.jobs=x"]}, "jobs"), ({"seed": -1}, "seed")],
)
def test_mistakes_are_told_as_on_the_command_line(asked: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        gogh_sim.run(**{"scheduler": "fifo", **TINY, **asked})


def test_results_show_themselves(one: gogh_sim.RunResult, several: gogh_sim.SweepResult) -> None:
    assert repr(one).startswith("RunResult(fifo on philly_style, small")
    assert "node_energy_kwh" in one._repr_html_()
    assert repr(several) == "SweepResult(8 runs of fifo, Mine)"
    assert several._repr_html_().count("<tr") == 9
