"""Which moves between nodes of one type pay, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.placement import DrainSettings, Fleet, Tenants, drain

Tenant = tuple[tuple[int, ...], float]


def fleet(*sizes: int, types: tuple[int, ...] = (), off: tuple[int, ...] = ()) -> Fleet:
    node_of = np.repeat(np.arange(len(sizes)), sizes)
    node_type = np.array(types or (0,) * len(sizes))
    on = np.array([node not in off for node in range(len(sizes))])
    return Fleet(node_type[node_of], node_of, np.ones(node_of.size, dtype=bool), on)


def drained(
    gpus: Fleet,
    *tenants: Tenant,
    cost_j: float = 0.0,
    delay_s: float = 0.0,
    fixed: tuple[int, ...] = (),
    settings: DrainSettings | None = None,
) -> list[tuple[int, ...]]:
    """Tenants as (GPUs, seconds they stay) on nodes of 100 W; every move costs the same."""
    size = len(tenants)
    return drain(
        Tenants(
            [held for held, _ in tenants],
            np.array([stay_s for _, stay_s in tenants]),
            np.full(size, delay_s),
            np.full(size, cost_j),
            np.array([tenant not in fixed for tenant in range(size)]),
        ),
        gpus,
        np.full(gpus.node_on.size, 100.0),
        settings or DrainSettings(gain=2.0),
    )


def test_two_half_empty_nodes_become_one() -> None:
    """Node 0 would be empty first, so it goes: 100 W for 500 s are saved."""
    assert drained(fleet(4, 4), ((0,), 500.0), ((4,), 800.0)) == [(5,), (4,)]


def test_moves_must_save_a_multiple_of_their_cost() -> None:
    """On together for 500 s of 100 W: 50 kJ, the delay of 60 s prolongs nothing; twice the cost is the limit."""
    tenants = ((0,), 500.0), ((4,), 800.0)
    assert drained(fleet(4, 4), *tenants, cost_j=24_900.0, delay_s=60.0) == [(5,), (4,)]
    assert drained(fleet(4, 4), *tenants, cost_j=25_100.0, delay_s=60.0) == [(0,), (4,)]


def test_staying_longer_elsewhere_counts_against_a_move() -> None:
    """Node 0 has less in use. Its tenant keeps it on for 900 s, and node 1 for 900 + 60 - 400 = 560 s more.

    That saves 340 s of 100 W. Moving the two of node 1 keeps no node on for longer, and saves its 400 s.
    """
    tenants = ((0,), 900.0), ((4,), 400.0), ((5,), 400.0)
    assert drained(fleet(4, 4), *tenants, cost_j=16_900.0, delay_s=60.0) == [(6,), (4,), (5,)]
    assert drained(fleet(4, 4), *tenants, cost_j=17_100.0, delay_s=60.0) == [(0,), (4,), (5,)]
    assert drained(fleet(4, 4), *tenants, cost_j=9_900.0, fixed=(0,)) == [(0,), (1,), (2,)]


def test_a_node_is_emptied_whole_or_not_at_all() -> None:
    """One of two may not move, or has no room: the other stays as well."""
    tenants = ((0,), 500.0), ((1,), 500.0), ((4,), 900.0), ((5,), 900.0)
    assert drained(fleet(4, 4), *tenants, fixed=(2, 3)) == [(6,), (7,), (4,), (5,)]
    assert drained(fleet(4, 4), *tenants, fixed=(1, 2, 3)) == [(0,), (1,), (4,), (5,)]
    assert drained(fleet(4, 3), *tenants, fixed=(2, 3)) == [(0,), (1,), (4,), (5,)]


def test_the_target_that_stays_on_anyway_is_taken() -> None:
    """Node 1 is fuller, but node 2 stays on for as long as the newcomer."""
    found = drained(fleet(4, 4, 4), ((0,), 900.0), ((4, 5, 6), 300.0), ((8, 9), 900.0), fixed=(1, 2))
    assert found[0] == (10,)


def test_gangs_move_whole_or_not_at_all() -> None:
    assert drained(fleet(4, 4), ((0, 1), 500.0), ((4, 5, 6), 800.0)) == [(0, 1), (4, 5, 6)]
    assert drained(fleet(4, 4), ((0, 1), 500.0), ((4, 6), 800.0)) == [(5, 7), (4, 6)]


def test_a_gang_over_two_nodes_keeps_both_on() -> None:
    """The single on node 0 stays: node 0 is on for the gang anyway."""
    tenants = ((0, 4), 900.0), ((1,), 500.0), ((8,), 900.0)
    assert drained(fleet(4, 4, 4), *tenants, fixed=(2,)) == [(0, 4), (1,), (8,)]


def test_nobody_goes_to_another_type_or_to_an_unused_node() -> None:
    assert drained(fleet(4, 4, types=(0, 1)), ((0,), 500.0), ((4,), 800.0)) == [(0,), (4,)]
    assert drained(fleet(4, 4), ((0,), 500.0), ((1,), 800.0)) == [(0,), (1,)]


def test_a_node_that_is_on_goes_before_one_that_must_wake() -> None:
    found = drained(fleet(4, 4, 4, off=(1,)), ((0,), 500.0), ((4, 5), 900.0), ((8, 9), 900.0), fixed=(1, 2))
    assert found[0] == (10,)


def test_without_gating_there_is_nothing_to_save() -> None:
    tenants = ((0,), 500.0), ((4,), 800.0)
    assert drained(fleet(4, 4), *tenants, settings=DrainSettings(idle_s=np.inf)) == [(0,), (4,)]


def test_bad_settings_and_tenants_are_named() -> None:
    with pytest.raises(InputError, match="gain must be at least 1"):
        DrainSettings(gain=0.5)
    with pytest.raises(InputError, match="idle_s must not be negative"):
        DrainSettings(idle_s=-1.0)
    with pytest.raises(InputError, match="no GPU may have two tenants"):
        drained(fleet(4), ((0,), 1.0), ((0, 1), 1.0))
    with pytest.raises(InputError, match="stay_s must be finite"):
        drained(fleet(4), ((0,), np.inf))
