"""Who shares which GPUs after a placement, for how long, and what moving them costs: what `drain` is asked with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from gogh_sim.placement import Tenants
from gogh_sim.policy import ActiveJob, Beliefs
from gogh_sim.schedulers.demand import DemandSettings, Offer
from gogh_sim.types import FloatArray, IntArray

_FOREVER_S = 1e9
"""Stands for the stay of a job that is believed not to advance at all where it is."""

Gpus = tuple[int, ...]


class Moving:
    """What moving N jobs between nodes of a type means to them.

    Parameters
    ----------
    jobs, kind
        The jobs, and per job its place in `beliefs`.
    present
        Per job: the GPUs that it holds before the decision; empty if it waits.
    node_w
        (N, T) watts that one GPU causes at its node when it runs the job alone.
    """

    def __init__(
        self,
        jobs: Sequence[ActiveJob],
        kind: IntArray,
        present: Sequence[Gpus],
        beliefs: Beliefs,
        offer: Offer,
        node_w: FloatArray,
        settings: DemandSettings,
    ) -> None:
        self._jobs, self._kind, self._present = jobs, kind, present
        self._beliefs, self._offer, self._node_w, self._settings = beliefs, offer, node_w, settings

    def tenants(self, placed: Mapping[int, Gpus], type_of: IntArray, now_s: float) -> Tenants:
        """Tenants of a placement, by the numbers of the jobs.

        Only who stays in place pays for a move: its restart, at the watts of running alone. It may be moved if it keeps
        its deadline after that, by the speeds believed, with their safety and a round to spare, or has missed it.
        """
        together: defaultdict[Gpus, list[int]] = defaultdict(list)
        for job, gpus in sorted(placed.items()):
            together[gpus].append(job)
        rows = [self._facts(crew, held, int(type_of[held[0]]), now_s) for held, crew in together.items()]
        stay_s, delay_s, cost_j, movable = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        return Tenants(list(together), stay_s, delay_s, cost_j, movable > 0)

    def _facts(self, crew: list[int], gpus: Gpus, gpu_type: int, now_s: float) -> tuple[float, float, float, bool]:
        stays = self._stays(crew, gpu_type)
        restart_s, safety = self._settings.restart_s, self._settings.safety
        reserve_s = restart_s + self._settings.round_s
        stay_s, delay_s, cost_j, movable = 0.0, 0.0, 0.0, True
        for job, ends_s in zip(crew, stays.tolist(), strict=True):
            stay_s = max(stay_s, ends_s)
            if self._present[job] == gpus:
                delay_s = restart_s
                cost_j += restart_s * len(gpus) * float(np.nan_to_num(self._node_w[job, gpu_type]))
                left_s = self._jobs[job].job.deadline_s - now_s
                movable &= ends_s < _FOREVER_S and (left_s <= 0 or ends_s * safety + reserve_s <= left_s)
        return stay_s, delay_s, cost_j, movable

    def _stays(self, crew: list[int], gpu_type: int) -> FloatArray:
        """Seconds until each of the jobs on a GPU ends; whoever ends leaves the others, and slowdowns add up."""
        remaining = np.array([self._jobs[job].remaining_s for job in crew])
        timed = np.array([self._jobs[job].job.service is not None for job in crew])
        alone = np.nan_to_num(self._offer.speed[crew, gpu_type], nan=0.0)
        kinds = self._kind[crew]
        norm = self._beliefs.norm[gpu_type][np.ix_(kinds, kinds)]
        slowdown = np.divide(1.0, norm, out=np.full(norm.shape, np.inf), where=norm > 0) - 1.0
        np.fill_diagonal(slowdown, 0.0)
        ends_s, going, now_s = np.full(len(crew), _FOREVER_S), np.arange(len(crew)), 0.0
        while going.size and now_s < _FOREVER_S:
            speed = alone[going] / (1.0 + slowdown[np.ix_(going, going)].sum(axis=1))
            pace = np.where(timed[going], 1.0, speed)
            left_s = _seconds(remaining[going], pace)
            first_s = float(left_s.min())
            now_s += first_s
            remaining[going] = np.maximum(remaining[going] - pace * first_s, 0.0)
            ends_s[going] = now_s
            going = going[left_s > first_s]
        return np.asarray(np.minimum(ends_s, _FOREVER_S))


def _seconds(remaining: FloatArray, speed: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(np.where(speed > 0, remaining / speed, _FOREVER_S), _FOREVER_S)
