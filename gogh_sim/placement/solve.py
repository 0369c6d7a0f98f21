"""From a problem to how often each column is used: relaxation, integer step, proven gap; greedy where that fails."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.columns import Columns, Duals
from gogh_sim.placement.greedy import fill, greedy_columns
from gogh_sim.placement.master import integrate, is_placement
from gogh_sim.placement.problem import MOST_MEMBERS, Problem
from gogh_sim.placement.relaxation import Relaxation, dual_bound, feasible_duals, relaxations
from gogh_sim.placement.session import Clock, Phase, Session, SolverError
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import IntArray, SolveReport

_ROUNDING = 1e-7
"""Relative error of objectives and bounds: solvers' files carry 8 digits."""
_INTEGRAL = 1e-6
"""Distance below an integer at which a value of the relaxation counts as that integer."""

_STEPS = 2
"""Integer steps at most; the second starts from the slack that the first leaves."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Columns, (K,) how often each is used, how the answer came about, and (n, 4) `hints` for a similar problem."""

    columns: Columns
    uses: IntArray
    report: SolveReport
    hints: IntArray

    def queued(self, problem: Problem) -> IntArray:
        """(G,) jobs of each group that no column places."""
        return problem.groups.count - self.columns.jobs_placed(self.uses, len(problem.groups))


@dataclass(frozen=True, eq=False)
class _Answer:
    columns: Columns
    uses: IntArray
    objective: float


