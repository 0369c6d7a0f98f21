"""Every way in which a solver can fail yields a flagged greedy answer that keeps all constraints."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pulp
import pytest
from hand_made import problem

from gogh_sim.placement import Problem, SolveSettings, solve, solve_greedily
from gogh_sim.placement.master import is_placement

REAL = Path(pulp.PULP_CBC_CMD.pulp_cbc_path)
SOLUTION = 'while [ "$1" != "-solution" ]; do shift; done; out="$2"; '
Install = Callable[[str], None]


@pytest.fixture
def cbc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a shell script in the place of CBC; `$out` in it is the file that the answer is expected in."""

    def install(script: str) -> None:
        path = tmp_path / "cbc"
        path.write_text(f'#!/bin/sh\nall="$*"; {SOLUTION}{script}\n', encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", str(path))

    return install


@pytest.fixture
def crowded() -> Problem:
    """Five jobs that cannot all have what they like."""
    speeds = [[1.0, 0.5], [0.9, 0.6], [1.2, 0.3], [1.0, 1.0], [0.8, 0.7]]
    return problem(speeds, gpus=[1, 1], queue_cost=4e5, remaining_s=[500.0, 900.0, 1500.0, 700.0, 1100.0])


def assert_greedy(crowded: Problem, status: str, settings: SolveSettings | None = None) -> None:
    solution, greedy = solve(crowded, settings or SolveSettings()), solve_greedily(crowded)
    assert solution.report.fallback
    assert solution.report.status == status
    assert solution.report.objective == greedy.report.objective
    assert np.array_equal(solution.columns.keys, greedy.columns.keys)
    assert np.array_equal(solution.uses, greedy.uses)
    assert is_placement(crowded, solution.columns, solution.uses)
    assert solution.uses.sum() > 0
    assert 0 < solution.report.gap <= 1


def test_solver_missing(crowded: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", "/nowhere/cbc")
    assert_greedy(crowded, "solver missing")


def test_highs_missing(crowded: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.HiGHS, "available", lambda self: False)
    assert_greedy(crowded, "solver missing", SolveSettings(solver="highs"))


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("kill -9 $$", "solver failed"),
        ("exit 3", "solver failed"),
        ("exit 0", "solver failed"),
        (': > "$out"', "solver failed"),
        ('head -c 4096 /dev/zero > "$out"', "solver failed"),
        ('echo "Infeasible - objective value 0" > "$out"', "solver found no answer"),
        ('echo "Unbounded - objective value 0" > "$out"', "solver found no answer"),
        ('printf "Optimal - objective value 1\\n  0 n0 many 0\\n" > "$out"', "solver failed"),
        ('printf "Optimal - objective value 1\\n  0 n0\\n" > "$out"', "solver failed"),
        ('printf "Optimal - objective value 1\\n  0 n0 nan nan\\n" > "$out"', "garbage answer"),
        ('echo "Stopped on time (no integer solution - continuous used)" > "$out"', "solver found no answer"),
    ],
)
def test_solver_fails(crowded: Problem, cbc: Install, script: str, status: str) -> None:
    cbc(script)
    assert_greedy(crowded, status)


def test_a_lie_about_the_relaxation_proves_nothing(crowded: Problem, cbc: Install) -> None:
    """An "optimal" answer of zeros has no duals: no bound follows, and the answer is not called optimal."""
    cbc('echo "Optimal - objective value 0" > "$out"')
    report = solve(crowded, SolveSettings()).report
    assert report.status != "optimal" or report.fallback
    assert report.bound <= solve_greedily(crowded).report.objective


@pytest.fixture
def fractional() -> Problem:
    """Three jobs in pairs only: the relaxation takes half of each pair, so an integer step is needed."""
    return problem([[1.0], [1.0], [1.0]], gpus=[3], queue_cost=160e3)


def test_the_integer_step_is_needed_and_right(fractional: Problem, cbc: Install, tmp_path: Path) -> None:
    cbc(f'echo "$all" >> {tmp_path}/calls; exec {REAL} $all')
    report = solve(fractional, SolveSettings(gap=0.0)).report
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    assert calls.count("-initialSolve") == 1
    assert calls.count("-solve") == 1
    assert "-threads" not in calls
    assert "-maxNodes" in calls
    # One pair for 242.5 kJ, and the third job is cheaper in the queue than alone (170 kJ).
    assert report.objective == pytest.approx(242.5e3 + 160e3)
    assert report.status == "optimal"


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("kill -9 $$", "solver failed"),
        ('echo "Integer infeasible - objective value 0" > "$out"', "solver found no answer"),
        ('printf "Optimal - objective value 1\\n  0 n0 7 0\\n" > "$out"', "garbage answer"),
        ('printf "Optimal - objective value 1\\n  0 n0 0.5 0\\n" > "$out"', "garbage answer"),
    ],
)
def test_the_integer_step_fails(fractional: Problem, cbc: Install, script: str, status: str) -> None:
    cbc(f'case "$all" in *-initialSolve*) exec {REAL} $all;; esac; {script}')
    solution = solve(fractional, SolveSettings(gap=0.0))
    assert solution.report.fallback
    assert solution.report.status == status
    assert is_placement(fractional, solution.columns, solution.uses)
    assert solution.report.bound <= 242.5e3 + 160e3 + 1e-3
    assert solution.report.objective >= 242.5e3 + 160e3 - 1e-3


def test_an_early_stop_is_not_called_optimal(fractional: Problem, cbc: Install) -> None:
    """PuLP reports "Optimal" for an incumbent at a limit; here the incumbent places nobody."""
    stop = 'echo "Stopped on nodes - objective value 3" > "$out"'
    cbc(f'case "$all" in *-initialSolve*) exec {REAL} $all;; esac; {stop}')
    report = solve(fractional, SolveSettings(gap=0.0)).report
    assert report.status == "feasible"
    assert not report.fallback
    assert report.gap > 0


def test_the_wall_clock_guard_marks_the_run(fractional: Problem, cbc: Install) -> None:
    stop = 'sleep 0.3; echo "Stopped on time - objective value 3" > "$out"'
    cbc(f'case "$all" in *-initialSolve*) exec {REAL} $all;; esac; {stop}')
    assert solve(fractional, SolveSettings(gap=0.0, time_limit_s=0.2)).report.status == "time limit"


def test_no_files_are_left_behind(
    crowded: Problem, cbc: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    solve(crowded, SolveSettings())
    cbc("kill -9 $$")
    solve(crowded, SolveSettings())
    assert not list(folder.iterdir())
