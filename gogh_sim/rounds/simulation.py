"""The clock of the round mechanism."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gogh_sim.placement.allocation import ALONE, Demands
from gogh_sim.placement.turns import choose
from gogh_sim.rounds.accounts import Accounts, Row
from gogh_sim.rounds.jobs import Rates, RoundJob
from gogh_sim.rounds.rules import RoundView, Rule
from gogh_sim.types import FloatArray, IntArray

ROUND_S = 360.0
"""Length of a round in the published results (reference runs of Gavel, see `reproduce`)."""

RESET_S = 1920.0
"""Least time between two allocations there."""

MOST_FAILURES = 5
"""A job that fails so often in a row is dropped."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A row in its round: the steps of each of its jobs, and when the slower one is done."""

    row: Row
    gpu_type: int
    steps: tuple[int, ...]
    start_s: float
    end_s: float


@dataclass(frozen=True)
class RoundResult:
    """What became of the jobs.

    Attributes
    ----------
    jct_s
        Of every job that ended, by number.
    dropped
        Jobs given up.
    makespan_s
        The last end.
    turns
        Who ran on which type, round by round; a round without any is left out.
    """

    jct_s: dict[int, float]
    dropped: tuple[int, ...]
    makespan_s: float
    turns: tuple[tuple[Turn, ...], ...]

    @property
    def rounds(self) -> int:
        """Rounds in which anything ran."""
        return len(self.turns)

    @property
    def mean_jct_s(self) -> float:
        """Mean over the jobs that ended."""
        return float(np.mean(list(self.jct_s.values())))


def simulate(
    jobs: Iterable[RoundJob],
    rates: Rates,
    gpus: IntArray,
    rule: Rule,
    round_s: float = ROUND_S,
    progress: Callable[[float], None] | None = None,
) -> RoundResult:
    """Run jobs on a cluster that hands out its GPUs anew in every round.

    A round ends when its slowest task ends, after at most `round_s`. Shares are computed anew when jobs came or went,
    but not within `RESET_S` of the last time. Preemption costs nothing, nodes do not matter.

    Parameters
    ----------
    gpus
        (K,) GPUs of each type.
    progress
        Called with the share of jobs that have ended.
    """
    in_order = sorted(jobs, key=lambda job: (job.submit_s, job.number))
    return _Rounds(in_order, rates, gpus, rule, round_s).run(progress)


