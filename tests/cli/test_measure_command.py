"""`gogh-sim measure` on the CPU with tiny probes, and what calibrate makes of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from gogh_sim import profiles
from gogh_sim.cli import main

A, B = "probe-recurrent-b2", "probe-decode-b1"
TINY = "--device cpu --size tiny --seconds 0.3 --warmup 0 --settle 0.05"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_measured_becomes_a_profile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["measure", "--gpu-type", "T4", "--out", "rates", "--workloads", A, B, "--pairs", f"{A}:{B}", *TINY.split()]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "written: rates/measurements.csv" in said
    with (folder / "rates" / "measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["kind"], r["workload"], r["partner"]) for r in rows] == [
        ("solo", A, ""),
        ("solo", B, ""),
        ("pair", A, B),
        ("pair", B, A),
    ]
    assert all(float(r["rate_per_s"]) > 0 and r["power_w"] == "" for r in rows)
    machine = json.loads((folder / "rates" / "machine.json").read_text())
    assert machine["torch_device"] == "cpu"
    assert machine["torch"]

    # Other work on this machine may slow a solo trial below a pair; norms are set so that only the path is tested.
    alone = {r["workload"]: float(r["rate_per_s"]) for r in rows if r["kind"] == "solo"}
    for row in rows:
        if row["kind"] == "pair":
            row["rate_per_s"] = str(0.75 * alone[row["workload"]])
    with (folder / "rates" / "measurements.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    own = ["--own", "rates/measurements.csv", "--workloads", "rates/workloads.csv"]
    assert main(["calibrate", *own, "--out", "mine"]) == 0
    mine, shipped = profiles.load("mine"), profiles.load()
    t4, a, b = mine.type_index["T4"], mine.workload_index[A], mine.workload_index[B]
    assert len(mine.workloads) == len(shipped.workloads) + 2
    assert mine.solo_rate[a, t4] == pytest.approx(alone[A], rel=1e-4)
    assert mine.pair_norms(t4)[a, b] == pytest.approx(0.75, rel=1e-3)
    assert mine.solo_tag[a, t4] == "measured"
    # Elsewhere it speeds up as its relative does.
    relative = shipped.relative_speed[shipped.workload_index["lstm-lm-b20"]]
    assert mine.relative_speed[a] == pytest.approx(relative, rel=1e-3)


BAD = [
    ("measure", "--gpu-type, --out"),
    ("measure --gpu-type X --out absent/rates --device cpu", "absent"),
    ("measure --gpu-type X --out rates --device cuda:9", "cannot compute on device 'cuda:9'"),
    ("measure --gpu-type X --out rates --device warp", "cannot compute on device 'warp'"),
    ("measure --gpu-type X --out rates --device cpu --meter nvml", "meters NVIDIA GPUs"),
    ("measure --gpu-type X --out rates --device cpu --workloads resnet50-b64", "expected <probe>-b<batch>"),
    ("measure --gpu-type X --out rates --device cpu --seconds 0", "seconds must be a positive number"),
    (f"measure --gpu-type X --out rates --device cpu --workloads {A} --pairs {A}", "expected A:B"),
    (f"measure --gpu-type X --out rates --device cpu --workloads {A} --pairs {A}:{B}", "must be measured alone"),
    (f"measure --gpu-type X --out rates {TINY} --workloads probe-attention-b1000000000000", "nothing could be"),
    ("calibrate --own own.csv --out mine --workloads absent.csv", "absent.csv: expected a CSV of workload facts"),
    ("calibrate --out mine --workloads facts.csv --data .", "--workloads needs --own"),
    ("calibrate --own own.csv --out mine --workloads facts.csv", "facts.csv, line 3, column kind"),
]


@pytest.mark.parametrize(("line", "named"), BAD)
def test_a_user_error_is_one_line_and_leaves_nothing(
    line: str, named: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "own.csv").write_text(
        "kind,gpu_type,workload,partner,rate_per_s,power_w,memory_gib\nsolo,T4,a3c-b1,,5,,\n"
    )
    (folder / "facts.csv").write_text(
        "workload,model,family,task,kind,batch_size,parameters_m,gflop_per_sample,memory_gib,relative\n"
        "# a remark\nx-b1,x,x,t,play,1,1,1,1,a3c-b1\n"
    )
    before = sorted(folder.rglob("*"))
    assert main(line.split()) == 2
    said = capfd.readouterr().err.splitlines()
    assert said[-1].startswith("gogh-sim: error: ")
    assert named in said[-1]
    assert sorted(folder.rglob("*")) == before
