"""Each policy on a case, small enough for paper, where a plausible wrong version answers differently."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from handmade import Table, at, cluster, context, job, placed, view

from gogh_sim.schedulers.backfill import Backfill
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.edf import EarliestDeadline
from gogh_sim.schedulers.fastest import Fastest
from gogh_sim.schedulers.fifo import Fifo
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.schedulers.greedy_energy import GreedyEnergy
from gogh_sim.schedulers.least_loaded import LeastLoaded
from gogh_sim.schedulers.random import Random
from gogh_sim.schedulers.round_robin import RoundRobin
from gogh_sim.schedulers.sjf import ShortestFirst
from gogh_sim.schedulers.srsf import ShortestRemainingService
from gogh_sim.schedulers.srtf import ShortestRemainingTime
from gogh_sim.types import HostPower


def test_fifo_lets_nobody_overtake_the_head_of_the_line() -> None:
    seen = view(cluster(("V100", 2)), [job("a"), job("b", gpus=2), job("c")])
    assert placed(Fifo(context(seen.cluster)).decide(seen)) == {"a": ("n0/0",)}


def test_greedy_fifo_lets_whoever_fits_overtake() -> None:
    seen = view(cluster(("V100", 2)), [job("a"), job("b", gpus=2), job("c")])
    assert placed(GreedyFifo(context(seen.cluster)).decide(seen)) == {"a": ("n0/0",), "c": ("n0/1",)}


def test_sjf_goes_by_duration_not_by_gpu_seconds_and_does_not_preempt() -> None:
    # b is shortest in time (60 s) but largest in GPU seconds (240); the running job is longest and stays.
    queue = [job("a", seconds=100.0), job("b", gpus=4, seconds=60.0)]
    seen = view(cluster(("V100", 4)), queue)
    assert list(placed(ShortestFirst(context(seen.cluster)).decide(seen))) == ["b"]
    busy = view(cluster(("V100", 1)), [job("c", seconds=1.0)], {job("r", seconds=900.0): at("n0/0")})
    decision = ShortestFirst(context(busy.cluster)).decide(busy)
    assert not decision.place
    assert not decision.evict


def test_sjf_lets_longer_jobs_start_when_the_shortest_does_not_fit() -> None:
    seen = view(cluster(("V100", 2)), [job("a", seconds=50.0), job("b", gpus=3, seconds=5.0)])
    assert placed(ShortestFirst(context(seen.cluster)).decide(seen)) == {"a": ("n0/0",)}


def test_best_fit_takes_the_node_with_least_room_left() -> None:
    # Room: n0 3 GPUs, n1 1 GPU, n2 2 GPUs. First fit would take n0, spreading n0 too.
    running = {job("x"): at("n0/0"), job("y"): at("n1/0"), job("z", gpus=2): at("n2/0", "n2/1")}
    seen = view(cluster(("V100", 4), ("V100", 2), ("V100", 4)), [job("a"), job("b", gpus=2)], running)
    assert placed(BestFit(context(seen.cluster)).decide(seen)) == {"a": ("n1/1",), "b": ("n2/2", "n2/3")}


def test_best_fit_does_not_count_on_a_broken_gpu() -> None:
    seen = view(cluster(("V100", 3), ("V100", 4)), [job("one")])
    assert placed(BestFit(context(seen.cluster)).decide(seen)) == {"one": ("n0/0",)}
    broken = replace(seen, occupancy=replace(seen.occupancy, up=np.array([True] * 4 + [False, False, True])))
    assert placed(BestFit(context(seen.cluster)).decide(broken)) == {"one": ("n1/0",)}


def test_best_fit_fills_the_fullest_gpu_that_still_fits() -> None:
    running = {job("x", fraction=0.3): at("n0/1"), job("y", fraction=0.6): at("n0/2")}
    seen = view(cluster(("V100", 4)), [job("a", fraction=0.4), job("b", fraction=0.4)], running)
    assert placed(BestFit(context(seen.cluster)).decide(seen)) == {"a": ("n0/2",), "b": ("n0/1",)}


def test_least_loaded_goes_by_share_in_use_not_by_free_gpus() -> None:
    # n0 has three GPUs free of four (25 % in use), n1 two of two (none in use).
    seen = view(cluster(("V100", 4), ("V100", 2)), [job("a"), job("b")], {job("x"): at("n0/0")})
    assert placed(LeastLoaded(context(seen.cluster)).decide(seen)) == {"a": ("n1/0",), "b": ("n0/1",)}


def test_least_loaded_goes_by_share_in_use_not_by_gpus_in_use() -> None:
    # Two of eight in use (25 %) against one of two (50 %).
    running = {job("x", gpus=2): at("n0/0", "n0/1"), job("y"): at("n1/0")}
    seen = view(cluster(("V100", 8), ("V100", 2)), [job("a")], running)
    assert placed(LeastLoaded(context(seen.cluster)).decide(seen)) == {"a": ("n0/2",)}


def test_least_loaded_does_not_count_on_a_broken_gpu() -> None:
    # Two of five in use (40 %) against one of three (33 %), or, once one of those is broken, one of two (50 %).
    running = {job("x"): at("n1/0"), job("y", gpus=2): at("n0/0", "n0/1")}
    seen = view(cluster(("V100", 5), ("V100", 3)), [job("a")], running)
    policy = LeastLoaded(context(seen.cluster))
    assert placed(policy.decide(seen)) == {"a": ("n1/1",)}
    up = np.array([True] * 7 + [False])
    broken = replace(seen, occupancy=replace(seen.occupancy, up=up))
    assert placed(policy.decide(broken)) == {"a": ("n0/2",)}


def test_round_robin_keeps_its_turn_between_decisions_and_skips_full_nodes() -> None:
    site = cluster(("V100", 2), ("V100", 1), ("V100", 2))
    policy = RoundRobin(context(site))
    first = view(site, [job("a"), job("b")])
    assert placed(policy.decide(first)) == {"a": ("n0/0",), "b": ("n1/0",)}
    running = {job("a"): at("n0/0"), job("b"): at("n1/0")}
    second = view(site, [job("c"), job("d"), job("e")], running)
    assert placed(policy.decide(second)) == {"c": ("n2/0",), "d": ("n0/1",), "e": ("n2/1",)}


def test_fastest_takes_the_fastest_type_that_the_job_may_use() -> None:
    site = cluster(("T4", 1), ("V100", 1), ("A100", 1))
    queue = [job("a", types=["T4", "V100"]), job("b"), job("c")]
    seen = view(site, queue)
    assert placed(Fastest(context(site)).decide(seen)) == {"a": ("n1/0",), "b": ("n2/0",), "c": ("n0/0",)}


def test_random_draws_every_free_gpu_equally_often() -> None:
    site = cluster(("V100", 3), ("A100", 1))
    policy = Random(context(site, seed=7))
    seen = view(site, [job("a")], {job("x"): at("n0/0")})
    draws = Counter(placed(policy.decide(seen))["a"][0] for _ in range(3000))
    # Three free GPUs: 1000 each expected, standard deviation sqrt(3000 * 1/3 * 2/3) = 26.
    assert set(draws) == {"n0/1", "n0/2", "n1/0"}
    assert all(abs(count - 1000) < 5 * 26 for count in draws.values())


def test_random_draws_the_nodes_of_a_gang_evenly_whatever_their_size() -> None:
    site = cluster(("V100", 8), ("V100", 2))
    policy = Random(context(site, seed=7))
    seen = view(site, [job("a", gpus=2)])
    draws = Counter(placed(policy.decide(seen))["a"][0] for _ in range(2000))
    assert abs(draws["n1/0"] - 1000) < 5 * 23


def test_random_repeats_itself_under_one_seed() -> None:
    site = cluster(("V100", 8))
    queue = [job(str(i)) for i in range(8)]
    first, second = (placed(Random(context(site, seed=3)).decide(view(site, queue))) for _ in range(2))
    assert first == second
    assert first != placed(Random(context(site, seed=4)).decide(view(site, queue)))


def test_edf_goes_by_deadline_with_best_effort_last() -> None:
    # b has less time to lose (50 s against 190 s), but c's deadline comes first.
    queue = [job("a"), job("b", seconds=200.0, deadline_s=250.0), job("c", seconds=10.0, deadline_s=200.0)]
    seen = view(cluster(("V100", 2)), queue)
    assert list(placed(EarliestDeadline(context(seen.cluster)).decide(seen))) == ["c", "b"]


def test_srtf_preempts_by_remaining_time_not_by_total() -> None:
    # r1 is longer in all (900 s) but has 5 s left; r2 has 400 s left. a (100 s) pushes out r2 only.
    running = {job("r1", seconds=900.0): at("n0/0"), job("r2", seconds=500.0): at("n0/1")}
    seen = view(cluster(("V100", 2)), [job("a", seconds=100.0)], running, {"r1": 5.0, "r2": 400.0})
    decision = ShortestRemainingTime(context(seen.cluster)).decide(seen)
    assert placed(decision) == {"a": ("n0/1",)}
    assert decision.evict == {"r2"}


def test_srtf_preempts_no_more_than_it_needs_and_not_in_vain() -> None:
    # Only n1 can be freed for the gang of two; r3 is last in rank but on its own, so it stays.
    running = {
        job("r1", seconds=50.0): at("n0/0"),
        job("r2", gpus=2, seconds=300.0): at("n1/0", "n1/1"),
        job("r3", seconds=900.0): at("n0/1"),
    }
    site = cluster(("V100", 2), ("A100", 2))
    seen = view(site, [job("a", gpus=2, seconds=100.0)], running)
    decision = ShortestRemainingTime(context(site)).decide(seen)
    assert placed(decision) == {"a": ("n1/0", "n1/1")}
    assert decision.evict == {"r2"}
    hopeless = view(site, [job("b", gpus=5, seconds=1.0)], running)
    assert not ShortestRemainingTime(context(site)).decide(hopeless).evict


def test_srtf_leaves_alone_whoever_could_not_help() -> None:
    # r3 is asked first, being last in rank, but its GPU is of no use to a; it must not come back on n0/0 instead.
    running = {
        job("r2", gpus=2, seconds=300.0, types=["A100"]): at("n1/0", "n1/1"),
        job("r3", seconds=900.0): at("n0/1"),
    }
    site = cluster(("V100", 2), ("A100", 2))
    seen = view(site, [job("a", gpus=2, seconds=100.0, types=["A100"])], running)
    decision = ShortestRemainingTime(context(site)).decide(seen)
    assert decision.place.keys() == {"a"}
    assert decision.evict == {"r2"}


def test_srtf_lets_equals_be_and_moves_victims_to_free_gpus() -> None:
    running = {job("r", seconds=100.0): at("n1/0")}
    site = cluster(("V100", 1), ("A100", 1))
    equal = view(site, [job("a", seconds=100.0, types=["A100"])], running)
    assert not placed(ShortestRemainingTime(context(site)).decide(equal))
    shorter = view(site, [job("b", seconds=10.0, types=["A100"])], running)
    decision = ShortestRemainingTime(context(site)).decide(shorter)
    assert placed(decision) == {"b": ("n1/0",), "r": ("n0/0",)}
    assert not decision.evict


def test_srsf_goes_by_time_times_gpus() -> None:
    # The gang has less time left (60 s against 100 s) but more service (240 GPU seconds).
    queue = [job("gang", gpus=4, seconds=60.0), job("one", seconds=100.0)]
    seen = view(cluster(("V100", 4)), queue)
    assert list(placed(ShortestRemainingService(context(seen.cluster)).decide(seen))) == ["one"]
    assert list(placed(ShortestRemainingTime(context(seen.cluster)).decide(seen))) == ["gang"]


def test_backfill_fills_holes_without_delaying_the_head() -> None:
    # r leaves n0 in 100 s, when the head (2 GPUs) is to start there; until then one GPU of n0 is idle.
    running = {job("r", seconds=100.0): at("n0/0")}
    queue = [job("head", gpus=2), job("long", seconds=101.0), job("short", seconds=100.0)]
    seen = view(cluster(("V100", 2)), queue, running)
    assert placed(Backfill(context(seen.cluster)).decide(seen)) == {"short": ("n0/1",)}


def test_backfill_lets_long_jobs_use_gpus_outside_the_promise() -> None:
    running = {job("r", seconds=100.0): at("n0/0"), job("s", seconds=500.0): at("n1/0")}
    queue = [job("head", gpus=2), job("long", seconds=900.0), job("longer", seconds=950.0)]
    seen = view(cluster(("V100", 2), ("A100", 2)), queue, running)
    assert placed(Backfill(context(seen.cluster)).decide(seen)) == {"long": ("n1/1",)}


SPEED = {"small": {"V100": 1.0, "A100": 2.0}}


@pytest.mark.parametrize(
    ("a100_w", "base_w", "choice"),
    [
        # Watts x seconds alone: V100 100 x 100 = 10 kJ, A100 190 x 50 = 9.5 kJ.
        (190.0, 0.0, "n1/0"),
        (210.0, 0.0, "n0/0"),
        # 400 W per node of 2 GPUs, 200 W each: (100 + 200) x 100 = 30 kJ against (210 + 200) x 50 = 20.5 kJ.
        (210.0, 400.0, "n1/0"),
    ],
)
def test_greedy_energy_weighs_watts_by_time_with_the_nodes_share(a100_w: float, base_w: float, choice: str) -> None:
    site = cluster(("V100", 2), ("A100", 2), host=HostPower(base_w, 1.0))
    source = Table(site, SPEED, {"V100": 100.0, "A100": a100_w})
    seen = view(site, [job("a")])
    assert placed(GreedyEnergy(context(site), source).decide(seen)) == {"a": (choice,)}


@pytest.mark.parametrize(
    ("pair_w", "choice"),
    [
        # Alone on n0/1: 100 s x 100 W = 10 kJ. Beside r at half speed: 200 s x (pair - 100) W.
        (140.0, "n0/0"),
        (160.0, "n0/1"),
    ],
)
def test_greedy_energy_shares_where_the_pair_adds_little(pair_w: float, choice: str) -> None:
    site = cluster(("V100", 2), host=HostPower(0.0, 1.0))
    source = Table(site, {"small": {"V100": 1.0}}, {"V100": 100.0}, norm=0.5, pair_w=pair_w)
    seen = view(site, [job("a", fraction=0.5)], {job("r", fraction=0.5): at("n0/0")})
    assert placed(GreedyEnergy(context(site), source).decide(seen)) == {"a": (choice,)}


def test_greedy_energy_asks_about_many_kinds_of_residents_in_parts() -> None:
    site = cluster(("V100", 80), host=HostPower(0.0, 1.0))
    running = {job(f"r{i}", fraction=(i + 1) / 100): at(f"n0/{i}") for i in range(70)}
    source = Table(site, {"small": {"V100": 1.0}}, {"V100": 100.0}, norm=0.5, pair_w=100.0)
    seen = view(site, [job("a", fraction=0.3)], running)
    # Every share is free of extra watts; the first GPU in order wins, and 0.3 fits beside up to 0.7.
    assert placed(GreedyEnergy(context(site), source).decide(seen)) == {"a": ("n0/0",)}
