"""When to give up on the jobs that wait: nothing has moved for long, and nothing that is to come could help them."""

from __future__ import annotations

import numpy as np

from gogh_sim.engine.world import World
from gogh_sim.types import IntArray


class StallClock:
    """Counts how long nothing has run, begun or come, although all that the waiting jobs could use was on offer.

    A repair can help if it puts more GPUs of one type on offer than there were at once since anything last moved, up
    to the widest gang that could run on that type. While such a repair is due the clock stands, and it starts anew
    when it comes. It also stands while a service waits, whose requests change and whose lifetime ends at its time.

    Parameters
    ----------
    stall_s
        How long to wait.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since_s = 0.0
        self._offered: IntArray | None = None

    def restart(self, now_s: float) -> None:
        """Something moves, or is sure to."""
        self._since_s = now_s
        self._offered = None

    def has_run_out(self, world: World, now_s: float) -> bool:
        """Whether to give up, at a moment when nothing runs, nothing begins and nobody new is to come."""
        useful = _widest_gangs(world)
        types = world.cluster.type_of[world.book.up]
        up = np.minimum(np.bincount(types, minlength=len(useful)), useful)
        if self._offered is None:
            self._offered = up
        grown = np.maximum(up, self._offered)
        serves = any(state.serving is not None for state in world.pending.values())
        if serves or (grown > self._offered).any() or (grown < useful).any():
            self._since_s = now_s
        self._offered = grown
        return now_s - self._since_s >= self._stall_s


def _widest_gangs(world: World) -> IntArray:
    """Per GPU type: GPUs of the widest gang that waits and would fit, were none of them out."""
    cluster = world.cluster
    widest = np.zeros(len(cluster.type_names), dtype=np.int64)
    for state in (next(iter(line.values())) for line in world.queue.by_shape.values()):
        for number, name in enumerate(cluster.type_names):
            if state.job.allows(name) and state.job.num_gpus <= cluster.gpus_per_type[number]:
                widest[number] = max(widest[number], state.job.num_gpus)
    return widest
