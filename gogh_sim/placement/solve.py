"""From a problem to how often each column is used: relaxation, integer steps, proven gap; greedy where that fails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.clock import Clock, Phase
from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.greedy import fill, greedy_positions
from gogh_sim.placement.integers import ROUNDING, Answer, Step, integer_steps, rounded
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.relaxation import Relaxation, dual_bound, feasible_duals, relaxations
from gogh_sim.placement.session import Session, SolverError
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.placement.standing import standing
from gogh_sim.types import IntArray, SolveReport


@dataclass(frozen=True, eq=False)
class Solution:
    """Columns, (K,) how often each is used, how the answer came about, and `prices` to start a similar problem with."""

    columns: Columns
    uses: IntArray
    report: SolveReport
    prices: Duals

    def queued(self, problem: Problem) -> IntArray:
        """(G,) jobs of each group that no column places."""
        return problem.groups.count - self.columns.jobs_placed(self.uses, len(problem.groups))


def solve(problem: Problem, settings: SolveSettings, prices: Duals | None = None) -> Solution:
    """Solve to the gap of `settings`; a failing solver yields the greedy answer with `SolveReport.fallback` set.

    Parameters
    ----------
    prices
        Prices to start from, such as `Solution.prices` of a problem with many of the same jobs; nan for a job of which
        none is known. They change how fast the answer is found, not how good it is proven to be.
    """
    clock = Clock()
    with clock.phase(Phase.COLUMNS):
        candidates = Candidates.of(problem)
    start = _start(candidates, prices)
    if len(candidates) == 0:
        return _nothing_to_place(candidates, start, clock)
    if prices is not None and len(problem.groups) > settings.satisfied_above:
        with clock.phase(Phase.PRICING):
            kept = _kept(candidates, start, settings, clock)
        if kept is not None:
            return kept
    try:
        with Session.opened(settings, clock) as session, clock.phase(Phase.PRICING):
            return _solve(candidates, start, session)
    except SolverError as failure:
        return solve_greedily(problem, status=str(failure), fallback=True, clock=clock)


def _start(candidates: Candidates, prices: Duals | None) -> Duals:
    if prices is None:
        return candidates.prices(np.zeros(candidates.problem.rows.room.size))
    alone = candidates.prices(prices.row)
    return Duals(np.where(np.isnan(prices.job), alone.job, prices.job), prices.row)


def _kept(candidates: Candidates, prices: Duals, settings: SolveSettings, clock: Clock) -> Solution | None:
    """The placement in force, filled up, if prices prove that to be good enough."""
    relaxation = standing(candidates, prices, settings.gap)
    step = _rounded(candidates, relaxation, clock)
    return _solution(candidates, step, "optimal", clock, relaxation.duals) if _closed(step, settings) else None


def _solve(candidates: Candidates, start: Duals, session: Session) -> Solution:
    """Price columns until rounding proves the gap, else go on in integers; if that fails, the best so far counts."""
    clock, settings = session.clock, session.settings
    relaxation: Relaxation | None = None
    step: Step | None = None
    status, failed = "feasible", False
    try:
        for relaxation in relaxations(candidates, start, session):
            # Integers are hardly better than the relaxation that they come from.
            if relaxation.gap <= settings.gap:
                step = _rounded(candidates, relaxation, clock)
                if _closed(step, settings):
                    break
        assert relaxation is not None, "there is at least one relaxation"
        step = step or _rounded(candidates, relaxation, clock)
        if not _closed(step, settings):
            for further in integer_steps(candidates, relaxation, step, session):
                step = further
                if step.timed_out or _closed(step, settings):
                    break
        status = "time limit" if step.timed_out else "optimal" if _closed(step, settings) else "feasible"
    except SolverError as failure:
        if relaxation is None:
            raise
        step = step or _rounded(candidates, relaxation, clock)
        status, failed = str(failure), True
    return _solution(candidates, step, status, clock, relaxation.duals, fallback=failed)


def solve_greedily(
    problem: Problem, *, status: str = "greedy", fallback: bool = False, clock: Clock | None = None
) -> Solution:
    """Answer without a solver; its bound is what jobs would cost if GPUs were free."""
    clock = clock or Clock()
    with clock.phase(Phase.COLUMNS):
        candidates = Candidates.of(problem)
    with clock.phase(Phase.ROUNDING):
        positions = greedy_positions(candidates)
        columns = candidates.columns.take(positions)
        uses = fill(problem, columns, np.zeros(len(columns), dtype=np.int64))
        duals = feasible_duals(candidates, Duals.of_jobs(problem, problem.groups.queue_cost))
        # No column costs less than nothing, whatever its prices say.
        bound = max(dual_bound(candidates, duals), 0.0)
        step = Step(Answer.of(candidates, positions, uses), bound, positions.size)
    return _solution(candidates, step, status, clock, duals, fallback=fallback)


def _rounded(candidates: Candidates, relaxation: Relaxation, clock: Clock) -> Step:
    with clock.phase(Phase.ROUNDING):
        return Step(rounded(candidates, relaxation), relaxation.bound, relaxation.positions.size)


def _closed(step: Step, settings: SolveSettings) -> bool:
    return step.answer.objective - step.bound <= (settings.gap + ROUNDING) * abs(step.answer.objective)


def _nothing_to_place(candidates: Candidates, prices: Duals, clock: Clock) -> Solution:
    nothing = np.zeros(0, dtype=np.int64)
    answer = Answer.of(candidates, nothing, nothing)
    return _solution(candidates, Step(answer, answer.objective, 0), "optimal", clock, prices)


def _solution(
    candidates: Candidates, step: Step, status: str, clock: Clock, prices: Duals, *, fallback: bool = False
) -> Solution:
    answer, problem = step.answer, candidates.problem
    seconds = clock.seconds()
    report = SolveReport(
        status=status,
        objective=answer.objective,
        bound=step.bound,
        gap=max(0.0, answer.objective - step.bound) / abs(answer.objective) if answer.objective else 0.0,
        groups=len(problem.groups),
        columns=step.columns,
        rows=len(problem.groups) + problem.rows.room.size,
        build_s=clock.build_s,
        solve_s=clock.solve_s,
        fallback=fallback,
        seconds=seconds,
    )
    return Solution(candidates.columns.take(answer.positions), answer.uses, report, prices)
