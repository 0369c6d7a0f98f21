"""Calibration figures hold the points that they were given, and the laws that they claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from gogh_sim.cli.calibration_figures import LAWS, write_calibration_figures
from gogh_sim.errors import InputError
from gogh_sim.plots import calibration as draw
from gogh_sim.profiles.calibration import fitted
from gogh_sim.profiles.load import shipped_folder


def dots(ax: Axes, label: str) -> np.ndarray:
    (found,) = [c for c in ax.collections if c.get_label() == label]
    return np.asarray(found.get_offsets())


def line(ax: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [entry for entry in ax.lines if entry.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def test_step_times_are_drawn_against_measured_ones() -> None:
    ax = draw.times_against_measured(pd.DataFrame({"measured": [1.0, 20.0], "fitted": [2.0, 10.0]}))
    assert dots(ax, "model at a batch size").tolist() == [[1.0, 2.0], [20.0, 10.0]]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_norms_in_sample_and_held_out_are_told_apart() -> None:
    ax = draw.norms_against_measured(pd.DataFrame({"measured": [0.5], "fitted": [0.6], "unseen": [0.7]}))
    assert dots(ax, "in sample").tolist() == [[0.5, 0.6]]
    assert dots(ax, "pair held out").tolist() == [[0.5, 0.7]]


def test_watts_of_every_form_are_drawn() -> None:
    points = pd.DataFrame(
        {"alpha": 0.5, "measured": [100.0], "fitted": [110.0], "linear": [80.0], "quadratic": [60.0]}, index=[0]
    )
    ax = draw.watts_against_measured(points)
    assert [dots(ax, name)[0, 1] for name in ("u^alpha", "linear", "0.3u + 0.7u^2")] == [110.0, 80.0, 60.0]
    assert [text.get_text() for text in ax.texts] == ["alpha = 0.50"]


def test_the_cap_law_is_the_power_gamma() -> None:
    ax = draw.speed_under_cap(pd.DataFrame({"gamma": 0.5, "dynamic_share": [0.25], "measured": [0.6]}, index=[0]))
    x, y = line(ax, "share^gamma")
    assert np.interp(0.25, x, y) == pytest.approx(0.5, abs=1e-3)
    assert dots(ax, "measured").tolist() == [[0.25, 0.6]]


def test_residuals_have_a_box_per_law_and_group_around_the_median() -> None:
    frame = pd.DataFrame({"group": ["x"] * 3 + ["y"], "measured": 1.0, "fitted": [0.9, 1.1, 1.3, 2.0]})
    ax = draw.residuals({"law": frame})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["law: x (3)", "law: y (1)"]
    medians = [entry.get_xdata()[0] for entry in ax.lines if entry.get_color() == "#d55e00"]
    assert medians == pytest.approx([10.0, 100.0])


def test_points_behind_the_figures_have_the_errors_of_the_table(shared_data: Path) -> None:
    errors = pd.read_csv(Path(str(shipped_folder("calibrated") / "errors.csv")))

    def stated(law: str, subject: str, metric: str) -> tuple[float, int]:
        rows = errors[(errors["law"] == law) & (errors["subject"] == subject) & errors["metric"].str.contains(metric)]
        return float(rows["value"].iloc[0]), int(rows["points"].iloc[0])

    steps = fitted.step_points(shared_data)
    for model in ("bert-base", "resnet50-infer"):
        own = steps[steps["model"] == model]
        found = float((own["fitted"] / own["measured"] - 1).abs().mean())
        assert (found, len(own)) == (
            pytest.approx(stated("solo", model, "step")[0], rel=1e-4),
            stated("solo", model, "step")[1],
        )
    pairs = fitted.pair_points(shared_data)
    for group, own in pairs.groupby("group"):
        for column, metric in (("fitted", "in sample"), ("unseen", "held-out pairs")):
            found = float((own[column] - own["measured"]).abs().mean())
            assert found == pytest.approx(stated("interference", str(group), metric)[0], rel=1e-4)
    watts = fitted.power_points(shared_data)
    for group, own in watts.groupby("group"):
        for column, metric in (("fitted", "concave"), ("linear", "linear"), ("quadratic", "quadratic")):
            found = float((own[column] / own["measured"] - 1).abs().mean())
            assert found == pytest.approx(stated("power", str(group), metric)[0], rel=1e-4)
    caps = fitted.cap_points(shared_data)
    published = pd.read_csv(shared_data / "power" / "power_cap_fits.csv")
    for group, own in caps.groupby("group"):
        row = published[(published["gpu"] == group) & published["form"].str.contains("-idle")].iloc[0]
        found = 100 * float((own["fitted"] / own["measured"] - 1).abs().mean())
        assert (found, len(own)) == (pytest.approx(row["mape_pct"], abs=0.06), row["n_points"])


def test_figures_are_written_twice_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def few(_: Path) -> pd.DataFrame:
        names = ("measured", "fitted", "unseen", "linear", "quadratic", "dynamic_share", "alpha", "gamma")
        numbers = {name: rng.uniform(0.2, 0.9, 6) for name in names}
        return pd.DataFrame({"group": ["x", "y"] * 3, **numbers})

    frame = few(tmp_path)
    replaced = {name: type(f)(lambda _: frame, f.panel, f.law) for name, f in LAWS.items()}
    monkeypatch.setattr("gogh_sim.cli.calibration_figures.LAWS", replaced)
    first, second = (write_calibration_figures(tmp_path, tmp_path / name) for name in ("a", "b"))
    assert [f.name for f in first] == [*(f"{name}.png" for name in LAWS), "residuals.png"]
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]
    assert all(f.read_bytes()[:4] == b"\x89PNG" for f in first)


def test_a_missing_table_is_named_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the data folder to hold"):
        write_calibration_figures(tmp_path, tmp_path / "out")
    assert not list(tmp_path.iterdir())
