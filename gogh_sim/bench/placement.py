"""The placement program's speed: whole solves, from arrays to the GPUs of every job; medians over instances."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gogh_sim import profiles
from gogh_sim.bench.memory import peak_mib
from gogh_sim.bench.placement_case import Case, Instance, make_instance
from gogh_sim.bench.placement_goals import verdict
from gogh_sim.placement import SolveSettings, assign, solve, solve_uncollapsed
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.clock import Phase
from gogh_sim.types import SolveReport

STANDARD = (
    Case(2_048, 60, 3, 4, goal_s=3.0),
    Case(20_000, 60, 3, 4, goal_s=4.0),
    Case(100_000, 26, 3, 3, goal_s=2.0),
    Case(1_024, 26, 1, 3, goal_s=1.0),
    Case(1_024, 26, 1, 3, theta=3),
    Case(2_048, 60, 3, 4, theta=3),
    Case(64, 26, 1, 3),
    Case(64, 26, 1, 3, "binary"),
)
FURTHER = (Case(128, 26, 1, 3, "binary", instances=1), Case(256, 26, 1, 3, "binary", instances=1))
"""The binary model is small: at hundreds of jobs it does not end within its limit, and the record says so."""


@dataclass(frozen=True, slots=True)
class PlacementRecord:
    """What one case took. `columns_priced` are all allowed ones, `columns_in_master` those of the answer's program.

    `build_s` and `solve_s` are the program's, `assign_s` is the way to GPUs, `peak_mib` the process's peak so far.
    `seconds` is what the time went on by phase (see `placement.clock.Phase`), `pulp_share` the part of the total that
    building the program for the solver and its files took. `gap` is None where nothing is proven. `goal` tells whether
    the case kept what is asked of it.
    """

    jobs: int
    groups: int
    gpu_types: int
    theta: int
    columns_priced: int
    columns_in_master: int
    build_s: float
    solve_s: float
    assign_s: float
    total_s: float
    gap: float | None
    status: str
    peak_mib: float
    formulation: str
    pulp_share: float
    seconds: Mapping[str, float]
    case: str
    goal: str


def bench(case: Case, settings: SolveSettings | None = None) -> PlacementRecord:
    """Time one case; making the instances does not count."""
    profile = profiles.load()
    run = partial(_SOLVES[case.formulation], settings=settings or SolveSettings())
    instances = [make_instance(case, profile, np.random.default_rng(seed)) for seed in range(case.instances)]
    rows = [_timed(run, instance) for instance in instances]
    total_s, assign_s, build_s, solve_s = np.median(
        [(total_s, assign_s, report.build_s, report.solve_s) for total_s, assign_s, report in rows], axis=0
    ).tolist()
    reports = [report for _, _, report in rows]
    worst = max(report.gap for report in reports)
    figures = {
        "total_s": total_s,
        "gap": worst if np.isfinite(worst) else None,
        "peak_mib": peak_mib(),
        "pulp_share": median_pulp_share([(total_s, report) for total_s, _, report in rows]),
    }
    return PlacementRecord(
        jobs=case.jobs,
        groups=max(report.groups for report in reports),
        gpu_types=case.gpu_types,
        theta=instances[0].problem.supply.theta,
        columns_priced=max(len(Candidates.of(instance.problem)) for instance in instances),
        columns_in_master=max(report.columns for report in reports),
        build_s=build_s,
        solve_s=solve_s,
        assign_s=assign_s,
        status=", ".join(sorted({report.status for report in reports})),
        formulation=case.formulation,
        seconds=median_seconds(reports),
        case=case.name,
        goal=verdict(goal_s=case.goal_s, **figures),
        **figures,
    )


def median_seconds(reports: Sequence[SolveReport]) -> dict[str, float]:
    """Median seconds of each phase."""
    return {phase.value: float(np.median([report.seconds[phase] for report in reports])) for phase in Phase}


def median_pulp_share(runs: Sequence[tuple[float, SolveReport]]) -> float:
    """Median share of the total seconds that went to PuLP's objects and files."""
    by_pulp = (Phase.MODEL, Phase.FILES)
    return float(np.median([sum(report.seconds[phase] for phase in by_pulp) / total_s for total_s, report in runs]))


def _timed(
    run: Callable[[Instance], tuple[SolveReport, float]], instance: Instance
) -> tuple[float, float, SolveReport]:
    began = time.perf_counter()
    report, assign_s = run(instance)
    return time.perf_counter() - began, assign_s, report


def _collapsed(instance: Instance, *, settings: SolveSettings) -> tuple[SolveReport, float]:
    """Solve by groups and place every job; seconds of the placing."""
    solution = solve(instance.problem, settings)
    present: list[tuple[int, ...]] = [()] * int(instance.problem.groups.count.sum())
    began = time.perf_counter()
    assign(instance.problem, solution.columns, solution.uses, instance.members, present, instance.fleet)
    return solution.report, time.perf_counter() - began


def _binary(instance: Instance, *, settings: SolveSettings) -> tuple[SolveReport, float]:
    """Solve with a variable for each job and pair; the way to GPUs is the same and left out."""
    return solve_uncollapsed(instance.problem, settings), 0.0


_SOLVES = {"collapsed": _collapsed, "binary": _binary}
