"""What the optimiser carries over from one decision to the next: columns that were good, by the jobs in them.

Groups are drawn anew each time, so a column is remembered by one job of each of its groups; it is looked up where those
jobs are now. Hints save pricing rounds and decide nothing: any set of them leads to the same proven bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gogh_sim.placement import MOST_MEMBERS
from gogh_sim.types import IntArray, JobId

_NOBODY = -1


class Hint(NamedTuple):
    """A GPU type and the jobs that stand for the members of a column on it."""

    gpu_type: int
    jobs: tuple[JobId, ...]


def remembered(hints: IntArray, names: Sequence[Sequence[JobId]]) -> list[Hint]:
    """Hints as (n, 4) rows of type and groups (see `placement.Solution`), by jobs; `names` lists those of each group.

    Members of one group are stood for by different jobs, as far as it has them, since they may part.
    """
    found = []
    for gpu_type, *members in hints.tolist():
        groups = [names[g] for g in members if g != _NOBODY]
        found.append(Hint(gpu_type, tuple(group[-place % len(group)] for place, group in enumerate(groups))))
    return found


def recalled(hints: Sequence[Hint], names: Sequence[Sequence[JobId]]) -> IntArray:
    """(n, 4) hints by the groups that their jobs are in now; those of jobs that have left are gone."""
    group_of = {job_id: number for number, members in enumerate(names) for job_id in members}
    rows = [
        (hint.gpu_type, *(group_of[job] for job in hint.jobs), *[_NOBODY] * (MOST_MEMBERS - len(hint.jobs)))
        for hint in hints
        if all(job in group_of for job in hint.jobs)
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 1 + MOST_MEMBERS)
