"""The clock never falls short of the time that a delay aims at."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from gogh_sim.engine.clock import delay_s

times = st.floats(0.0, 1e9)


@given(times, times)
@example(8.564005663967556, 99.09896448688151)
def test_the_clock_reaches_the_time_aimed_at_and_overshoots_by_one_float_at_most(one: float, other: float) -> None:
    now_s, then_s = sorted((one, other))
    reached_s = now_s + delay_s(now_s, then_s)
    assert then_s <= reached_s <= math.nextafter(then_s, math.inf)
