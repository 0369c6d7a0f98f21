"""`gogh-sim run engine=rounds`: the published simulator's results in the files of any run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gogh_sim.cli import main
from gogh_sim.outputs import TABLES
from gogh_sim.reproduce.gavel_crosscheck import read_jobs
from gogh_sim.rounds import simulate
from gogh_sim.rounds.gavel_rules import rules
from gogh_sim.rounds.replay import POLICIES, read_rates

# reference/simulator_results.csv: max_min_fairness.trace on 36 GPUs of each type, and how far ties move the mean.
PUBLISHED = {
    "gavel_max_min": (9312.874090510986, 0.04),
    "gavel_max_sum": (9216.217601940389, 0.05),
    "gavel_finish_time": (9332.330386610214, 0.05),
}


@pytest.mark.parametrize("scheduler", PUBLISHED)
def test_means_are_the_published_ones(scheduler: str, shared_data: Path, tmp_path: Path) -> None:
    trace = shared_data / "traces/gavel/max_min_fairness.trace"
    assert (
        main(["run", "engine=rounds", f"trace.path={trace}", f"scheduler={scheduler}", f"hydra.run.dir={tmp_path}"])
        == 0
    )
    expected_s, ties = PUBLISHED[scheduler]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["jct_mean_s"] == pytest.approx(expected_s, rel=ties)
    assert summary["jobs_finished"] == summary["jobs_total"] == 96
    # Job by job what the mechanism gives when it is fed the trace itself, not what the run made of it.
    rates = read_rates(shared_data / "traces/gavel/simulation_throughputs.json.gz")
    told = simulate(read_jobs(trace), rates, np.array([36, 36, 36]), rules()[POLICIES[scheduler]]())
    jobs = pd.read_parquet(tmp_path / "jobs.parquet")
    assert (jobs["end_s"] - jobs["submit_s"]).tolist() == pytest.approx(list(told.jct_s.values()), abs=1e-6)
    assert {file.stem for file in tmp_path.glob("*.parquet")} == set(TABLES)
    # The mechanism has no power, and says so.
    assert [key for key in summary if key.endswith("_kwh") and summary[key] is not None] == []
    assert summary["carbon_kg"] is summary["cost_usd"] is None


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["scheduler=gogh"], "expected one of the schedulers gavel_max_min"),
        (["scheduler=gavel_max_min", "trace=alibaba_sample"], "trace=gavel"),
        (["scheduler=gavel_max_min", "trace.throughputs=null"], "trace.throughputs"),
        (["scheduler=gavel_max_min", "engine.restore_s=30"], "engine.restore_s"),
        (["scheduler=gavel_max_min", "engine.mechanism=ticks"], "events or rounds"),
        (["scheduler=gavel_max_min", "cluster=hetero64", "profile=calibrated"], "has V100, A100|has A100"),
    ],
)
def test_what_rounds_cannot_do_is_said_in_a_line(
    overrides: list[str], said: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = (
        [] if "trace=alibaba_sample" in overrides else [f"trace.path={shared_data / 'traces/gavel/small_test.trace'}"]
    )
    assert main(["run", "engine=rounds", *trace, *overrides, f"hydra.run.dir={tmp_path / 'out'}"]) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("gogh-sim")]
    assert len(lines) == 1
    assert any(part in lines[0] for part in said.split("|"))
    assert not (tmp_path / "out").exists()
