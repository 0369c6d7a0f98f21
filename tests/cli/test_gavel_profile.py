"""`profile=gavel` is made from the user's copy of the published data, and says so where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gogh_sim import profiles
from gogh_sim.cli import main

RUN = (
    "run",
    "profile=gavel",
    "cluster=gavel108",
    "trace=gavel",
    "trace.max_jobs=60",
    "engine=exact",
    "trace.load=null",
)


def test_it_has_the_published_jobs_types_and_pairs(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGH_DATA", str(shared_data))
    profile = profiles.load("gavel")
    assert len(profile.workloads) == 26
    assert {t.name for t in profile.gpu_types} == {"V100", "P100", "K80"}
    # The file of throughputs: Transformer 16 at 11.06408721 steps per second on V100, 9.53724919 on P100.
    number = profile.workload_index["transformer-b16"]
    v100, p100 = (profile.solo_rate[number, profile.type_index[name]] for name in ("V100", "P100"))
    assert (v100, p100) == (pytest.approx(11.06408721, rel=1e-4), pytest.approx(9.53724919, rel=1e-4))


@pytest.mark.parametrize("scheduler", ["gavel_max_min", "gavel_max_sum_sharing"])
def test_a_run_on_it_ends_every_job(
    scheduler: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(shared_data))
    folder = shared_data / "traces" / "gavel"
    given = (f"trace.path={folder / 'max_min_fairness.trace'}", f"scheduler={scheduler}")
    throughputs = f"trace.throughputs={folder / 'simulation_throughputs.json.gz'}"
    assert main([*RUN, *given, throughputs, f"hydra.run.dir={tmp_path / 'out'}"]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["jobs_finished"] == summary["jobs_total"] > 50
    assert summary["profile"] == "gavel"


def test_without_the_data_it_names_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    assert main(["run", "profile=gavel", "cluster=gavel108", "scheduler=fifo", f"hydra.run.dir={tmp_path / 'o'}"]) == 2
    assert "GOGH_DATA" in capsys.readouterr().err
