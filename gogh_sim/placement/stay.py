"""Which use of a column takes over which GPUs in use, so that as few jobs as possible move."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from gogh_sim.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Instance:
    """One use of a column: GPU type, width, and the group of each member."""

    gpu_type: int
    width: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """GPUs that jobs hold together now, of one type: the GPUs, sorted, the jobs and the group of each."""

    gpus: tuple[int, ...]
    gpu_type: int
    jobs: tuple[int, ...]
    groups: tuple[int, ...]


Kept = tuple[int, Site, list[int]]
"""Number of an instance, the site that it takes over, and the jobs that stay there."""


def keep_in_place(instances: Sequence[Instance], sites: Sequence[Site], node_of: IntArray) -> list[Kept]:
    """Match instances with sites so that most jobs, counted in GPUs, stay; sorted by instance.

    Every site goes to at most one instance and no two chosen sites share a GPU. An instance whose groups are just those
    of a site takes it outright, which costs no other match anything: whoever else would keep k jobs there keeps as many
    at the site that this instance gives up. The rest is an assignment problem per type and width. Among equals the
    fuller node keeps its jobs.
    """
    by_kind: defaultdict[tuple[int, int], tuple[list[int], list[Site]]] = defaultdict(lambda: ([], []))
    for number, instance in enumerate(instances):
        by_kind[instance.gpu_type, instance.width][0].append(number)
    for site in _disjoint(sites):
        by_kind[site.gpu_type, len(site.gpus)][1].append(site)
    busy = np.bincount(
        node_of[[gpu for site in sites for gpu in site.gpus]] if sites else np.zeros(0, np.int64),
        minlength=int(node_of.max(initial=0)) + 1,
    )
    kept: list[Kept] = []
    for numbers, here in by_kind.values():
        pairs, numbers, here = _exact(instances, numbers, here)
        pairs += _assigned(instances, numbers, here, busy[node_of])
        kept += [(number, site, _stayers(instances[number], site)) for number, site in pairs]
    return sorted(kept, key=lambda entry: entry[0])


def _disjoint(sites: Sequence[Site]) -> list[Site]:
    """Sites that share no GPU with an earlier one."""
    taken: set[int] = set()
    found = []
    for site in sites:
        if taken.isdisjoint(site.gpus):
            taken.update(site.gpus)
            found.append(site)
    return found


def _exact(
    instances: Sequence[Instance], numbers: list[int], sites: list[Site]
) -> tuple[list[tuple[int, Site]], list[int], list[Site]]:
    waiting: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in reversed(numbers):
        waiting[tuple(sorted(instances[number].groups))].append(number)
    pairs, left = [], []
    for site in sites:
        queue = waiting.get(tuple(sorted(site.groups)))
        if queue:
            pairs.append((queue.pop(), site))
        else:
            left.append(site)
    return pairs, sorted(number for queue in waiting.values() for number in queue), left


def _assigned(
    instances: Sequence[Instance], numbers: list[int], sites: list[Site], busy: IntArray
) -> list[tuple[int, Site]]:
    if not numbers or not sites:
        return []
    stay: FloatArray = np.array([[_overlap(instances[n], site) for site in sites] for n in numbers], dtype=np.float64)
    fullness = np.array([float(busy[list(site.gpus)].mean()) for site in sites])
    # Below half a job in all, so that it decides between equals only.
    bonus = 0.5 * fullness / (1.0 + fullness.max()) / min(len(numbers), len(sites))
    rows, cols = linear_sum_assignment(np.where(stay > 0, stay + bonus, 0.0), maximize=True)
    return [(numbers[i], sites[j]) for i, j in zip(rows.tolist(), cols.tolist(), strict=True) if stay[i, j] > 0]


def _overlap(instance: Instance, site: Site) -> int:
    return sum((Counter(instance.groups) & Counter(site.groups)).values())


def _stayers(instance: Instance, site: Site) -> list[int]:
    wanted = Counter(instance.groups)
    jobs = []
    for job, group in zip(site.jobs, site.groups, strict=True):
        if wanted[group] > 0:
            wanted[group] -= 1
            jobs.append(job)
    return jobs
