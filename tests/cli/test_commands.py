"""The other commands as a user types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gogh_sim import profiles, resources
from gogh_sim.cli import main
from gogh_sim.estimators import TrainingSettings
from gogh_sim.traces import read


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert all(
        f"  {name} " in said for name in ("run", "report", "list", "trace", "measure", "calibrate", "add-gpu", "train")
    )


@pytest.mark.parametrize("command", ["run", "report", "list", "trace", "measure", "calibrate", "add-gpu", "train"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"usage: gogh-sim {command}" in capsys.readouterr().out


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "gogh_sim", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("gogh-sim ")


def test_list_names_every_choice_with_a_line_on_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said: dict[tuple[str, str], str] = {}
    group = ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            name, _, about = line.strip().partition(" ")
            said[group, name] = about
        else:
            group = line.removesuffix(":")
    for file in resources.configs().glob("*/[!_]*.yaml"):
        assert len(said[file.parent.name, file.stem].split()) > 3, f"{file} opens without a comment"
    assert {name for group, name in said if group == "workload"} == {w.name for w in profiles.load().workloads}


def test_list_of_one_group_names_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "cluster"]) == 0
    said = capsys.readouterr().out
    assert "hetero64" in said
    assert "best_fit" not in said


def test_a_generated_trace_is_sound_described_and_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "trace",
                "generate",
                "alibaba_style",
                "pods.csv",
                "--jobs",
                "50",
                "--seed",
                "3",
                "--nodes",
                "nodes.csv",
                "--gpus",
                "16",
            ]
        )
        == 0
    )
    assert main(["trace", "check", "pods.csv", "--format", "openb", "--nodes", "nodes.csv"]) == 0
    capsys.readouterr()
    assert main(["trace", "stats", "pods.csv", "--format", "openb"]) == 0
    said = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert float(said["jobs"]) == 50
    assert main(["trace", "convert", "pods.csv", "jobs.json", "--from", "openb", "--to", "philly"]) == 0
    assert len(read("philly", tmp_path / "jobs.json").jobs) == len(read("openb", tmp_path / "pods.csv").jobs)
    assert sum(node.num_gpus for node in read("openb", "pods.csv", "nodes.csv").nodes or ()) >= 16


def test_the_seed_decides_the_generated_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(f"trace generate philly_style {name}.csv --jobs 30 --seed {seed} --longest-s 3600".split()) == 0
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_train_passes_its_choices_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def pretrain(profile: object, out: Path, seed: int, settings: TrainingSettings) -> str:
        asked.append((out, seed, settings.p1_architecture, settings.p2_architecture))
        return "an error table"

    monkeypatch.setattr("gogh_sim.cli.train.pretrain", pretrain)
    out = tmp_path / "weights.pt"
    assert main(["train", str(out), "--seed", "4", "--p1", "transformer", "--p2", "gru"]) == 0
    assert asked == [(out, 4, "transformer", "gru")]
    assert "an error table" in capsys.readouterr().out