class _Rounds:
    def __init__(self, jobs: Sequence[RoundJob], rates: Rates, gpus: IntArray, rule: Rule, round_s: float) -> None:
        self._to_come = list(reversed(jobs))
        self._total = len(jobs)
        self._rates, self._gpus, self._rule, self._round_s = rates, gpus, rule, round_s
        self._active: dict[int, RoundJob] = {}
        self._left: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._accounts = Accounts(len(gpus), round_s / 2)
        self._speeds: dict[Row, FloatArray] = {}
        self._changed = False
        self._now_s = 0.0
        self._jct_s: dict[int, float] = {}
        self._dropped: list[int] = []

    def run(self, progress: Callable[[float], None] | None) -> RoundResult:
        last_end_s = 0.0
        tasks: list[Turn] = []
        turns: list[tuple[Turn, ...]] = []
        while self._to_come or self._active:
            if tasks:
                self._now_s = max(task.end_s for task in tasks)
                for task in tasks:
                    self._complete(task, last_end_s)
                last_end_s = self._now_s
                if progress is not None:
                    progress((len(self._jct_s) + len(self._dropped)) / self._total)
            elif self._to_come:
                self._now_s = max(self._now_s, self._to_come[-1].submit_s)
            else:
                # Jobs wait for shares, and no arrival will ever bring the clock to where they are due.
                self._accounts.forget_reset()
            while self._to_come and self._to_come[-1].submit_s <= self._now_s:
                self._admit(self._to_come.pop())
            tasks = self._round()
            if tasks:
                turns.append(tuple(tasks))
        return RoundResult(dict(sorted(self._jct_s.items())), tuple(sorted(self._dropped)), self._now_s, tuple(turns))

    def _admit(self, job: RoundJob) -> None:
        self._accounts.open((job.number,))
        self._speeds[job.number,] = self._rates.solo(job.job_type, job.num_gpus)[np.newaxis]
        if self._rule.sharing:
            for other in self._active.values():
                if other.num_gpus == job.num_gpus:
                    first, second = sorted((other, job), key=lambda one: one.number)
                    row = (first.number, second.number)
                    self._accounts.open(row)
                    self._speeds[row] = self._rates.pair(first.job_type, second.job_type, job.num_gpus)
        self._active[job.number] = job
        self._left[job.number] = job.steps
        self._failures[job.number] = 0
        self._changed = True

    def _round(self) -> list[Turn]:
        """Choose who runs until when."""
        if self._changed and self._accounts.due(self._now_s, RESET_S):
            self._accounts.reset(self._now_s)
            self._allocate()
            self._changed = False
        rows = self._accounts.rows
        if not rows:
            return []
        priority, owed, shares = self._accounts.tables()
        speed = np.array([self._speeds[row].min(axis=0) for row in rows])
        members = np.array([row if len(row) == 2 else (row[0], ALONE) for row in rows])
        width = np.array([self._active[row[0]].num_gpus for row in rows])
        may_run = (speed > 0) & self._rule.may_run(priority)
        turns = choose((priority, owed, shares), may_run, members, width, self._gpus, self._rule.order())
        # Who came after shares were given may be chosen to fill a gap; in the published simulator its GPUs stay idle.
        return [self._task(rows[t.row], t.gpu_type) for t in turns if self._accounts.is_allocated(rows[t.row])]

    def _allocate(self) -> None:
        jobs = tuple(sorted(self._active.values(), key=lambda job: job.number))
        if not jobs:
            self._accounts.allocate({})
            return
        number = {job.number: place for place, job in enumerate(jobs)}
        pairs = sorted(row for row in self._accounts.rows if len(row) == 2)
        rows: list[Row] = [*((job.number,) for job in jobs), *pairs]
        rate = np.zeros((len(rows), 2, len(self._gpus)))
        for place, row in enumerate(rows):
            rate[place, : len(row)] = self._speeds[row]
        demands = Demands(
            members=np.array([(number[row[0]], number[row[1]] if len(row) == 2 else ALONE) for row in rows]),
            rate=rate,
            width=np.array([job.num_gpus for job in jobs], dtype=np.int64),
            gpus=self._gpus,
        )
        left = np.array([self._left[job.number] for job in jobs], dtype=np.float64)
        elapsed_s = np.array([self._now_s - job.submit_s for job in jobs])
        shares = self._rule.allocate(RoundView(self._now_s, jobs, demands, left, elapsed_s))
        self._accounts.allocate(dict(zip(rows, shares, strict=True)))

    def _task(self, row: Row, gpu_type: int) -> Turn:
        speeds = self._speeds[row][:, gpu_type].tolist()
        steps = tuple(min(int(v * self._round_s), self._left[job]) for job, v in zip(row, speeds, strict=True))
        end_s = max(self._now_s + n / v for n, v in zip(steps, speeds, strict=True))
        return Turn(row, gpu_type, steps, self._now_s, end_s)

    def _complete(self, task: Turn, last_end_s: float) -> None:
        """Count steps and time; a task of which some worker would get no step at all fails."""
        if any(steps // self._active[job].num_gpus == 0 for job, steps in zip(task.row, task.steps, strict=True)):
            self._fail(task.row)
            return
        self._accounts.charge(task.row, task.gpu_type, task.end_s - last_end_s)
        if len(task.row) == 1:
            self._failures[task.row[0]] = 0
        for job, steps in zip(task.row, task.steps, strict=True):
            self._left[job] -= steps
            if self._left[job] <= 0:
                self._jct_s[job] = task.end_s - self._active[job].submit_s
                self._remove(job)

    def _fail(self, row: Row) -> None:
        """Failures count against a job alone only, and call for new shares."""
        self._changed = True
        if len(row) == 1:
            job = row[0]
            self._failures[job] += 1
            if self._failures[job] >= MOST_FAILURES:
                self._dropped.append(job)
                self._remove(job)

    def _remove(self, job: int) -> None:
        for row in self._accounts.rows:
            if job in row:
                self._accounts.close(row)
                del self._speeds[row]
        del self._active[job], self._left[job], self._failures[job]
        self._changed = True
