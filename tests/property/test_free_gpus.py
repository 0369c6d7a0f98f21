"""Free GPUs remember their last answer; what they answer is what they would say if they did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_placement_packing import random_fleet

from gogh_sim.placement.fleet import FreeGpus


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_answers_do_not_depend_on_those_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fleet = random_fleet(rng, 2)
    free = FreeGpus(fleet)
    held: list[tuple[int, ...]] = []
    for _ in range(25):
        gpu_type, width = int(rng.integers(0, 2)), int(rng.integers(1, 3))
        found = free.whole(gpu_type, width)
        assert found == FreeGpus(replace(fleet, available=free.free.copy())).whole(gpu_type, width)
        others = np.flatnonzero(free.free)
        if found is not None and rng.random() < 0.5:
            held.append(found)
            free.take(found)
        elif others.size and rng.random() < 0.5:
            held.append((int(rng.choice(others)),))
            free.take(held[-1])
        elif held:
            free.give_back(held.pop(int(rng.integers(0, len(held)))))
