"""Which moves between nodes pay, by hand: nodes draw 100 W unless said otherwise."""

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
    new: tuple[int, ...] = (),
    home: dict[int, tuple[int, ...]] | None = None,
    elsewhere: dict[int, tuple[float, float]] | None = None,
    node_w: tuple[float, ...] = (),
    settings: DrainSettings | None = None,
) -> list[tuple[int, ...]]:
    """Tenants as (GPUs, seconds they stay); all run at home but the `new`, every other move costs the same.

    `fixed` ones go nowhere, and `elsewhere` gives seconds and joules beyond
    those at home on any other type; without it no tenant leaves its type.
    """
    size, types = len(tenants), int(gpus.type_of.max()) + 1
    stay_s, run_j, may = np.ones((size, types)), np.zeros((size, types)), np.zeros((size, types), dtype=np.bool_)
    for one, (held, seconds) in enumerate(tenants):
        own = gpus.type_of[held[0]]
        if elsewhere and one in elsewhere:
            stay_s[one], run_j[one], may[one] = *elsewhere[one], True
        stay_s[one, own], run_j[one, own], may[one, own] = seconds, 0.0, one not in fixed
    begun = np.array([one not in new for one in range(size)])
    return drain(
        Tenants(
            [held for held, _ in tenants],
            [(home or {}).get(one, held if begun[one] else ()) for one, (held, _) in enumerate(tenants)],
            stay_s,
            run_j,
            may,
            np.where(begun, delay_s, 0.0),
            np.where(begun, cost_j, 0.0),
        ),
        gpus,
        np.array(node_w or (100.0,) * gpus.node_on.size),
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


def test_a_gang_over_two_nodes_is_gathered_as_soon_as_one_has_room() -> None:
    """A fifth of 900 s is more than two restarts of 80 s; it keeps what it has of the node where it has most."""
    held = ((0, 1, 4), 900.0)
    assert drained(fleet(3, 3), held, delay_s=80.0) == [(0, 1, 2)]
    assert drained(fleet(3, 3), held, delay_s=100.0) == [(0, 1, 4)]
    busy = ((2,), 900.0), ((5,), 900.0)
    stuck = (1, 2)
    assert drained(fleet(3, 3), held, *busy, fixed=stuck) == [(0, 1, 4), (2,), (5,)]
    assert drained(fleet(3, 3, 4), held, *busy, fixed=stuck)[0] == (6, 7, 8)
    assert drained(fleet(3, 3, 4, types=(0, 0, 1)), held, *busy, fixed=stuck)[0] == (0, 1, 4)
    # It does not take gating to pay.
    assert drained(fleet(3, 3), held, delay_s=80.0, settings=DrainSettings(idle_s=np.inf)) == [(0, 1, 2)]
    # Whom it left has its node emptied after that: 900 s on one node, not two.
    assert drained(fleet(4, 4), held, ((5,), 500.0)) == [(0, 1, 2), (3,)]


def test_room_for_a_gang_is_made_by_exchange_if_it_pays_for_all_restarts() -> None:
    """A fifth of 900 s on three GPUs is 540 GPU seconds; gang and single restart for 4 x 60, twice 480."""
    tenants = ((0, 1, 4), 900.0), ((2,), 900.0), ((5,), 900.0)
    assert drained(fleet(3, 3), *tenants, delay_s=60.0) == [(0, 1, 2), (3,), (5,)]
    assert drained(fleet(3, 3), *tenants, delay_s=70.0) == [(0, 1, 4), (2,), (5,)]
    # Who has not begun makes room for nothing: then the gang's own restart counts only, 180 twice.
    assert drained(fleet(3, 3), *tenants, delay_s=70.0, new=(1,)) == [(0, 1, 2), (3,), (5,)]
    # The node where less must move: the pair on node 0 stays together, the single of node 1 goes.
    pair = ((0, 4, 5), 900.0), ((1, 2), 900.0), ((6,), 900.0)
    assert drained(fleet(3, 4), *pair, delay_s=30.0)[0] == (3, 4, 5)
    assert drained(fleet(3, 3), ((0, 1, 4), 900.0), ((2,), 900.0), fixed=(1,))[0] == (3, 4, 5)


def test_two_gangs_that_block_each_other_swap() -> None:
    """720 GPU seconds are won for the first; both restart for 8 x 40, twice 640, or 8 x 50, twice 800."""
    gangs = ((0, 1, 2, 4), 900.0), ((3, 5, 6, 7), 900.0)
    assert drained(fleet(4, 4), *gangs, delay_s=40.0) == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert drained(fleet(4, 4), *gangs, delay_s=50.0) == [(0, 1, 2, 4), (3, 5, 6, 7)]
    assert drained(fleet(4, 4), *gangs, delay_s=40.0, fixed=(0, 1))[0] == (0, 1, 2, 4)


def test_a_gang_wider_than_any_node_stays_spread() -> None:
    assert drained(fleet(2, 2), ((0, 1, 2), 900.0)) == [(0, 1, 2)]


def test_a_gang_over_two_nodes_keeps_both_on() -> None:
    """The single on node 0 stays: node 0 is on for the gang anyway, which would not win two restarts."""
    tenants = ((0, 1, 4, 5), 900.0), ((2,), 500.0), ((6,), 500.0), ((8,), 900.0)
    assert drained(fleet(4, 4, 4), *tenants, fixed=(3,), delay_s=95.0) == [(0, 1, 4, 5), (2,), (6,), (8,)]


def test_nobody_goes_to_another_type_that_is_too_slow_or_to_an_unused_node_of_as_many_watts() -> None:
    assert drained(fleet(4, 4, types=(0, 1)), ((0,), 500.0), ((4,), 800.0)) == [(0,), (4,)]
    assert drained(fleet(4, 4), ((0,), 500.0), ((1,), 800.0)) == [(0,), (1,)]


def test_another_type_is_worth_what_it_saves_over_the_job() -> None:
    """Node 0 is on for 500 s of 100 W, node 1 anyway for 800 s: 50 kJ, of which the job may need more over there."""
    pair = ((0,), 500.0), ((4,), 800.0)
    mixed = fleet(4, 4, types=(0, 1))
    assert drained(mixed, *pair, elsewhere={0: (700.0, 49_000.0)}) == [(5,), (4,)]
    assert drained(mixed, *pair, elsewhere={0: (700.0, 51_000.0)}) == [(0,), (4,)]
    # 1000 s over there keep node 1 on for 200 s more: 20 kJ.
    assert drained(mixed, *pair, elsewhere={0: (1000.0, 29_000.0)}) == [(5,), (4,)]
    assert drained(mixed, *pair, elsewhere={0: (1000.0, 31_000.0)}) == [(0,), (4,)]


def test_the_last_job_goes_to_a_frugal_node_that_has_to_wake_for_it() -> None:
    """1000 s of 400 W, against 2000 s of 100 W, 120 s until it is awake and 600 s until it sleeps: 272 kJ."""
    mixed = fleet(4, 4, types=(0, 1), off=(1,))
    job = ((0,), 1000.0)
    frugal = {"elsewhere": {0: (2000.0, 0.0)}, "node_w": (400.0, 100.0)}
    assert drained(mixed, job, cost_j=63_000.0, **frugal) == [(4,)]  # type: ignore[arg-type]
    assert drained(mixed, job, cost_j=65_000.0, **frugal) == [(0,)]  # type: ignore[arg-type]


def test_a_node_is_not_woken_for_who_fits_elsewhere() -> None:
    """Node 1 stays on for 100 s: a newcomer of 700 s keeps it on for 600 s more. Node 0 costs 700 s, or 1420 s."""
    awake = drained(fleet(4, 4), ((0,), 700.0), ((4,), 100.0), fixed=(1,), new=(0,))
    assert awake == [(5,), (4,)]
    busy = fleet(4, 4, types=(0, 1), off=(0,))
    # On the other type it needs 130 kJ more and keeps the node on for 600 s of 100 W: 190 kJ; waking costs 142 kJ.
    assert drained(busy, ((0,), 700.0), ((4,), 100.0), new=(0,), elsewhere={0: (700.0, 80_000.0)})[0] == (5,)
    assert drained(busy, ((0,), 700.0), ((4,), 100.0), new=(0,), elsewhere={0: (700.0, 84_000.0)})[0] == (0,)


def test_who_is_moved_by_the_program_goes_home_for_nothing() -> None:
    """The program has it on node 1, which it alone would keep on: sent home, it need not restart."""
    moved = drained(fleet(4, 4), ((4,), 500.0), ((1,), 400.0), home={0: (0,)}, cost_j=10_000.0, delay_s=60.0)
    assert moved == [(0,), (1,)]


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
    with pytest.raises(InputError, match="wake_s must not be negative"):
        DrainSettings(wake_s=-1.0)
    with pytest.raises(InputError, match="cost_j must be finite"):
        drained(fleet(4), ((0,), 1.0), cost_j=np.inf)
