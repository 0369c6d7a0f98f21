"""Columns on concrete GPUs: who stays, where gangs and newcomers go, and what happens between node boundaries."""

from __future__ import annotations

import numpy as np
from hand_made import problem

from gogh_sim.placement import Assignment, Fleet, Problem, assign
from gogh_sim.placement.columns import Columns
from gogh_sim.placement.costs import column_cost
from gogh_sim.placement.fleet import FreeGpus


def fleet(*nodes: tuple[int, int], off: tuple[int, ...] = (), taken: tuple[int, ...] = ()) -> Fleet:
    """Nodes as (type, GPUs)."""
    sizes = [size for _, size in nodes]
    available = np.ones(sum(sizes), dtype=bool)
    available[list(taken)] = False
    return Fleet(
        np.repeat([t for t, _ in nodes], sizes),
        np.repeat(np.arange(len(nodes)), sizes),
        available,
        np.array([node not in off for node in range(len(nodes))]),
    )


def columns(instance: Problem, *keys: tuple[int, ...]) -> Columns:
    """Columns by (type, members)."""
    crews = [(t, np.array([groups])) for t, *groups in keys]
    return Columns.joined([Columns.of(instance, t, crew, column_cost(instance, t, list(crew.T))) for t, crew in crews])


def placed(instance: Problem, keys: list[tuple[int, ...]], present: list[tuple[int, ...]], gpus: Fleet) -> Assignment:
    """Each group has one job, whose number is the group's; every column is used once."""
    chosen = columns(instance, *keys)
    assert len(chosen) == len(keys)
    members = [(g,) for g in range(len(instance.groups))]
    return assign(instance, chosen, np.ones(len(keys), dtype=np.int64), members, present, gpus)


def test_running_jobs_stay_alone_and_in_pairs() -> None:
    instance = problem([[1.0]] * 3, gpus=[4])
    found = placed(instance, [(0, 0), (0, 1, 2)], [(3,), (1,), (1,)], fleet((0, 4)))
    assert found.gpus == {0: (3,), 1: (1,), 2: (1,)}
    assert found.unpacked == 0


def test_a_newcomer_joins_its_partner_where_that_runs() -> None:
    instance = problem([[1.0]] * 2, gpus=[4])
    assert placed(instance, [(0, 0, 1)], [(2,), ()], fleet((0, 4))).gpus == {0: (2,), 1: (2,)}


def test_a_pair_that_splits_moves_one() -> None:
    instance = problem([[1.0]] * 2, gpus=[4])
    found = placed(instance, [(0, 0), (0, 1)], [(2,), (2,)], fleet((0, 4))).gpus
    assert found[0] != found[1]
    assert (2,) in found.values()


def test_most_jobs_stay_over_all() -> None:
    """0 and 1 share GPU 0, 2 and 3 share GPU 1; wanted are 0 with 2, and 1 and 3 alone: two of four can stay."""
    instance = problem([[1.0]] * 4, gpus=[4])
    present = [(0,), (0,), (1,), (1,)]
    found = placed(instance, [(0, 0, 2), (0, 1), (0, 3)], present, fleet((0, 4))).gpus
    assert sum(found[job] == present[job] for job in range(4)) == 2
    assert found[0] == found[2]
    assert len({found[0], found[1], found[3]}) == 3


def test_members_of_one_group_that_stay_are_those_in_place() -> None:
    instance = problem([[1.0, 1.0]], gpus=[2, 2], count=[3])
    chosen = columns(instance, (0, 0), (1, 0))
    found = assign(instance, chosen, np.array([1, 1]), [(0, 1, 2)], [(), (3,), (1,)], fleet((0, 2), (1, 2)))
    assert found.gpus == {1: (3,), 2: (1,)}


def test_two_of_one_group_share_a_gpu() -> None:
    instance = problem([[1.0]], gpus=[2], count=[3])
    chosen = columns(instance, (0, 0, 0))
    found = assign(instance, chosen, np.array([1]), [(0, 1, 2)], [(), (), (1,)], fleet((0, 2)))
    assert found.gpus == {2: (1,), 0: (1,)}


