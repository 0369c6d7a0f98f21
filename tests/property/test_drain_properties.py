"""Whatever is drained: GPUs have one tenant, all stay on their type, no more nodes are on, and none for longer."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_placement_packing import random_fleet

from gogh_sim.placement import DrainSettings, Fleet, Tenants, drain
from gogh_sim.types import FloatArray


def random_tenants(rng: np.random.Generator, fleet: Fleet) -> Tenants:
    gpus: list[tuple[int, ...]] = []
    for gpu_type in np.unique(fleet.type_of).tolist():
        free = rng.permutation(np.flatnonzero((fleet.type_of == gpu_type) & fleet.available))
        while free.size and rng.random() < 0.85:
            width = min(int(rng.integers(1, 4)), free.size)
            gpus.append(tuple(sorted(free[:width].tolist())))
            free = free[width:]
    size = len(gpus)
    moved = rng.random(size) < 0.3
    return Tenants(
        gpus,
        rng.uniform(10.0, 10_000.0, size),
        np.where(moved, 0.0, 60.0),
        np.where(moved, 0.0, rng.uniform(0.0, 40_000.0, size)),
        rng.random(size) < 0.9,
    )


def on_j(gpus: list[tuple[int, ...]], stay_s: FloatArray, fleet: Fleet, node_w: FloatArray) -> float:
    """Joules of nodes until the last of their tenants ends."""
    until_s = np.zeros(node_w.size)
    for held, seconds in zip(gpus, stay_s.tolist(), strict=True):
        for gpu in held:
            until_s[fleet.node_of[gpu]] = max(until_s[fleet.node_of[gpu]], seconds)
    return float(until_s @ node_w)


@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(1.0, 4.0))
@settings(max_examples=300, deadline=None)
def test_moves_keep_capacity_and_save_what_they_promise(seed: int, gain: float) -> None:
    rng = np.random.default_rng(seed)
    fleet = random_fleet(rng, int(rng.integers(1, 3)))
    tenants, node_w = random_tenants(rng, fleet), rng.uniform(50.0, 500.0, fleet.node_on.size)
    found = drain(tenants, fleet, node_w, DrainSettings(gain=gain))
    before = list(tenants.gpus)
    taken = [gpu for gpus in found for gpu in gpus]
    assert len(found) == len(before)
    assert len(set(taken)) == len(taken)
    assert fleet.available[taken].all()
    moved = np.array([one != other for one, other in zip(found, before, strict=True)], dtype=bool)
    assert not moved[~tenants.movable].any()
    for one, other in zip(found, before, strict=True):
        assert len(one) == len(other)
        assert list(one) == sorted(one)
        assert set(fleet.type_of[list(one)]) == set(fleet.type_of[list(other)])
    used = {int(fleet.node_of[gpu]) for gpus in before for gpu in gpus}
    assert {int(fleet.node_of[gpu]) for gpu in taken} <= used
    saved = on_j(before, tenants.stay_s, fleet, node_w) - on_j(
        found, tenants.stay_s + moved * tenants.delay_s, fleet, node_w
    )
    assert saved >= gain * tenants.cost_j[moved].sum() - 1e-6 * node_w.sum() * tenants.stay_s.max(initial=0.0)
