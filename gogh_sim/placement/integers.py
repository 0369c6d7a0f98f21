"""Integers near a relaxation: rounded and filled up, completed, and decided over all columns that can matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gogh_sim.placement.candidates import Candidates
from gogh_sim.placement.clock import Phase
from gogh_sim.placement.greedy import TO_FILL, fill, saved
from gogh_sim.placement.master import integrate, is_placement
from gogh_sim.placement.problem import Problem
from gogh_sim.placement.relaxation import Relaxation
from gogh_sim.placement.session import Session
from gogh_sim.placement.settings import SolveSettings
from gogh_sim.types import FloatArray, IntArray

ROUNDING = 1e-7
"""Relative error of objectives and bounds: solvers' files carry 8 digits."""

_INTEGRAL = 1e-6
"""Distance below an integer at which a value of the relaxation counts as that integer."""

_SHARE = 0.5
"""Of the allowed gap, what a program may leave to its own bound, which lies above the one of the relaxation; where any
answer within the gap will do, all but what the relaxation leaves."""

_LAST = 3
"""How many times as many columns as the settings say may enter the last program, which seldom is needed: where one wide
gang decides, the relaxation's bound may lie several percent too low, and only a program over all that matters closes
the gap."""

_TO_COMPLETE = 4
_TO_DECIDE = (3, 9)
"""Columns of each size that a group may choose from: to complete a relaxation in integers, and to decide
everything in integers where not all columns that can matter may enter."""


@dataclass(frozen=True, eq=False)
class Answer:
    """(K,) positions among the candidates, their uses, and what they and the queue cost."""

    positions: IntArray
    uses: IntArray
    objective: float

    @classmethod
    def of(cls, candidates: Candidates, positions: IntArray, uses: IntArray) -> Answer:
        """The answer with these uses, of columns that are used at all."""
        there = np.flatnonzero(uses)
        positions, uses = positions[there], uses[there]
        columns, groups = candidates.columns.take(positions), candidates.problem.groups
        queued = groups.count - columns.jobs_placed(uses, len(groups))
        return cls(positions, uses, float(columns.cost @ uses + groups.queue_cost @ queued))


class Step(NamedTuple):
    """Best answer so far, proven bound, columns of the last program, and whether the guard stopped its solver."""

    answer: Answer
    bound: float
    columns: int
    timed_out: bool = False

    def then(self, found: Answer, columns: int, session: Session) -> Step:
        """The better of both answers, after another program."""
        best = min(found, self.answer, key=lambda one: one.objective)
        return Step(best, self.bound, columns, session.timed_out)


def rounded(candidates: Candidates, relaxation: Relaxation) -> Answer:
    """The relaxation rounded down, but for what is integral already, and filled up with whoever fits together."""
    problem = candidates.problem
    fixed = _whole(candidates, relaxation)
    rest, positions = _left_over(candidates, fixed)
    reduced = candidates.reduced(relaxation.duals)
    positions = candidates.best(positions, reduced, TO_FILL)
    columns = candidates.columns.take(positions)
    nothing = np.zeros(len(columns), dtype=np.int64)
    # What saves most at once, or what the prices of all say: now the one is better, now the other.
    scores = (-saved(problem, columns) / columns.width, reduced[positions])
    fillings = [_with(candidates, fixed, positions, fill(rest, columns, nothing, score)) for score in scores]
    return min(fillings, key=lambda one: one.objective)


