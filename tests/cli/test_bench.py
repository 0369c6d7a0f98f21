from __future__ import annotations

import json
from pathlib import Path

import pytest

from gogh_sim.bench import engine
from gogh_sim.cli.main import main


def test_engine_records_have_the_keys_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "STANDARD", (engine.Case(40, 64), engine.Case(30, 64, "best_fit")))
    assert main(["bench", "engine", "--json", str(tmp_path / "engine.json")]) == 0
    records = json.loads((tmp_path / "engine.json").read_text())
    keys = ["jobs", "gpus", "scheduler", "wall_s", "events", "events_per_s", "simpy_events_per_s", "peak_mib"]
    assert [list(record) for record in records] == [keys, keys]
    assert [(record["jobs"], record["gpus"], record["scheduler"]) for record in records] == [
        (40, 64, "fifo"),
        (30, 64, "best_fit"),
    ]
    # A job is submitted, started, ready and finished, each with a decision or without: at least three rows each.
    assert records[0]["events"] >= 3 * 40
    assert records[0]["events_per_s"] == pytest.approx(records[0]["events"] / records[0]["wall_s"])
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_a_folder_that_is_not_there_is_said_before_anything_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "engine", "--json", str(tmp_path / "no" / "engine.json")]) == 2
    assert "expected a folder" in capfd.readouterr().err
