"""Kill -9 at any moment: no file looks whole that is not, and the same command then gives the same bytes.

`GOGH_KILLS` says how many moments of each kind are tried, spread evenly over the run, and that figures are drawn too;
50, which makes 200 kills in four tests, take a quarter of an hour.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from crashing import Forks

from gogh_sim.metrics.results import load_run
from gogh_sim.metrics.summary import CLOCK_KEYS

MANY = "GOGH_KILLS" in os.environ
KILLS = int(os.environ.get("GOGH_KILLS", "2"))
TINY = "cluster=homogeneous64 trace=philly_style trace.jobs=8 power=always_on scheduler=fifo"
COMMANDS = {
    "run": f"run {TINY} seed=3 hydra.run.dir=out",
    "sweep": f"run -m {TINY} seed=3,4 hydra.sweep.dir=out",
}
OF_CLOCKS = ("timings.parquet",)


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks(figures=MANY) as running:
        yield running


def results(folder: Path) -> dict[str, object]:
    """Tables as bytes and summaries without what a clock measured, of every run; fails at one that is not whole."""
    found: dict[str, object] = {}
    for file in sorted(folder.rglob("summary.json")):
        if any(part.startswith(".part-") for part in file.parts):
            continue
        run = load_run(file.parent)
        name = file.parent.relative_to(folder).as_posix()
        found[f"{name}/summary"] = {k: v for k, v in json.loads(file.read_text()).items() if k not in CLOCK_KEYS}
        found[f"{name}/jobs"] = len(run.jobs)
        tables = sorted(file.parent.glob("*.parquet"))
        found |= {f"{name}/{t.name}": t.read_bytes() for t in tables if t.name not in OF_CLOCKS}
    return found


def check_no_half(folder: Path) -> None:
    """Whatever has a file's final name can be read to its end."""
    for table in folder.rglob("*.parquet"):
        if not table.name.startswith("."):
            pd.read_parquet(table)
    for text in folder.rglob("*.json"):
        if not text.name.startswith("."):
            json.loads(text.read_text())


@pytest.fixture(scope="module")
def whole(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, object], int, float]]:
    """Per command: what comes of it undisturbed, how many changes it makes, and how long it takes."""
    found = {}
    for name, line in COMMANDS.items():
        folder = tmp_path_factory.mktemp(name)
        began = time.perf_counter()
        ended = forks.run(folder, line)
        assert (ended.killed, ended.code) == (False, 0)
        found[name] = (results(folder / "out"), ended.changes, time.perf_counter() - began)
    return found


def check_survives(forks: Forks, folder: Path, line: str, expected: dict[str, object]) -> None:
    """After a kill: what is there is whole and right, and the same command makes the rest."""
    check_no_half(folder)
    there = results(folder / "out") if (folder / "out").exists() else {}
    assert there.items() <= expected.items()
    ended = forks.run(folder, line)
    assert (ended.killed, ended.code) == (False, 0)
    assert results(folder / "out") == expected
    assert not list(folder.rglob(".*part*")), "what the killed process left is cleared away"


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_before_a_change_of_the_file_system(
    name: str, forks: Forks, whole: dict[str, tuple[dict[str, object], int, float]], tmp_path: Path
) -> None:
    expected, changes, _ = whole[name]
    assert changes > 20
    moments = sorted({1 + i * (changes - 1) // KILLS for i in range(1, KILLS + 1)})
    for moment in moments:
        folder = tmp_path / str(moment)
        folder.mkdir()
        assert forks.run(folder, COMMANDS[name], change=moment).killed
        check_survives(forks, folder, COMMANDS[name], expected)


@pytest.mark.parametrize("name", COMMANDS if MANY else ["run"])
def test_killed_at_some_time(
    name: str, forks: Forks, whole: dict[str, tuple[dict[str, object], int, float]], tmp_path: Path
) -> None:
    expected, _, duration_s = whole[name]
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        forks.run(folder, COMMANDS[name], after_s=duration_s * (number + 0.5) / KILLS)
        check_survives(forks, folder, COMMANDS[name], expected)


def test_a_sweep_killed_again_and_again_ends(
    forks: Forks, whole: dict[str, tuple[dict[str, object], int, float]], tmp_path: Path
) -> None:
    """Killed ever later in the same folder: what was finished is kept, so it comes to an end."""
    expected, changes, _ = whole["sweep"]
    for moment in range(1 + changes // KILLS, 2 * changes, 1 + changes // KILLS):
        if not forks.run(tmp_path, COMMANDS["sweep"], change=moment).killed:
            break
        check_no_half(tmp_path)
    else:
        pytest.fail("never ended")
    assert results(tmp_path / "out") == expected


@pytest.mark.parametrize("name", COMMANDS if MANY else ["run"])
def test_a_disk_that_fills_up_is_told_and_leaves_what_was_whole(
    name: str, forks: Forks, whole: dict[str, tuple[dict[str, object], int, float]], tmp_path: Path
) -> None:
    expected, changes, _ = whole[name]
    for moment in range(1, changes, 1 + changes // KILLS):
        check_full(forks, tmp_path / f"change_{moment}", name, expected, {"full": moment})
    for size in (100, 1000, 4000) if MANY else (4000,):
        check_full(forks, tmp_path / f"size_{size}", name, expected, {"largest": size})


def check_full(forks: Forks, folder: Path, name: str, expected: dict[str, object], limit: dict[str, int]) -> None:
    folder.mkdir()
    ended = forks.run(folder, COMMANDS[name], **limit)
    if "full" in limit and not ended.refused:  # nothing more had to be written
        assert (ended.killed, ended.code) == (False, 0)
        assert results(folder / "out") == expected
        return
    # A sweep goes on past a run that failed, and ends with 1.
    assert ended.code in ((1, 2) if name == "sweep" else (2,)), ended
    assert ended.said.startswith("gogh-sim: "), ended
    assert any(reason in ended.said for reason in ("No space left on device", "File too large")), ended
    assert not list(folder.rglob(".*part*")), "nothing half-written is left"
    check_survives(forks, folder, COMMANDS[name], expected)
