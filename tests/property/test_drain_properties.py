"""Whatever is drained: one tenant a GPU, types that may be, gangs gathered, and as much energy saved as promised."""

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
    size, types = len(gpus), int(fleet.type_of.max()) + 1
    begun = rng.random(size) < 0.7
    stay_s = rng.uniform(10.0, 10_000.0, (size, types))
    may = rng.random((size, types)) < 0.7
    return Tenants(
        gpus,
        [held if stays else () for held, stays in zip(gpus, begun.tolist(), strict=True)],
        stay_s,
        rng.uniform(0.0, 2e6, (size, types)),
        may,
        np.where(begun, 60.0, 0.0),
        np.where(begun, rng.uniform(0.0, 40_000.0, size), 0.0),
    )


def total_j(
    gpus: list[tuple[int, ...]], tenants: Tenants, fleet: Fleet, node_w: FloatArray, settings: DrainSettings
) -> float:
    """Joules of the nodes until the last of their tenants ends, of those that wake, and of the tenants themselves."""
    until_s, run_j = np.zeros(node_w.size), 0.0
    for tenant, held in enumerate(gpus):
        kind = fleet.type_of[held[0]]
        asleep = not fleet.node_on[fleet.node_of[list(held)]].all()
        delay_s = 0.0 if held == tenants.home[tenant] else tenants.delay_s[tenant] + asleep * settings.wake_s
        run_j += tenants.run_j[tenant, kind]
        for gpu in held:
            until_s[fleet.node_of[gpu]] = max(until_s[fleet.node_of[gpu]], tenants.stay_s[tenant, kind] + delay_s)
    woken = (until_s > 0) & ~fleet.node_on
    return float(until_s @ node_w + run_j + settings.idle_s * node_w[woken].sum())


def restarts_j(gpus: list[tuple[int, ...]], tenants: Tenants) -> float:
    away = [held != home for held, home in zip(gpus, tenants.home, strict=True)]
    return float(tenants.cost_j[away].sum())


def spread(gpus: tuple[int, ...], fleet: Fleet) -> bool:
    return len(set(fleet.node_of[list(gpus)])) > 1


@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(1.0, 4.0))
@settings(max_examples=300)
def test_moves_keep_capacity_and_save_what_they_promise(seed: int, gain: float) -> None:
    rng = np.random.default_rng(seed)
    fleet = random_fleet(rng, int(rng.integers(1, 3)))
    tenants, node_w = random_tenants(rng, fleet), rng.uniform(50.0, 500.0, fleet.node_on.size)
    how = DrainSettings(gain=gain)
    found = drain(tenants, fleet, node_w, how)
    # Where nodes never go off, gangs are gathered and nothing more.
    gathered = drain(tenants, fleet, node_w, DrainSettings(gain=gain, idle_s=np.inf))
    taken = [gpu for gpus in found for gpu in gpus]
    assert len(found) == len(tenants.gpus)
    assert len(set(taken)) == len(taken)
    assert fleet.available[taken].all()
    for tenant, (one, between, other) in enumerate(zip(found, gathered, tenants.gpus, strict=True)):
        assert len(one) == len(between) == len(other)
        assert list(one) == sorted(one)
        assert len(set(fleet.type_of[list(one)])) == 1
        assert one == between or tenants.may[tenant, fleet.type_of[one[0]]]
        if between != other:
            assert len(set(fleet.node_of[list(between)])) == 1
            assert fleet.type_of[between[0]] == fleet.type_of[other[0]]
            assert spread(other, fleet) or tenants.may[tenant, fleet.type_of[one[0]]]
    before, after = sum(spread(gpus, fleet) for gpus in tenants.gpus), sum(spread(gpus, fleet) for gpus in gathered)
    assert after < before or gathered == list(tenants.gpus)
    begun_j = total_j(gathered, tenants, fleet, node_w, how)
    saved = begun_j - total_j(found, tenants, fleet, node_w, how)
    assert saved >= gain * (restarts_j(found, tenants) - restarts_j(gathered, tenants)) - 1e-6 * begun_j
