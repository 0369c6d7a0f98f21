"""One batched pass of P1 over a round's questions, and the training of the shipped weights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from gogh_sim import profiles
from gogh_sim.estimators import EstimatedSource, TrainingSettings, load, train
from gogh_sim.pretraining import HELD_OUT_SHARE, choose_held_out, history_from_profile
from gogh_sim.types import Job, JobKind, Workload


@dataclass(frozen=True, slots=True)
class Case:
    """`pending` jobs of `new` workloads that nobody has seen, against `groups` of known ones on every GPU type.

    Jobs of one workload are one question to the networks; with as many new workloads as jobs nothing is shared.
    """

    name: str
    pending: int
    new: int
    groups: int


STANDARD = (Case("round", 2_000, 100, 200), Case("all different", 200, 200, 200))


@dataclass(frozen=True, slots=True)
class EstimatorRecord:
    """What one case took: `questions` are (pending job, known group, GPU type), `wall_s` from public facts to beliefs
    about all of them, `train_s` the training of the shipped weights in CPU seconds, `parameters` those of P1 and P2."""

    name: str
    questions: int
    wall_s: float
    train_s: float
    parameters: int


def bench(case: Case) -> EstimatorRecord:
    """Ask P1 about every workload, and a source about every job beside every group."""
    estimator, kinds = load(), profiles.load().gpu_types
    train_s = _train_s()
    known = estimator.record.history.workloads
    fresh = _new(known, case.new)
    jobs = [_job(f"j{i}", fresh[i % case.new]) for i in range(case.pending)]
    groups = [_job(f"g{i}", known[i % len(known)]) for i in range(case.groups)]
    began = time.perf_counter()
    source = EstimatedSource.refined({w.name: w for w in (*known, *fresh)}, kinds, estimator)
    asked = {job.workload: job for job in (*jobs, *groups)}
    beliefs = source.beliefs(list(asked.values()))
    number = {name: i for i, name in enumerate(asked)}
    rows, columns = (np.array([number[job.workload] for job in of]) for of in (jobs, groups))
    answers = beliefs.norm[np.ix_(np.arange(len(kinds)), rows, columns)]
    wall_s = time.perf_counter() - began
    parameters = sum(p.numel() for p in (*estimator.p1.parameters(), *estimator.p2.parameters()))
    return EstimatorRecord(case.name, answers.size, wall_s, train_s, parameters)


def _new(known: Sequence[Workload], count: int) -> list[Workload]:
    """Known workloads under new names, each with a little more work than any before."""
    rows = [known[i % len(known)] for i in range(count)]
    return [
        replace(w, name=f"new{i:04d}", gflop_per_sample=w.gflop_per_sample * (1.25 + 0.01 * i))
        for i, w in enumerate(rows)
    ]


def _job(job_id: str, workload: Workload) -> Job:
    return Job(job_id, 0.0, workload.name, JobKind.TRAINING, work=1.0, reference_s=1.0)


@cache
def _train_s() -> float:
    """CPU seconds of training as the shipped weights were, once a process."""
    history = history_from_profile(profiles.load())
    settings = TrainingSettings(held_out=choose_held_out(history, HELD_OUT_SHARE, 0))
    began = time.process_time()
    train(history, settings, 0)
    return time.process_time() - began
