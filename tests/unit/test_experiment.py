"""One run, wired: what is wrong is found before anything is simulated, and what is written is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.schema import plain
from gogh_sim.errors import InputError
from gogh_sim.experiment import run, run_config
from gogh_sim.outputs import TABLES
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource
from gogh_sim.schedulers.fifo import Fifo

CONTRACT = [
    "experiment",
    "scheduler",
    "trace",
    "cluster",
    "profile",
    "seed",
    "jobs_total",
    "jobs_finished",
    "jobs_failed",
    "jobs_unfinished",
    "makespan_s",
    "jct_mean_s",
    "jct_p50_s",
    "jct_p90_s",
    "jct_p99_s",
    "queue_mean_s",
    "slo_attainment",
    "sla_violation_rate",
    "rho_mean",
    "gpu_energy_kwh",
    "node_energy_kwh",
    "site_energy_kwh",
    "energy_per_job_kwh",
    "carbon_kg",
    "cost_usd",
    "gpu_utilization",
    "allocation_efficiency",
    "migrations",
    "preemptions",
    "decisions",
    "fallbacks",
    "solve_mean_s",
    "solve_max_s",
    "gap_max",
    "p1_mape",
    "p2_mape",
    "source_shares",
    "services_total",
    "requests_total",
    "requests_lost_share",
    "request_slo_attainment",
    "service_gpu_energy_kwh",
    "wall_s",
    "git_commit",
    "versions",
]


def config(*overrides: str) -> dict[str, Any]:
    return plain(
        without_hydra(composed(["trace.max_jobs=15", "cluster=homogeneous64", "trace.oversize=skip", *overrides]))
    )


def fifo(context: PolicyContext, truth: ThroughputSource) -> Scheduler:
    return Fifo(context)


def unreachable(context: PolicyContext, truth: ThroughputSource) -> Scheduler:
    raise AssertionError("the policy was built although the configuration is wrong")


def test_every_key_and_table_of_the_contract_is_written(tmp_path: Path) -> None:
    summary = run_config(config("scheduler=fifo"), tmp_path, fifo)
    written = json.loads((tmp_path / "summary.json").read_text())
    assert set(CONTRACT) <= written.keys()
    assert written["jobs_total"] == len(pd.read_parquet(tmp_path / "jobs.parquet")) == summary["jobs_total"]
    assert {f"{name}.parquet" for name in TABLES} <= {file.name for file in tmp_path.iterdir()}
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert not list(tmp_path.glob(".*"))


def test_counts_add_up_to_the_rows_of_the_trace() -> None:
    summary = run(config("scheduler=fifo"), fifo).summary
    ended = summary["jobs_finished"] + summary["jobs_failed"] + summary["jobs_unfinished"]
    assert ended == summary["jobs_total"]
    assert summary["jobs_total"] + sum(summary["trace_left_out"].values()) == summary["trace_rows"] == 400


@pytest.mark.parametrize(
    "wrong", ["power.pue=0.5", "power.carbon_g_per_kwh=-1", "engine.round_s=0", "engine.noise_sigma=-1"]
)
def test_wrong_numbers_are_found_before_anything_runs(wrong: str) -> None:
    with pytest.raises(InputError):
        run(config(wrong), unreachable)