def test_newcomers_fill_nodes_in_use_then_nodes_that_are_on() -> None:
    instance = problem([[1.0]] * 3, gpus=[6])
    keys: list[tuple[int, ...]] = [(0, 0), (0, 1), (0, 2)]
    assert placed(instance, keys, [(4,), (), ()], fleet((0, 2), (0, 2), (0, 2), off=(0,))).gpus[1] == (5,)
    assert placed(instance, keys, [(4,), (5,), ()], fleet((0, 2), (0, 2), (0, 2), off=(0,))).gpus[2] == (2,)


def test_a_gang_takes_the_tightest_node_that_holds_it() -> None:
    instance = problem([[1.0]] * 3, gpus=[12], width=[2, 1, 3])
    found = placed(instance, [(0, 0), (0, 1), (0, 2)], [(), (4,), (0, 1, 2)], fleet((0, 4), (0, 4), (0, 4))).gpus
    # Three GPUs are free beside job 1, one beside job 2.
    assert found[0] == (5, 6)


def test_a_gang_wider_than_a_node_takes_whole_nodes() -> None:
    instance = problem([[1.0]] * 2, gpus=[8], width=[4, 1])
    found = placed(instance, [(0, 0), (0, 1)], [(), (0,)], fleet((0, 2), (0, 2), (0, 2), (0, 2))).gpus
    assert found[0] == (2, 3, 4, 5)


def test_a_gang_that_fits_nowhere_whole_is_spread_a_little() -> None:
    instance = problem([[1.0]] * 3, gpus=[6], width=[2, 1, 1])
    found = placed(instance, [(0, 0), (0, 1), (0, 2)], [(), (0,), (2,)], fleet((0, 2), (0, 2)))
    assert found.gpus[0] == (1, 3)
    assert found.unpacked == 0


def test_a_gang_that_would_be_spread_too_far_takes_the_next_best_type() -> None:
    instance = problem([[1.0, 0.5]] * 4, gpus=[6, 4], width=[3, 1, 1, 1])
    nodes = fleet((0, 3), (0, 3), (0, 3), (1, 4))
    keys: list[tuple[int, ...]] = [(0, 0), *((0, job) for job in (1, 2, 3))]
    scattered = fleet((0, 3), (0, 3), (0, 3), (1, 4), taken=(1, 4, 7))
    present: list[tuple[int, ...]] = [(), (0,), (3,), (6,)]
    found = placed(instance, keys, present, scattered)
    assert found.gpus[0] == (9, 10, 11)
    assert found.unpacked == 1
    assert placed(instance, keys, present, nodes).gpus[0] == (1, 2, 4), "two nodes are near enough"


def test_what_fits_nowhere_waits_and_is_counted() -> None:
    instance = problem([[1.0]] * 4, gpus=[9], width=[3, 1, 1, 1])
    scattered = fleet((0, 3), (0, 3), (0, 3), taken=(1, 4, 7))
    found = placed(instance, [(0, 0), (0, 1), (0, 2), (0, 3)], [(), (0,), (3,), (6,)], scattered)
    assert found.unpacked == 1
    assert found.gpus == {1: (0,), 2: (3,), 3: (6,)}


def test_a_running_job_that_nobody_displaces_keeps_its_gpus() -> None:
    instance = problem([[1.0]] * 2, gpus=[2])
    assert placed(instance, [(0, 1)], [(0,), (1,)], fleet((0, 2))).gpus == {0: (0,), 1: (1,)}
    assert placed(instance, [(0, 1)], [(0,), ()], fleet((0, 1))).gpus == {1: (0,)}


def test_gpus_that_are_not_available_are_left_alone() -> None:
    instance = problem([[1.0]] * 2, gpus=[3])
    found = placed(instance, [(0, 0), (0, 1)], [(0,), ()], fleet((0, 3), taken=(0,))).gpus
    assert sorted(found.values()) == [(1,), (2,)]


def test_free_gpus_do_not_change_the_fleet() -> None:
    nodes = fleet((0, 2))
    free = FreeGpus(nodes)
    free.take((0, 1))
    assert free.whole(0, 1) is None
    assert free.spread(0, 1, 2) is None
    assert nodes.available.all()
