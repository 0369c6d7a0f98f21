"""Workloads and SLAs for jobs of traces that carry neither: a documented mix, drawn job by job.

Traces tell GPUs, run time and fraction, never the model. The mix is an assumption, stated in `Mix`: gangs train, runs
on a fraction of a GPU mostly serve, and larger or longer jobs get larger models. Each job's numbers come from a hash of
the seed and its job id alone, so a job keeps its workload whatever other jobs a window holds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from gogh_sim.errors import InputError
from gogh_sim.traces.schema import Trace
from gogh_sim.types import BoolArray, FloatArray, JobKind, Workload

_BLOCK_ROWS = 1 << 16  # jobs weighed at once: bounds memory, never the result


@dataclass(frozen=True, slots=True)
class Mix:
    """How workloads are chosen; every number is an assumption, to be varied by configuration.

    Attributes
    ----------
    inference_fraction, inference_single, inference_gang
        Share of inference among jobs on a fraction of a GPU, on one GPU, and on several.
    size_fraction, size_single, size_per_doubling
        Where a job aims among the workloads of its kind ranked by parameters, 0 smallest to 1 largest: on a
        fraction, on one GPU, and what every doubling of the GPUs adds.
    size_per_decade
        What every tenfold of run time above `usual_s` adds, and below takes away.
    usual_s
        Run time in seconds that moves the aim neither way; the median of openb is 610 s, of Philly 1,173 s.
    spread
        Standard deviation around the aim, in ranks.
    """

    inference_fraction: float = 0.6
    inference_single: float = 0.2
    inference_gang: float = 0.0
    size_fraction: float = 0.3
    size_single: float = 0.45
    size_per_doubling: float = 0.12
    size_per_decade: float = 0.15
    usual_s: float = 1000.0
    spread: float = 0.25

    def __post_init__(self) -> None:
        for name in ("inference_fraction", "inference_single", "inference_gang"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"workload mix: {name} must lie in [0, 1], found {getattr(self, name)}")
        if not (self.spread > 0 and self.usual_s > 0):
            raise InputError("workload mix: spread and usual_s must be positive")


class SlaClass(NamedTuple):
    """A class of service: the deadline is submission + `slack` x duration; infinite slack is best effort."""

    slack: float
    share: float


DEFAULT_SLA = (SlaClass(1.5, 0.25), SlaClass(2.0, 0.25), SlaClass(4.0, 0.25), SlaClass(math.inf, 0.25))
"""Slacks in the range of the Chronus trace's deadlines (1.1 to 5 times the duration, median 2); even shares assumed."""


def assign_workloads(
    trace: Trace,
    workloads: Sequence[Workload],
    type_memory_gib: Mapping[str, float],
    rng: np.random.Generator,
    mix: Mix | None = None,
) -> Trace:
    """Trace whose jobs have the column `workload`; names that it gave are kept.

    A job gets only workloads whose memory fits a GPU of at least one type it accepts.

    Parameters
    ----------
    trace
        Its `gpu_models` name GPU types (see `mapping.map_models`).
    workloads
        What to choose from.
    type_memory_gib
        Usable memory of each GPU type there is.
    rng
        Takes one draw: the seed of the hash.

    Raises
    ------
    InputError
        If a job accepts only unknown types, no workload fits the types it accepts, or its own workload is unknown.
    """
    mix, jobs = mix or Mix(), trace.jobs
    uniform = _uniforms(jobs["job_id"], rng, 2)
    names = [w.name for w in workloads]
    given = _given(trace, names)
    drawn = np.empty(len(jobs), dtype=object)
    for rows in np.array_split(np.arange(len(jobs)), max(1, math.ceil(len(jobs) / _BLOCK_ROWS))):
        block = jobs.iloc[rows]
        weights = _weights(block, workloads, type_memory_gib, mix, uniform[rows, 0])
        edges = np.cumsum(weights, axis=1)
        total = edges[:, -1]
        target = np.minimum(uniform[rows, 1] * total, np.nextafter(total, 0))
        drawn[rows] = np.array(names, dtype=object)[(edges <= target[:, None]).sum(axis=1)]
    return trace.assign(workload=np.where(given == "", drawn, given))


def _given(trace: Trace, names: Sequence[str]) -> pd.Series[str]:
    """Workloads that the trace itself names, empty where it names none."""
    jobs = trace.jobs
    given = jobs["workload"] if "workload" in jobs else pd.Series("", index=jobs.index, dtype=str)
    unknown = sorted(set(given[given != ""]) - set(names))
    if unknown:
        what = f"the trace names the workload {unknown[0]!r}, which the profile lacks"
        raise InputError(what, file=trace.source, column="workload")
    return given


def _weights(
    jobs: pd.DataFrame,
    workloads: Sequence[Workload],
    type_memory_gib: Mapping[str, float],
    mix: Mix,
    kind_uniform: FloatArray,
) -> FloatArray:
    """(jobs, workloads): relative chance of each workload, 0 where it does not fit."""
    fits = _fits(jobs, workloads, type_memory_gib)
    serves = np.array([w.kind is JobKind.INFERENCE for w in workloads])
    allowed = _of_kind(fits, serves, kind_uniform < _inference_share(jobs, mix))
    away = (_ranks(workloads)[None, :] - _aim(jobs, mix)[:, None]) / mix.spread
    return np.where(allowed, np.exp(-0.5 * np.clip(away, -8, 8) ** 2), 0.0)


