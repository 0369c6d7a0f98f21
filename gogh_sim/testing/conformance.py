"""The rules that every policy has to keep, each as a check that names what was broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from gogh_sim.engine import Records
from gogh_sim.errors import InvalidDecisionError
from gogh_sim.policy import Attentive, ClusterView, Decision, Learner, PolicyContext, Scheduler, ThroughputSource
from gogh_sim.testing.worlds import World, random_job, random_profile, random_world

MakePolicy: TypeAlias = Callable[[PolicyContext, ThroughputSource], Scheduler]
"""Builds a fresh policy; the second argument is the truth, for policies that are told it."""

_SEEDS = (1, 2)
_LIGHT_GIB, _HEAVY_GIB = 4.0, 10.0
_SAME_FOR_ALL = ("jobs", "events", "decisions", "estimates")


class ConformanceError(AssertionError):
    """A policy broke a rule; the message says which, in which world, and how."""


def check(name: str, make: MakePolicy) -> None:
    """Run one of `CHECKS` on a policy, in several random worlds.

    Raises
    ------
    ConformanceError
        If the policy breaks the rule.
    """
    for seed in _SEEDS:
        CHECKS[name](make, seed)


def capacity(make: MakePolicy, seed: int) -> None:
    """Never more jobs on a GPU than theta, gangs whole and on GPUs there are, only known jobs moved."""
    _run(make, random_world(seed, _LIGHT_GIB))


def memory(make: MakePolicy, seed: int) -> None:
    """Never more memory on a GPU than it has, where two workloads fit the larger type only."""
    _run(make, random_world(seed, _HEAVY_GIB))


def determinism(make: MakePolicy, seed: int) -> None:
    """The same world and seed give the same tables, to the last bit, from two fresh policies."""
    world = random_world(seed)
    first, second = _run(make, world), _run(make, world)
    for table in _SAME_FOR_ALL:
        if not getattr(first, table).equals(getattr(second, table)):
            raise ConformanceError(f"world {seed}: table {table} differs between two equal runs")


def starvation(make: MakePolicy, seed: int) -> None:
    """Once no more jobs arrive, every job that fits the cluster ends."""
    jobs = _run(make, random_world(seed)).jobs
    left = jobs.loc[jobs["status"] == "unfinished", "job_id"].tolist()
    if left:
        raise ConformanceError(f"world {seed}: {len(left)} jobs never ended, the first of them {left[0]}")


def no_peeking_ahead(make: MakePolicy, seed: int) -> None:
    """What is decided does not depend on jobs that have not arrived yet."""
    world = random_world(seed)
    turn_s = world.jobs[len(world.jobs) // 2].submit_s
    rng = np.random.default_rng(seed)
    others = tuple(job if job.submit_s < turn_s else random_job(job.job_id, job.submit_s, rng) for job in world.jobs)
    here, there = (_run(make, one).events for one in (world, replace(world, jobs=others)))
    _require_same(here[here["time_s"] < turn_s], there[there["time_s"] < turn_s], f"world {seed}: before {turn_s:g} s")


def no_peeking_at_speeds(make: MakePolicy, seed: int) -> None:
    """The first decision, before anything was measured, does not depend on how fast jobs will turn out to run."""
    world = random_world(seed)
    other = random_profile(world.profile.workloads, np.random.default_rng(seed + 1000))
    here, there = (_run(make, one).events for one in (world, replace(world, profile=other)))
    _require_same(here[here["time_s"] == 0], there[there["time_s"] == 0], f"world {seed}: at the start")


def attention(make: MakePolicy, seed: int) -> None:
    """What the policy does not name among the wake-ups that it needs would have changed nothing.

    A learner is left out: asked more often it is also told of measurements at other times.
    """
    world = random_world(seed, num_jobs=60)
    asked, pestered = (make(world.context(), world.truth()) for _ in range(2))
    if not isinstance(asked, Attentive) or isinstance(asked, Learner):
        return
    here, there = _run_policy(asked, world).events, _run_policy(_Pestered(pestered), world).events
    _require_same(here, there, f"world {seed}: asked as it states, then always")


class _Pestered:
    """Hides what a policy states, so that it is asked at every wake-up."""

    def __init__(self, policy: Scheduler) -> None:
        self._policy = policy

    def decide(self, view: ClusterView) -> Decision:
        return self._policy.decide(view)


CHECKS: Mapping[str, Callable[[MakePolicy, int], None]] = {
    rule.__name__: rule
    for rule in (capacity, memory, determinism, starvation, no_peeking_ahead, no_peeking_at_speeds, attention)
}


def _run(make: MakePolicy, world: World) -> Records:
    return _run_policy(make(world.context(), world.truth()), world)


def _run_policy(policy: Scheduler, world: World) -> Records:
    try:
        return world.run(policy)
    except InvalidDecisionError as error:
        raise ConformanceError(f"world {world.seed}: {error}") from error


def _require_same(here: pd.DataFrame, there: pd.DataFrame, where: str) -> None:
    here, there = (table.reset_index(drop=True) for table in (here, there))
    for number in range(max(len(here), len(there))):
        pair = [table.iloc[number].to_dict() if number < len(table) else None for table in (here, there)]
        if str(pair[0]) != str(pair[1]):
            raise ConformanceError(f"{where}, the policy did {pair[0]} in one run and {pair[1]} in the other")
