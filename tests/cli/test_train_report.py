"""`gogh-sim train --report` as typed: what it prints, draws, leaves out and refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gogh_sim.cli import main
from gogh_sim.estimators.baselines import regressors_missing

QUICK = ("train", "--report", "--small", "--seeds", "2")
METHODS = {"P1 feed_forward", "P2 feed_forward", "nearest-neighbour copy", "matrix completion", "constant mean"}


def errors(said: str) -> dict[tuple[str, str, str], float]:
    """Mean by stage, method and measure, from what was printed."""
    found = {}
    for line in said.splitlines():
        measure = line[88:100].strip()
        if line.startswith("new family") and measure in ("norm MAE", "speed MAPE"):
            found[line[16:52].strip(), line[52:88].strip(), measure] = float(line[100:108])
    return found


def test_the_report_judges_every_method_and_draws_how_far_confidences_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, "--profile", "calibrated", "--figures", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    found = errors(said)
    methods = METHODS | (set() if regressors_missing() else {"ridge", "gradient boosting"})
    assert {method for _, method, _ in found} >= methods
    # Even a hardly trained P1 is beaten once its workload has been measured beside one partner.
    stage = "after one, other partners"
    for measure in ("norm MAE", "speed MAPE"):
        less = found[stage, "P2 feed_forward", measure] - found[stage, "matrix completion", measure]
        assert found[stage, "P2 less matrix completion", measure] == pytest.approx(less, abs=0.0011)
    assert found[stage, "P2 feed_forward", "norm MAE"] < found[stage, "P1 feed_forward", "norm MAE"]
    assert "confidence 0.90 in a speed held in" in said
    assert (tmp_path / "confidence_calibrated.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(tmp_path / "confidence_calibrated.csv")
    assert set(zip(table["source"], table["what"], strict=True)) == {
        (source, what) for source in ("P1", "P2") for what in ("speed", "norm")
    }
    for _, rows in table.groupby(["source", "what"]):
        assert rows["confidence"].is_monotonic_increasing
        assert rows["found"].is_monotonic_increasing
        assert (rows["ci_low"] <= rows["found"]).all()
        assert (rows["found"] <= rows["ci_high"]).all()


def test_published_job_types_are_judged_where_their_data_are(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOGH_DATA", str(shared_data))
    assert main([*QUICK, "--profile", "gavel"]) == 0
    said = capsys.readouterr().out
    assert "profile gavel: 26 workloads, V100, P100, K80" in said
    assert {method for _, method, _ in errors(said)} >= METHODS


def test_they_are_left_out_with_a_reason_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(
        "gogh_sim.cli.train_report.error_report", lambda profile, *_: asked.append(profile.name) or ([], [])
    )
    monkeypatch.setenv("GOGH_DATA", str(tmp_path / "nowhere"))
    assert main([*QUICK]) == 0
    assert asked == ["calibrated"]
    assert "profile gavel is left out: " in capsys.readouterr().out
    # Who asks for it by name is told that it cannot be.
    assert main([*QUICK, "--profile", "gavel"]) == 2
    assert "set GOGH_DATA" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["weights.pt", "--small"], "--small and --figures are for --report"),
        (["--report", "--seeds", "1"], "--seeds from 2"),
        (["--report", "--figures", "a_file"], "found a file"),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(
    given: list[str], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a_file").touch()
    assert main(["train", *given]) == 2
    assert found in capsys.readouterr().err
