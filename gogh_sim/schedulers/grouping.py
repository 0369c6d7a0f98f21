"""Groups of jobs that the optimiser need not tell apart, coarser where there would be too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogh_sim.placement import MOST_MEMBERS, PENDING, Groups
from gogh_sim.schedulers.demand import Demand
from gogh_sim.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class _Grain:
    """How finely jobs are told apart: size classes per doubling, and classes of slack."""

    sizes: float
    slacks: float


_GRAINS = (_Grain(2.0, 8.0), _Grain(2.0, 4.0), _Grain(1.0, 2.0), _Grain(0.5, 1.0))
"""Finest first. Floors are told apart by steps of a fifth in all, see `_FLOOR_STEP`."""

_PARTNERED = 4
"""How many times as many groups there may be for partners to be told apart. Without that the program takes any two for
new to each other, so that it pays as much to leave them as to pair them anew, and does so round after round; but what
it costs to price all pairs grows with the square."""

_FLOOR_STEP = 1.2


@dataclass(frozen=True, eq=False)
class JobTable:
    """N jobs as arrays.

    `kind` (N,) numbers what beliefs tell apart, `width` GPUs, `memory_gib` per GPU, `remaining_s` reference seconds,
    `timed` whether they pass by the clock, `present_type` GPU type or `PENDING`, `partners` (N, 2) numbers of the jobs
    on just the same GPUs, then `PENDING`.
    """

    kind: IntArray
    width: IntArray
    memory_gib: FloatArray
    remaining_s: FloatArray
    timed: BoolArray
    present_type: IntArray
    partners: IntArray


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups, the kind of each, and the numbers of its jobs, dearest to leave queued first."""

    groups: Groups
    kind: IntArray
    members: tuple[tuple[int, ...], ...]


def group(jobs: JobTable, demand: Demand, most: int) -> Grouping:
    """Group jobs at the finest grain that yields at most `most` groups, else at the coarsest; then by their partners.

    A group's floor is the highest of its members', so that each of them meets its own; work left, queue cost and move
    cost are means. Where partners would make more than `_PARTNERED` times `most` groups of them, they do not count.
    """
    for grain in _GRAINS:
        number = _numbers(jobs, demand, grain)
        if number.max(initial=-1) < most:
            break
    beside = _in_order(np.where(jobs.partners == PENDING, PENDING, number[jobs.partners]))
    parted = _ranked(np.column_stack([number, beside]).astype(np.float64))
    tell = parted.max(initial=-1) < max(_PARTNERED * most, number.max(initial=-1) + 1)
    number = parted if tell else number
    size = int(number.max(initial=-1)) + 1
    count = np.bincount(number, minlength=size).astype(np.int64)
    first = np.full(size, number.size, dtype=np.int64)
    np.minimum.at(first, number, np.arange(number.size))
    floor = np.zeros((size, demand.floor.shape[1]))
    np.maximum.at(floor, number, demand.floor)
    partners = jobs.partners[first] if tell else np.full((size, MOST_MEMBERS - 1), PENDING)
    groups = Groups(
        count=count,
        width=jobs.width[first],
        memory_gib=jobs.memory_gib[first],
        remaining_s=np.bincount(number, weights=jobs.remaining_s, minlength=size) / count,
        timed=jobs.timed[first],
        allowed=_all_allowed(number, demand, size),
        floor=floor,
        queue_cost=np.bincount(number, weights=demand.queue_cost, minlength=size) / count,
        current_type=jobs.present_type[first],
        partners=_in_order(np.where(partners == PENDING, PENDING, number[partners])),
        move_cost=np.bincount(number, weights=demand.move_cost, minlength=size) / count,
    )
    order = np.lexsort((np.arange(number.size), -demand.queue_cost, number))
    members = np.split(order, np.cumsum(count)[:-1]) if size else []
    return Grouping(groups, jobs.kind[first], tuple(tuple(m.tolist()) for m in members))


def _numbers(jobs: JobTable, demand: Demand, grain: _Grain) -> IntArray:
    """(N,) group of each job, numbered in the order of their first jobs; partners aside."""
    size_class = np.floor(grain.sizes * np.log2(np.maximum(jobs.remaining_s, 1.0)))
    with np.errstate(divide="ignore"):
        floor_class = np.ceil(np.log(demand.floor.max(axis=1, initial=0.0)) / np.log(_FLOOR_STEP))
    parts = [
        jobs.kind,
        jobs.present_type,
        jobs.timed,
        size_class,
        np.maximum(floor_class, -100.0),
        np.floor(grain.slacks * demand.slack_gone),
        demand.urgent,
        demand.allowed @ (2 ** np.arange(demand.allowed.shape[1])),
    ]
    return _ranked(np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=1))


def _in_order(partners: IntArray) -> IntArray:
    """(N, 2) the same partners, ascending, `PENDING` behind them."""
    there = np.sort(np.where(partners == PENDING, np.iinfo(np.int64).max, partners), axis=1)
    return np.where(there == np.iinfo(np.int64).max, PENDING, there)


def _ranked(keys: FloatArray) -> IntArray:
    """(N,) number of each distinct row, in order of first appearance."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse.reshape(-1)]


def _all_allowed(number: IntArray, demand: Demand, size: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    allowed = np.ones((size, demand.allowed.shape[1]), dtype=np.bool_)
    np.logical_and.at(allowed, number, demand.allowed)
    return allowed
