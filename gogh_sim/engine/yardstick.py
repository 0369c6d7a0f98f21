"""SimPy's bare event loop, which the engine's speed is measured against."""

from __future__ import annotations

import time

import simpy


def simpy_events_per_s(events: int = 200_000) -> float:
    """Events per CPU second of one SimPy process that does nothing but wait, `events` times."""
    environment = simpy.Environment()

    def ticks() -> simpy.events.ProcessGenerator:
        for _ in range(events):
            yield environment.timeout(1.0)

    environment.process(ticks())
    began = time.process_time()
    environment.run()
    return events / (time.process_time() - began)