NO_HINTS: IntArray = np.zeros((0, 1 + MOST_MEMBERS), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Found:
    """A relaxation and the integers near it."""

    relaxation: Relaxation
    rounded: _Answer

    @property
    def gap(self) -> float:
        objective = self.rounded.objective
        return (objective - self.relaxation.bound) / abs(objective) if objective else 0.0

    def hints(self, candidates: Candidates) -> IntArray:
        return self.relaxation.good(candidates)


def solve(problem: Problem, settings: SolveSettings, hints: IntArray = NO_HINTS) -> Solution:
    """Solve to the gap of `settings`; a failing solver yields the greedy answer with `SolveReport.fallback` set.

    Parameters
    ----------
    hints
        (n, 4) rows of GPU type and groups (or -1): columns that may be good, from `Solution.hints` of a problem with
        many of the same jobs. They change how fast the answer is found, not how good it is proven to be.
    """
    clock = Clock()
    with clock.phase(Phase.COLUMNS):
        candidates = Candidates.of(problem)
    if candidates.size == 0:
        return _nothing_to_place(candidates, clock)
    try:
        with Session.opened(settings, clock) as session, clock.phase(Phase.PRICING):
            return _solve(candidates, hints, session)
    except SolverError as failure:
        return solve_greedily(problem, status=str(failure), fallback=True, clock=clock)


def _solve(candidates: Candidates, hints: IntArray, session: Session) -> Solution:
    """Price columns until rounding proves the gap, else go on in integers; if that fails, rounding has the answer."""
    clock = session.clock
    found: _Found | None = None
    try:
        for relaxation in relaxations(candidates, hints, session):
            with clock.phase(Phase.ROUNDING):
                found = _Found(relaxation, _rounded(candidates, relaxation))
            if found.gap <= session.settings.gap + _ROUNDING:
                return _solution(candidates, found.rounded, relaxation.bound, "optimal", clock, found.hints(candidates))
        assert found is not None, "there is at least one relaxation"
        answer, bound, status = _integer_answer(candidates, found, session)
    except SolverError as failure:
        if found is None:
            raise
        bound = found.relaxation.bound
        return _solution(candidates, found.rounded, bound, str(failure), clock, fallback=True)
    return _solution(candidates, answer, bound, status, clock, found.hints(candidates))


def solve_greedily(
    problem: Problem, *, status: str = "greedy", fallback: bool = False, clock: Clock | None = None
) -> Solution:
    """Answer without a solver; its bound is what jobs would cost if GPUs were free."""
    clock = clock or Clock()
    with clock.phase(Phase.COLUMNS):
        candidates = Candidates.of(problem)
    with clock.phase(Phase.ROUNDING):
        columns = greedy_columns(candidates)
        uses = fill(candidates, columns, np.zeros(len(columns), dtype=np.int64))
        answer = _answer(candidates, columns, uses)
        free_room = Duals.of_jobs(problem, problem.groups.queue_cost)
        bound = dual_bound(candidates, feasible_duals(candidates, free_room))
    return _solution(candidates, answer, bound, status, clock, fallback=fallback)


def _integer_answer(candidates: Candidates, found: _Found, session: Session) -> tuple[_Answer, float, str]:
    """Best answer of the integer step, proven bound and status.

    Whoever is better than the rounded answer uses only columns whose reduced cost is within the slack between it and
    the bound. Where those are too many, only what the relaxation leaves open is decided in integers first. If that does
    not close the gap, the step gets the best of them, those of the relaxation and the rounded answer, and is done again
    with what slack is left.
    """
    settings, relaxation, problem = session.settings, found.relaxation, candidates.problem
    answer, bound = found.rounded, relaxation.bound
    for step_number in range(_STEPS):
        slack = (answer.objective - bound) * (1 + _ROUNDING)
        columns, complete = candidates.within(relaxation.duals, slack, settings.integer_columns)
        if not complete:
            in_use = answer.columns.take(np.flatnonzero(answer.uses))
            base = candidates.union(relaxation.columns, candidates.singles())
            base = base.take(np.flatnonzero(candidates.reduced(base, relaxation.duals) <= slack))
            columns = candidates.union(candidates.union(in_use, base), columns)
            if step_number == 0:
                completed = _completed(candidates, relaxation, columns, session)
                answer = min(completed, answer, key=lambda one: one.objective)
                if _closed(answer, bound, settings):
                    return answer, bound, "optimal"
        step = integrate(problem, columns, session)
        with session.clock.phase(Phase.ROUNDING):
            filled = _answer(candidates, columns, fill(candidates, columns, step.uses))
            answer = min(filled, answer, key=lambda one: one.objective)
        if complete and step.proven:
            least = _answer(candidates, columns, step.uses).objective
            bound = max(bound, min(answer.objective, least - settings.gap * abs(least)))
        if step.timed_out:
            return answer, bound, "time limit"
        if _closed(answer, bound, settings):
            return answer, bound, "optimal"
        if complete:
            break
    return answer, bound, "feasible"


def _closed(answer: _Answer, bound: float, settings: SolveSettings) -> bool:
    return answer.objective - bound <= (settings.gap + _ROUNDING) * abs(answer.objective)


def _completed(candidates: Candidates, relaxation: Relaxation, columns: Columns, session: Session) -> _Answer:
    """The whole uses of the relaxation kept, and the jobs and the room that they leave decided in integers."""
    problem = candidates.problem
    columns = candidates.union(relaxation.columns, columns)
    uses = np.zeros(len(columns), dtype=np.int64)
    uses[: len(relaxation.columns)] = _whole(problem, relaxation)
    left = problem.groups.count - columns.jobs_placed(uses, len(problem.groups))
    free = problem.rows.room - columns.room_taken(uses, problem)
    # Groups without a job left have no column; that they count one in the queue shifts the objective, not the answer.
    rest = replace(
        problem,
        groups=replace(problem.groups, count=np.maximum(left, 1)),
        supply=replace(problem.supply, gpus=free[: len(problem.supply)]),
        blocks=problem.blocks and replace(problem.blocks, room=free[len(problem.supply) :]),
    )
    open_to = np.flatnonzero(np.append(left, 1)[columns.members].min(axis=1) > 0)
    step = integrate(rest, columns.take(open_to), session)
    with session.clock.phase(Phase.ROUNDING):
        uses[open_to] += step.uses
        return _answer(candidates, columns, fill(candidates, columns, uses))


def _whole(problem: Problem, relaxation: Relaxation) -> IntArray:
    """(K,) uses of the relaxation rounded down, but for what is integral already; none if that breaks a limit."""
    uses = np.floor(np.maximum(relaxation.uses, 0.0) + _INTEGRAL).astype(np.int64)
    return uses if is_placement(problem, relaxation.columns, uses) else np.zeros_like(uses)


def _rounded(candidates: Candidates, relaxation: Relaxation) -> _Answer:
    """Integers near the relaxation: rounded down (but for what is integral already), then filled greedily."""
    uses = _whole(candidates.problem, relaxation)
    columns = candidates.union(relaxation.columns, greedy_columns(candidates))
    padded = np.concatenate([uses, np.zeros(len(columns) - uses.size, dtype=np.int64)])
    return _answer(candidates, columns, fill(candidates, columns, padded))


def _answer(candidates: Candidates, columns: Columns, uses: IntArray) -> _Answer:
    groups = candidates.problem.groups
    queued = groups.count - columns.jobs_placed(uses, len(groups))
    used = uses > 0
    return _Answer(columns, uses, float(columns.cost[used] @ uses[used] + groups.queue_cost @ queued))


def _nothing_to_place(candidates: Candidates, clock: Clock) -> Solution:
    columns = candidates.all()
    answer = _answer(candidates, columns, np.zeros(0, dtype=np.int64))
    return _solution(candidates, answer, answer.objective, "optimal", clock)


def _solution(
    candidates: Candidates,
    answer: _Answer,
    bound: float,
    status: str,
    clock: Clock,
    hints: IntArray = NO_HINTS,
    *,
    fallback: bool = False,
) -> Solution:
    gap = max(0.0, answer.objective - bound) / abs(answer.objective) if answer.objective else 0.0
    seconds = clock.seconds()
    report = SolveReport(
        status=status,
        objective=answer.objective,
        bound=bound,
        gap=gap,
        groups=len(candidates.problem.groups),
        columns=len(answer.columns),
        rows=len(candidates.problem.groups) + candidates.problem.rows.room.size,
        build_s=clock.build_s,
        solve_s=clock.solve_s,
        fallback=fallback,
        seconds=seconds,
    )
    used = np.flatnonzero(answer.uses)
    return Solution(answer.columns.take(used), answer.uses[used], report, hints)
