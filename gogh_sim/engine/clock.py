"""What the engine adds to SimPy's clock: the last event of a moment, and delays that do not fall short."""

from __future__ import annotations

import math

import simpy
from simpy.events import EventPriority

_LAST = EventPriority(2)


class Last(simpy.Event):
    """An event now, but after every other event of this timestamp: SimPy's own priorities are 0 and 1."""

    def __init__(self, env: simpy.Environment) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, priority=_LAST)


def delay_s(now_s: float, then_s: float) -> float:
    """Delay after which the clock, which adds it to `now_s` and rounds, has not fallen short of `then_s`."""
    delay = then_s - now_s
    return delay if now_s + delay >= then_s else math.nextafter(delay, math.inf)
