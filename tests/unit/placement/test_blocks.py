"""Rows for blocks of a node: where type counts promise what node boundaries do not hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hand_made import problem

from gogh_sim.placement import Fleet, SolveSettings, assign, solve, solve_greedily


def fleet(*nodes: int, taken: tuple[int, ...] = ()) -> Fleet:
    """Nodes of one type by their GPUs."""
    available = np.ones(sum(nodes), dtype=bool)
    available[list(taken)] = False
    on = np.ones(len(nodes), dtype=bool)
    return Fleet(np.zeros(sum(nodes), dtype=np.int64), np.repeat(np.arange(len(nodes)), nodes), available, on)


def rows(gpus: Fleet, *widths: int) -> list[tuple[list[int], int]]:
    """(taken by each width, room) of each row."""
    blocks = gpus.blocks(np.array(widths), 1)
    return list(zip(blocks.taken.tolist(), blocks.room.tolist(), strict=True))


def test_full_nodes_of_powers_of_two_need_no_rows() -> None:
    assert rows(fleet(8, 8), 1, 2, 4, 8) == []
    assert rows(fleet(4, 4), 8) == [], "a gang of 8 fills both nodes"


def test_a_node_holds_whole_blocks_only() -> None:
    # Two nodes of 4 hold one gang of 3 each, where 8 GPUs would be enough for two and no row is needed; three hold 3.
    assert rows(fleet(4, 4), 3) == []
    assert rows(fleet(4, 4, 4), 1, 3, 2) == [([0, 1, 0], 3)]


def test_scattered_free_gpus_make_few_blocks() -> None:
    # Free are 3, 1 and 2 GPUs.
    scattered = fleet(4, 4, 4, taken=(0, 4, 5, 6, 8, 9))
    assert rows(scattered, 1, 2, 4) == [([0, 1, 2], 2), ([0, 0, 1], 0)]


def test_a_gang_wider_than_a_node_counts_where_it_fills_nodes() -> None:
    # Free are 3, 3 and 3: three blocks of 2, where 9 GPUs promise four. A gang of 8 fills two nodes of 4 and so takes
    # four of them; one of 6 may lie 3 and 3 and is not counted. Of unlike nodes none need be filled.
    assert rows(fleet(4, 4, 4, taken=(0, 4, 8)), 2, 8, 6) == [([1, 4, 0], 3)]
    assert rows(fleet(4, 4, 3, taken=(0, 4)), 2, 8) == [([1, 0], 3)]


def test_what_the_program_promises_can_be_packed() -> None:
    """Free are three times two GPUs: by count they hold a gang of 4 and one of 2, by blocks of 4 only those of 2."""
    gpus = fleet(4, 4, 4, taken=(0, 1, 4, 5, 8, 9))
    plain = problem([[1.0]] * 2, gpus=[6], width=[4, 2], count=[1, 2], queue_cost=1e6, theta=1)
    blocked = replace(plain, blocks=gpus.blocks(plain.groups.width, 1))
    for answer in (solve_greedily, lambda one: solve(one, SolveSettings(gap=0.0))):
        by_blocks = answer(blocked)
        assert by_blocks.queued(blocked).tolist() == [1, 0]
        found = assign(blocked, by_blocks.columns, by_blocks.uses, [(0,), (1, 2)], [()] * 3, gpus)
        assert found.unpacked == 0
        assert sorted(found.gpus) == [1, 2]
        assert all(np.ptp(gpus.node_of[list(held)]) == 0 for held in found.gpus.values())
    dear = replace(plain, groups=replace(plain.groups, queue_cost=np.array([3e6, 1e6])))
    assert solve(dear, SolveSettings(gap=0.0)).queued(dear).tolist() == [0, 1], "the count lets it in"
