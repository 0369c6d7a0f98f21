"""When to give up on the jobs that wait: nothing has moved for long, and nothing that is to come could help them."""

from __future__ import annotations

import math

from gogh_sim.engine.world import World


class StallClock:
    """Counts how long nothing has run, begun or come.

    Who waits may wait for a repair. So after `stall_s` the outages that have begun by then are waited for, to the end
    of the last of them; outages that begin later are not, or a policy that never starts anybody would wait for ever.
    While a service waits the clock does not run out: its requests change, and its lifetime ends, at their times.

    It is set back at every wake-up and round tick at which something moves. While jobs run, a policy without rounds
    gets no ticks: the last one that it would have got is counted afterwards, so that all policies stall alike.
    """

    def __init__(self, stall_s: float, round_s: float) -> None:
        self._stall_s, self._round_s = stall_s, round_s
        self._running = False
        self._since_s = 0.0
        self._repaired_s = -math.inf
        self._until_s: float | None = None

    def restart(self, now_s: float, running: bool) -> None:
        """Something moves, or is sure to; `running`: jobs do so from now on."""
        self._since_s = now_s
        self._running = running
        self._until_s = None

    def expect_repair(self, end_s: float) -> None:
        """An outage has begun that ends at `end_s`."""
        self._repaired_s = max(self._repaired_s, end_s)

    def has_run_out(self, world: World, now_s: float) -> bool:
        """Whether to give up, at a moment when nothing runs, nothing begins and nobody new is to come."""
        if self._running:
            self._running = False
            last_tick_s = (math.ceil(now_s / self._round_s) - 1) * self._round_s
            self._since_s = max(self._since_s, last_tick_s)
        if any(state.serving is not None for state in world.pending.values()):
            return False
        if now_s - self._since_s < self._stall_s:
            return False
        if self._until_s is None:
            self._until_s = self._repaired_s
        return now_s >= self._until_s
