"""Sharing modes, grid regions and the interference sweep through `gogh-sim run`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gogh_sim.cli import composition, main
from gogh_sim.profiles.grid import grid_day, regions

NODES = "cluster.nodes=[{gpu_type:A100,count:1,gpus_per_node:4},{gpu_type:T4,count:1,gpus_per_node:4}]"
TRACE = "trace=alibaba_style trace.jobs=40 trace.scale_gaps=0.02 trace.oversize=skip power=always_on scheduler=best_fit"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("gogh_sim.cli.run.report", lambda directory: "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result(folder: Path, name: str, *overrides: str) -> tuple[dict[str, Any], Path]:
    assert main(["run", NODES, *TRACE.split(), *overrides, f"hydra.run.dir={name}"]) == 0
    return json.loads((folder / name / "summary.json").read_text()), folder / name


def test_modes_change_what_jobs_get(folder: Path) -> None:
    shared, _ = result(folder, "mps", "profile.sharing=mps")
    turns, _ = result(folder, "turns", "profile.sharing=time_slicing")
    alone, _ = result(folder, "alone", "profile.sharing=exclusive")
    theta_one, _ = result(folder, "one", "cluster.theta=1")
    assert shared["jct_mean_s"] != turns["jct_mean_s"]
    assert alone["jct_mean_s"] == theta_one["jct_mean_s"] != shared["jct_mean_s"]


def test_mig_runs_on_slices(folder: Path) -> None:
    summary, out = result(folder, "mig", "profile.sharing=mig", "profile.mig={A100:2g.10gb}")
    counts = pd.read_parquet(out / "gpus.parquet")["gpu_type"].value_counts()
    assert counts.to_dict() == {"A100-2g.10gb": 12, "T4": 4}
    assert summary["jobs_finished"] > 0
    assert summary["source_shares"]["transferred"] > 0


def test_gangs_keep_to_whole_cards_under_mig(folder: Path) -> None:
    """Gangs over slices are what frameworks cannot do, so A100 gangs have nowhere to run and T4 gangs do."""
    mig = ["profile.sharing=mig", "profile.mig={A100:3g.20gb}"]
    summary, out = result(folder, "mig", "trace=philly_style", "trace.jobs=120", *mig)
    jobs = pd.read_parquet(out / "jobs.parquet")
    gangs = jobs[jobs["num_gpus"] > 1]
    assert len(gangs) > 0
    assert jobs["num_gpus"].max() <= 4  # T4s of the cluster
    assert summary["trace_left_out"]["oversize"] > 0
    events = pd.read_parquet(out / "events.parquet")
    types = pd.read_parquet(out / "gpus.parquet").set_index("node_id")["gpu_type"].to_dict()
    started = events[(events["event"] == "start") & events["job_id"].isin(gangs["job_id"])]
    assert set(started["node_id"].map(types)) == {"T4"}


def test_beta_changes_energy_and_nothing_else(folder: Path) -> None:
    low, _ = result(folder, "low", "profile.beta=0.3")
    high, _ = result(folder, "high", "profile.beta=0.8")
    assert low["node_energy_kwh"] < high["node_energy_kwh"]
    assert low["jct_mean_s"] == high["jct_mean_s"]


@pytest.mark.parametrize("region", regions())
def test_a_region_sets_carbon_and_price_by_the_hour(region: str) -> None:
    config = composition.composed([f"power={region.replace('-', '_')}"]).power
    assert tuple(config.carbon_g_per_kwh) == grid_day(region).carbon_g_per_kwh
    assert tuple(config.price_usd_per_kwh) == grid_day(region).price_usd_per_kwh
    assert len(config.price_usd_per_kwh) == 24


def test_carbon_of_a_run_follows_the_hours(folder: Path) -> None:
    summary, _ = result(folder, "texas", "power=us_texas")
    day = grid_day("us-texas").carbon_g_per_kwh
    per_kwh = 1000 * summary["carbon_kg"] / summary["site_energy_kwh"]
    assert min(day) < per_kwh < max(day)
    assert per_kwh != pytest.approx(np.mean(day), rel=1e-6)


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("profile.sharing=turns", "profile.sharing: expected one of"),
        ("profile.sharing=mig", "profile.mig"),
        ("profile.beta=-1", "profile.beta"),
        ("profile.beta=high", "profile.beta"),
        ("profile.interference_scatter=-1", "profile.interference_scatter"),
        ("power.carbon_g_per_kwh=${carbon_of:atlantis}", "expected a region among"),
    ],
)
def test_a_wrong_value_is_one_line(override: str, named: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "scheduler=fifo", override]) == 2
    said = capfd.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1
    assert not list(folder.iterdir())
