"""The program with a binary variable for every job, alone and in every column: the yardstick of what groups save."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.clock import Clock, Phase
from gogh_sim.placement.master import integrate
from gogh_sim.placement.problem import MOST_MEMBERS, PENDING, Groups, Problem
from gogh_sim.placement.session import Session, SolverError
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import SolveReport


def uncollapsed(problem: Problem) -> Problem:
    """The same problem with a group for every job.

    Raises
    ------
    InputError
        If jobs have partners, since groups do not tell who of them shares with whom.
    """
    groups, known, trial = problem.groups, problem.knowledge, problem.trial
    if (groups.partners != PENDING).any():
        raise InputError("placement: groups with partners cannot be taken apart")
    group = np.repeat(np.arange(len(groups)), groups.count)
    pairs = np.ix_(np.arange(len(problem.supply)), group, group)
    return replace(
        problem,
        groups=Groups(
            count=np.ones(group.size, dtype=np.int64),
            width=groups.width[group],
            memory_gib=groups.memory_gib[group],
            remaining_s=groups.remaining_s[group],
            timed=groups.timed[group],
            allowed=groups.allowed[group],
            floor=groups.floor[group],
            queue_cost=groups.queue_cost[group],
            current_type=groups.current_type[group],
            partners=np.full((group.size, MOST_MEMBERS - 1), PENDING, dtype=np.int64),
            move_cost=groups.move_cost[group],
        ),
        knowledge=replace(
            known,
            speed=known.speed[group],
            norm=known.norm[pairs],
            power_w=known.power_w[group],
            pair_power_w=known.pair_power_w[pairs],
        ),
        blocks=problem.blocks and replace(problem.blocks, taken=problem.blocks.taken[:, group]),
        trial=trial and replace(trial, speed=trial.speed[group], norm=trial.norm[pairs], may=trial.may[group]),
    )


def solve_uncollapsed(problem: Problem, settings: SolveSettings) -> SolveReport:
    """Solve it in one integer program that holds every column; a job row admits each of its columns once at most.

    Where the solver fails or finds nothing within its limits, everybody waits and the status says why; nothing is
    proven then, and the gap is infinite.
    """
    clock = Clock()
    with clock.phase(Phase.COLUMNS):
        apart = uncollapsed(problem)
        columns = Candidates.of(apart).columns
    try:
        with Session.opened(settings, clock) as session:
            step = integrate(apart, columns, session)
        uses, proven = step.uses, step.proven
        status = "optimal" if step.proven else "time limit" if step.timed_out else "feasible"
    except SolverError as failure:
        uses, proven, status = np.zeros(len(columns), dtype=np.int64), False, str(failure)
    placed = columns.jobs_placed(uses, len(apart.groups))
    objective = float(columns.cost @ uses + apart.groups.queue_cost @ (1 - placed))
    return SolveReport(
        status=status,
        objective=objective,
        bound=objective - settings.gap * abs(objective) if proven else -np.inf,
        gap=settings.gap if proven else np.inf,
        groups=len(apart.groups),
        columns=len(columns),
        rows=len(apart.groups) + apart.rows.room.size,
        build_s=clock.build_s,
        solve_s=clock.solve_s,
        seconds=clock.seconds(),
    )