def integer_steps(candidates: Candidates, relaxation: Relaxation, step: Step, session: Session) -> Iterator[Step]:
    """Ever better answers by integer programs, the last of them over every column that can matter, if they are few.

    Whoever is better than the answer at hand uses only columns whose reduced cost is within the slack between it and
    the bound. Where those are more than the settings allow, only what the relaxation leaves open is decided in integers
    first, and then everything, over the best columns of each group.

    Raises
    ------
    SolverError
        If the solver gives no usable answer.
    """
    reduced, limit = candidates.reduced(relaxation.duals), session.settings.integer_columns
    within = _within(candidates, relaxation, session.settings)
    if _that_matter(reduced, step).size > limit:
        step = _completed(candidates, relaxation, reduced, step, session, within)
        yield step
    last = _LAST * limit
    choices = [*((each, limit) for each in _TO_DECIDE), (last // max(len(candidates.problem.groups), 1), last)]
    for each, most in choices:
        positions = _that_matter(reduced, step)
        complete = positions.size <= most
        if not complete:
            best = candidates.best(positions, reduced, each)
            positions = np.union1d(best, np.concatenate([step.answer.positions, relaxation.used]))
        step = _decided(candidates, positions, step, session, within, complete=complete)
        yield step
        if complete:
            return


def _that_matter(reduced: FloatArray, step: Step) -> IntArray:
    """Positions of the columns that an answer better than the present one may use."""
    return np.flatnonzero(reduced <= (step.answer.objective - step.bound) * (1 + ROUNDING))


def _within(candidates: Candidates, relaxation: Relaxation, settings: SolveSettings) -> float:
    """What a program may leave to its own bound."""
    allowed = settings.gap * abs(relaxation.bound)
    if len(candidates.problem.groups) <= settings.satisfied_above:
        return _SHARE * allowed
    return max(_SHARE * allowed, allowed - (relaxation.objective - relaxation.bound))


def _decided(
    candidates: Candidates, positions: IntArray, step: Step, session: Session, within: float, *, complete: bool
) -> Step:
    """The integer program over these columns; a bound follows if they are all that matter."""
    problem, columns = candidates.problem, candidates.columns.take(positions)
    program = integrate(problem, columns, session, within)
    bound = step.bound
    if complete and program.proven:
        least = Answer.of(candidates, positions, program.uses).objective
        bound = max(bound, min(step.answer.objective, least - within))
    with session.clock.phase(Phase.ROUNDING):
        found = Answer.of(candidates, positions, fill(problem, columns, program.uses))
    return step._replace(bound=bound).then(found, positions.size, session)


def _completed(
    candidates: Candidates,
    relaxation: Relaxation,
    reduced: FloatArray,
    step: Step,
    session: Session,
    within: float,
) -> Step:
    """The whole uses of the relaxation kept, and the jobs and the room that they leave decided in integers."""
    fixed = _whole(candidates, relaxation)
    rest, positions = _left_over(candidates, fixed)
    positions = candidates.best(positions, reduced, _TO_COMPLETE)
    columns = candidates.columns.take(positions)
    program = integrate(rest, columns, session, within)
    with session.clock.phase(Phase.ROUNDING):
        found = _with(candidates, fixed, positions, fill(rest, columns, program.uses))
    return step.then(found, positions.size, session)


def _whole(candidates: Candidates, relaxation: Relaxation) -> Answer:
    """Uses of the relaxation rounded down, but for what is integral already; none if that breaks a limit."""
    uses = np.floor(np.maximum(relaxation.uses, 0.0) + _INTEGRAL).astype(np.int64)
    if not is_placement(candidates.problem, candidates.columns.take(relaxation.positions), uses):
        uses = np.zeros_like(uses)
    return Answer.of(candidates, relaxation.positions, uses)


def _left_over(candidates: Candidates, fixed: Answer) -> tuple[Problem, IntArray]:
    """The jobs and the room that an answer leaves, as a problem, and the positions of the columns open to them.

    Groups without a job left have no column; that they count one in the queue shifts objectives, not answers.
    """
    problem, columns = candidates.problem, candidates.columns.take(fixed.positions)
    left = problem.groups.count - columns.jobs_placed(fixed.uses, len(problem.groups))
    free = problem.rows.room - columns.room_taken(fixed.uses, problem)
    types = len(problem.supply)
    rest = replace(
        problem,
        groups=replace(problem.groups, count=np.maximum(left, 1)),
        supply=replace(problem.supply, gpus=free[:types]),
        blocks=problem.blocks and replace(problem.blocks, room=free[types:]),
    )
    return rest, candidates.open_to(left)


def _with(candidates: Candidates, fixed: Answer, positions: IntArray, uses: IntArray) -> Answer:
    """An answer and further uses of columns."""
    together, place = np.unique(np.concatenate([fixed.positions, positions]), return_inverse=True)
    counts = np.bincount(place, weights=np.concatenate([fixed.uses, uses])).astype(np.int64)
    return Answer.of(candidates, together, counts)