def _uniforms(job_ids: pd.Series[str], rng: np.random.Generator, count: int) -> FloatArray:
    """Numbers in [0, 1), `count` a job, from a keyed hash of the job id."""
    key = rng.bytes(16)
    digests = b"".join(hashlib.blake2b(name.encode(), key=key, digest_size=8 * count).digest() for name in job_ids)
    whole = np.frombuffer(digests, dtype="<u8").reshape(-1, count) >> np.uint64(11)
    return np.asarray(whole * 2.0**-53, dtype=np.float64)


def _fits(jobs: pd.DataFrame, workloads: Sequence[Workload], type_memory_gib: Mapping[str, float]) -> BoolArray:
    """(jobs, workloads): whether the workload fits the largest GPU the job accepts."""
    if not workloads or not type_memory_gib:
        raise InputError("workloads are assigned from at least one workload and one GPU type")
    most = {spec: _most_memory(spec, type_memory_gib) for spec in jobs["gpu_models"].unique()}
    largest = jobs["gpu_models"].map(most).to_numpy(np.float64)
    fits: BoolArray = np.array([w.memory_gib for w in workloads])[None, :] <= largest[:, None]
    stuck = ~fits.any(axis=1)
    if stuck.any():
        job = jobs.iloc[int(np.argmax(stuck))]
        raise InputError(
            f"job {job['job_id']}: no workload fits the GPU types it accepts ({job['gpu_models'] or 'any'})"
        )
    return fits


def _most_memory(spec: str, type_memory_gib: Mapping[str, float]) -> float:
    accepted = spec.split("|") if spec else list(type_memory_gib)
    known = [type_memory_gib[name] for name in accepted if name in type_memory_gib]
    if not known:
        raise InputError(f"jobs accept only {spec!r}, but the GPU types are {sorted(type_memory_gib)}")
    return max(known)


def _inference_share(jobs: pd.DataFrame, mix: Mix) -> FloatArray:
    gang, fraction = jobs["num_gpus"] > 1, jobs["gpu_fraction"] < 1
    return np.where(gang, mix.inference_gang, np.where(fraction, mix.inference_fraction, mix.inference_single))


def _of_kind(fits: BoolArray, serves: BoolArray, wants_inference: BoolArray) -> BoolArray:
    """Workloads that fit and are of the kind drawn; the other kind where none is."""
    wanted = fits & (serves[None, :] == wants_inference[:, None])
    return np.where(wanted.any(axis=1)[:, None], wanted, fits)


def _ranks(workloads: Sequence[Workload]) -> FloatArray:
    """Rank by parameters among the workloads of the same kind, 0 smallest to 1 largest."""
    frame = pd.DataFrame({"kind": [str(w.kind) for w in workloads], "size": [w.parameters_m for w in workloads]})
    places = frame.groupby("kind")["size"].rank(method="average") - 1
    counts = frame.groupby("kind")["size"].transform("size")
    return (places / (counts - 1).clip(lower=1)).to_numpy(np.float64)


def _aim(jobs: pd.DataFrame, mix: Mix) -> FloatArray:
    base = np.where(jobs["gpu_fraction"] < 1, mix.size_fraction, mix.size_single)
    doublings = np.log2(jobs["num_gpus"].to_numpy(np.float64))
    decades = np.log10(jobs["duration_s"].to_numpy(np.float64) / mix.usual_s)
    aim: FloatArray = base + mix.size_per_doubling * doublings + mix.size_per_decade * decades
    return aim.clip(0.0, 1.0)


def assign_sla(trace: Trace, classes: Sequence[SlaClass | tuple[float, float]], rng: np.random.Generator) -> Trace:
    """Trace whose jobs have the column `deadline_s`, submission + slack x duration, infinite for best effort.

    Deadlines that the trace gave are kept; nan there stands for none given.

    Parameters
    ----------
    classes
        Slack and share of each; shares are relative to their sum.
    rng
        Takes one draw: the seed of the hash.

    Raises
    ------
    InputError
        If a slack is below 1, no class has a share, or a deadline of the trace is not after its job's submission.
    """
    jobs = trace.jobs
    slacks, shares = np.array([c[0] for c in classes]), np.array([c[1] for c in classes])
    if not (len(shares) and (shares >= 0).all() and 0 < shares.sum() < math.inf and (slacks >= 1).all()):
        raise InputError(f"SLA classes need slacks of at least 1 and a positive sum of shares, found {list(classes)}")
    edges = np.cumsum(shares) / shares.sum()
    drawn = np.searchsorted(edges[:-1], _uniforms(jobs["job_id"], rng, 1)[:, 0], side="right")
    submit, duration = jobs["submit_s"].to_numpy(np.float64), jobs["duration_s"].to_numpy(np.float64)
    own = jobs["deadline_s"].to_numpy(np.float64) if "deadline_s" in jobs else np.full(len(jobs), np.nan)
    early = own <= submit
    if early.any():
        job = jobs.iloc[int(np.argmax(early))]
        what = f"job {job['job_id']}: deadline_s {job['deadline_s']} is not after its submission"
        raise InputError(what, file=trace.source, column="deadline_s")
    return trace.assign(deadline_s=np.where(np.isnan(own), submit + slacks[drawn] * duration, own))
