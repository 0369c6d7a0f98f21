"""When to give up on the jobs that wait: nothing has moved for long, and nothing that is to come could help them."""

from __future__ import annotations

import math

from gogh_sim.engine.world import World


class StallClock:
    """Counts how long nothing has run, begun or come.

    Who waits may wait for a repair. So after `stall_s` the outages that have begun by then are waited for, to the end
    of the last of them; outages that begin later are not, or a policy that never starts anybody would wait for ever.
    While a service waits the clock does not run out: its requests change, and its lifetime ends, at their times.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since_s = 0.0
        self._repaired_s = -math.inf
        self._until_s: float | None = None

    def restart(self, now_s: float) -> None:
        """Something moves, or is sure to."""
        self._since_s = now_s
        self._until_s = None

    def expect_repair(self, end_s: float) -> None:
        """An outage has begun that ends at `end_s`."""
        self._repaired_s = max(self._repaired_s, end_s)

    def has_run_out(self, world: World, now_s: float) -> bool:
        """Whether to give up, at a moment when nothing runs, nothing begins and nobody new is to come."""
        if any(state.serving is not None for state in world.pending.values()):
            return False
        if now_s - self._since_s < self._stall_s:
            return False
        if self._until_s is None:
            self._until_s = self._repaired_s
        return now_s >= self._until_s
