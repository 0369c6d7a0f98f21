"""From a policy's decision to transitions of the world: checked as a whole first, so that a bad one changes nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from gogh_sim.engine.jobs import JobState
from gogh_sim.engine.world import World
from gogh_sim.errors import InvalidDecisionError
from gogh_sim.policy import NOTHING, Decision, Placement
from gogh_sim.types import GpuId, JobId


@dataclass(frozen=True, slots=True)
class Moves:
    """A checked decision, by GPU number: who leaves, who starts, who moves, which GPUs are capped."""

    evict: tuple[JobState, ...]
    start: tuple[tuple[JobState, tuple[int, ...]], ...]
    move: tuple[tuple[JobState, tuple[int, ...]], ...]
    caps: tuple[tuple[int, float], ...]

    @property
    def changes_nothing(self) -> bool:
        """Whether the placement stays as it is."""
        return not (self.evict or self.start or self.move)


NO_MOVES = Moves((), (), (), ())


def resolve(decision: Decision, world: World) -> Moves:
    """Check a decision against the world.

    Raises
    ------
    InvalidDecisionError
        If it names unknown jobs or GPUs, splits a gang, uses a type that a job must not or cannot use, or puts more
        jobs or memory on a GPU than it holds.
    """
    if decision is NOTHING:
        return NO_MOVES
    evict = tuple(_running(world, job_id) for job_id in sorted(decision.evict))
    start, move = [], []
    for job_id, placement in decision.place.items():
        if job_id in decision.evict:
            raise InvalidDecisionError(f"job {job_id} is both placed and evicted")
        state = _active(world, job_id)
        gpus = _gang(world, state, placement)
        if not state.gpus:
            start.append((state, gpus))
        elif state.gpus != gpus:
            move.append((state, gpus))
    _check_room(world, [*evict, *[state for state, _ in move]], [*start, *move])
    caps = tuple((_gpu(world, gpu), watts) for gpu, watts in sorted(decision.power_caps.items()))
    return Moves(evict, tuple(start), tuple(move), caps)


def _active(world: World, job_id: JobId) -> JobState:
    state = world.running.get(job_id) or world.pending.get(job_id)
    if state is None:
        raise InvalidDecisionError(f"job {job_id} is neither pending nor running")
    return state


def _running(world: World, job_id: JobId) -> JobState:
    if job_id not in world.running:
        raise InvalidDecisionError(f"job {job_id} cannot be evicted: it is not running")
    return world.running[job_id]


def _gpu(world: World, gpu: GpuId) -> int:
    number = world.cluster.index_of.get(gpu)
    if number is None:
        raise InvalidDecisionError(f"GPU {gpu} is not in cluster {world.cluster.name}")
    return number


def _gang(world: World, state: JobState, placement: Placement) -> tuple[int, ...]:
    job = state.job
    gpus = tuple(sorted([_gpu(world, gpu) for gpu in placement]))
    if len(gpus) != job.num_gpus or len(set(gpus)) != len(gpus):
        raise InvalidDecisionError(
            f"job {job.job_id} needs {job.num_gpus} different GPUs, found {', '.join(map(str, placement)) or 'none'}"
        )
    # GPUs of one type have one answer: the first of each stands for all.
    for number, gpu in {world.book.type_of[gpu]: gpu for gpu in reversed(gpus)}.items():
        gpu_type = world.cluster.type_names[number]
        if not job.allows(gpu_type):
            raise InvalidDecisionError(f"job {job.job_id} may not run on {gpu_type}")
        if math.isnan(world.physics.solo_rate(state.workload, gpu)):
            raise InvalidDecisionError(f"job {job.job_id} ({job.workload}) cannot run on {gpu_type}")
    return gpus


def _check_room(world: World, leaving: list[JobState], coming: list[tuple[JobState, tuple[int, ...]]]) -> None:
    jobs: defaultdict[int, int] = defaultdict(int)
    memory: defaultdict[int, float] = defaultdict(float)
    for sign, held in ((-1, [(state, state.gpus) for state in leaving]), (1, coming)):
        for state, gpus in held:
            for gpu in gpus:
                jobs[gpu] += sign
                memory[gpu] += sign * world.memory_gib[state.workload]
    book, cluster = world.book, world.cluster
    for gpu in sorted({gpu for _, gpus in coming for gpu in gpus}):
        name = cluster.gpu_ids[gpu]
        if world.outage.down[gpu]:
            raise InvalidDecisionError(f"GPU {name} has broken down")
        if len(book.residents[gpu]) + jobs[gpu] > cluster.theta:
            raise InvalidDecisionError(f"GPU {name} would hold more than theta = {cluster.theta} jobs")
        capacity = cluster.gpu_types[book.type_of[gpu]].memory_gib
        if book.memory_of(gpu) + memory[gpu] > capacity * (1 + 1e-9):
            raise InvalidDecisionError(f"GPU {name} would need more than its {capacity:g} GiB of memory")
