"""Policies that carry a published name, each on a case where a plausible wrong version answers differently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from handmade import Table, at, cluster, context, job, placed, view

from gogh_sim.errors import InputError
from gogh_sim.policy import ClusterView, Observation, Wake
from gogh_sim.schedulers.best_fit import BestFit
from gogh_sim.schedulers.fgd import FragmentationDescent
from gogh_sim.schedulers.gandiva import Gandiva
from gogh_sim.schedulers.gavel_finish_time import GavelFinishTime
from gogh_sim.schedulers.gavel_max_min import GavelMaxMin
from gogh_sim.schedulers.gavel_max_sum import GavelMaxSum
from gogh_sim.schedulers.las import LeastAttainedService
from gogh_sim.schedulers.pwr import PowerAware
from gogh_sim.types import HostPower, Job


def at_round(seen: ClusterView) -> ClusterView:
    return replace(seen, wakes=frozenset({Wake.ROUND}))


# Tiresias --------------------------------------------------------------------------------------------------------


def test_las_counts_gpu_seconds_not_seconds() -> None:
    # After 600 s the gang of 8 has attained 4800 GPU seconds and sinks; by seconds alone (600) it would stay.
    site, wide = cluster(("V100", 8)), job("wide", gpus=8, seconds=9e3)
    policy = LeastAttainedService(context(site), limits_gpu_s=[4000.0])
    gpus = policy.decide(view(site, [wide])).place["wide"]
    decision = policy.decide(view(site, [job("new")], {wide: gpus}, now_s=600.0))
    assert decision.evict == {"wide"}
    assert list(decision.place) == ["new"]


def test_las_leaves_a_narrow_job_that_ran_as_long() -> None:
    site, narrow = cluster(("V100", 1)), job("narrow", seconds=9e3)
    policy = LeastAttainedService(context(site), limits_gpu_s=[4000.0])
    gpus = policy.decide(view(site, [narrow])).place["narrow"]
    decision = policy.decide(view(site, [job("new")], {narrow: gpus}, now_s=600.0))
    assert not decision.evict
    assert not decision.place


def test_las_never_looks_at_how_much_is_left() -> None:
    # Both are in the first queue: the earlier goes first although the later is much shorter.
    seen = view(cluster(("V100", 1)), [job("long", seconds=9e9), job("short", seconds=1.0)])
    assert list(LeastAttainedService(context(seen.cluster), [3600.0]).decide(seen).place) == ["long"]


def test_las_promotes_who_waited_too_long() -> None:
    site = cluster(("V100", 1))
    old, new = job("old", seconds=1e6), job("new", seconds=1e6)
    policy = LeastAttainedService(context(site), limits_gpu_s=[100.0], patience=2.0)
    gpus = policy.decide(view(site, [old])).place["old"]
    assert policy.decide(view(site, [new], {old: gpus}, now_s=200.0)).evict == {"old"}
    # At 500 s both have sunk and old waited 300 s < 2 x 200 s; at 700 s it waited 500 s and is in the first again.
    assert not policy.decide(view(site, [old], {new: gpus}, now_s=500.0)).evict
    assert policy.decide(view(site, [old], {new: gpus}, now_s=700.0)).evict == {"new"}


@pytest.mark.parametrize("limits", [[], [0.0], [5.0, 3.0], [3.0, 3.0]])
def test_las_refuses_limits_that_do_not_ascend(limits: list[float]) -> None:
    with pytest.raises(InputError, match="limits_gpu_s"):
        LeastAttainedService(context(cluster(("V100", 1))), limits)


# Gandiva ---------------------------------------------------------------------------------------------------------


def seen_at(rate: float, one: Job, *partners: Job) -> Observation:
    return Observation(0.0, one, "V100", partners, 1, rate, 200.0)


def packed(guest_rate: float) -> tuple[Gandiva, Job, Job]:
    """Host and guest share after both were measured alone at 10 it/s; the host keeps 6 it/s."""
    site = cluster(("V100", 1))
    host, guest = job("host", workload="small"), job("guest", workload="half")
    policy = Gandiva(context(site))
    policy.observe([seen_at(10.0, host), seen_at(10.0, guest)])
    decision = policy.decide(at_round(view(site, [guest], {host: at("n0/0")})))
    assert placed(decision) == {"guest": ("n0/0",)}
    policy.observe([seen_at(6.0, host, guest), seen_at(guest_rate, guest, host)])
    return policy, host, guest


def test_gandiva_keeps_a_pair_that_does_more_together() -> None:
    policy, host, guest = packed(guest_rate=5.0)
    both = view(cluster(("V100", 1)), [], {host: at("n0/0"), guest: at("n0/0")})
    assert not policy.decide(at_round(both)).evict


def test_gandiva_undoes_a_pair_that_does_less_and_does_not_repeat_it() -> None:
    policy, host, guest = packed(guest_rate=3.0)
    both = view(cluster(("V100", 1)), [], {host: at("n0/0"), guest: at("n0/0")})
    assert policy.decide(at_round(both)).evict == {"guest"}
    again = view(cluster(("V100", 1)), [guest], {host: at("n0/0")})
    assert not policy.decide(at_round(again)).place


def test_gandiva_does_not_guess_pairs_it_has_no_rates_for() -> None:
    seen = view(cluster(("V100", 1)), [job("guest", workload="half")], {job("host"): at("n0/0")})
    assert not Gandiva(context(seen.cluster)).decide(at_round(seen)).place


def test_gandiva_respects_memory_and_starts_alone_where_it_can() -> None:
    site = cluster(("V100", 2))
    host, guest = job("host", workload="half"), job("guest", workload="half")
    policy = Gandiva(context(site))
    policy.observe([seen_at(10.0, host)])
    assert placed(policy.decide(at_round(view(site, [guest], {host: at("n0/0")})))) == {"guest": ("n0/1",)}
    full = view(cluster(("A100", 1)), [job("big", workload="large")], {job("other", workload="large"): at("n0/0")})
    policy = Gandiva(context(full.cluster))
    policy.observe([replace(seen_at(1.0, job("x", workload="large")), gpu_type="A100")])
    assert not policy.decide(at_round(full)).place  # 30 + 30 of 40 GiB


# Gavel -----------------------------------------------------------------------------------------------------------

SPEED = {"small": {"V100": 1.0, "A100": 0.9}, "half": {"V100": 1.0, "A100": 5.0}}
WATTS = {"V100": 200.0, "A100": 300.0}
TWO = cluster(("A100", 1), ("V100", 1))


@pytest.mark.parametrize("policy", [GavelMaxMin, GavelMaxSum, GavelFinishTime])
def test_gavel_gives_the_fast_gpu_to_who_gains_by_it(policy: type) -> None:
    # Who knows no throughputs, or only which GPU is fastest, gives the A100 to the first in line.
    queue = [job("loses-by-it", workload="small"), job("gains-much", workload="half")]
    decision = policy(context(TWO), Table(TWO, SPEED, WATTS)).decide(at_round(view(TWO, queue)))
    assert placed(decision) == {"loses-by-it": ("n1/0",), "gains-much": ("n0/0",)}


def rounds(policy: object, site_view: list[Job], count: int) -> list[set[str]]:
    """Who runs in each of several rounds of 300 s on one A100."""
    site, running, history = cluster(("A100", 1)), {}, []
    for number in range(count):
        pending = [one for one in site_view if one not in running]
        decision = policy.decide(at_round(view(site, pending, running, now_s=300.0 * number)))  # type: ignore[attr-defined]
        held = {one: gpus for one, gpus in running.items() if one.job_id not in decision.evict}
        running = held | {one: decision.place[one.job_id] for one in site_view if one.job_id in decision.place}
        history.append({one.job_id for one in running})
    return history


def test_max_min_takes_turns_where_max_sum_serves_the_faster_only() -> None:
    queue = [job("slow", workload="small"), job("fast", workload="half")]
    site = cluster(("A100", 1))
    source = Table(site, SPEED, WATTS, norm=0.1)
    assert rounds(GavelMaxSum(context(site), source), queue, 4) == [{"fast"}] * 4
    turns = rounds(GavelMaxMin(context(site), source), queue, 4)
    assert [len(turn) for turn in turns] == [1] * 4
    # In turn: who has just run has had more of its share.
    assert [next(iter(turn)) for turn in turns] in (["fast", "slow"] * 2, ["slow", "fast"] * 2)


def test_space_sharing_pairs_jobs_only_where_it_pays() -> None:
    queue = [job("a", workload="half"), job("b", workload="half")]
    site = cluster(("A100", 1))
    assert (
        rounds(GavelMaxSum(context(site), Table(site, SPEED, WATTS, norm=0.8), theta=2), queue, 2) == [{"a", "b"}] * 2
    )
    assert all(
        len(turn) == 1 for turn in rounds(GavelMaxSum(context(site), Table(site, SPEED, WATTS, norm=0.4), 2), queue, 2)
    )
    assert all(
        len(turn) == 1 for turn in rounds(GavelMaxSum(context(site), Table(site, SPEED, WATTS, norm=0.8), 1), queue, 2)
    )


def test_finish_time_fairness_favours_who_is_late() -> None:
    # Alike but for the time since submission: max-min cannot tell them apart, the ratio of the older is worse.
    site = cluster(("A100", 1))
    source = Table(site, SPEED, WATTS, norm=0.1)
    young = replace(job("a-young", workload="half", seconds=3e3), submit_s=9000.0)
    old = job("b-old", workload="half", seconds=3e3)
    seen = at_round(view(site, [old, young], now_s=9000.0))
    assert list(GavelFinishTime(context(site), source).decide(seen).place) == ["b-old"]
    assert list(GavelMaxMin(context(site), source).decide(seen).place) == ["a-young"]


def test_gavel_starts_jobs_between_rounds_without_moving_any() -> None:
    running = {job("a", workload="small"): at("n0/0")}
    decision = GavelMaxMin(context(TWO), Table(TWO, SPEED, WATTS)).decide(
        view(TWO, [job("b", workload="half")], running)
    )
    assert placed(decision) == {"b": ("n1/0",)}
    assert not decision.evict


def test_gavel_never_gives_a_gang_a_type_that_is_too_small_for_it() -> None:
    site = cluster(("A100", 1), ("V100", 2))
    seen = at_round(view(site, [job("gang", gpus=2, workload="half")]))
    assert placed(GavelMaxSum(context(site), Table(site, SPEED, WATTS)).decide(seen)) == {"gang": ("n1/0", "n1/1")}


def test_gavel_refuses_more_than_pairs() -> None:
    with pytest.raises(InputError, match="theta"):
        GavelMaxSum(context(TWO), Table(TWO, SPEED, WATTS), theta=3)


# Fragmentation ---------------------------------------------------------------------------------------------------


def test_fgd_minds_what_usual_jobs_can_still_use_where_best_fit_minds_what_is_unused() -> None:
    # Usual jobs want half a GPU. 0.1 on the GPU with 0.5 left spoils it (best fit); on the one with 0.6 left it costs
    # nothing that was of use.
    site = cluster(("V100", 1), ("V100", 1), theta=8)
    usual = [job(f"u{i}", fraction=0.5) for i in range(20)]
    busy = {job("x", fraction=0.5): at("n0/0"), job("y", fraction=0.4): at("n1/0")}
    policy = FragmentationDescent(context(site))
    policy.decide(view(cluster(("V100", 10), theta=8), usual))
    seen = view(site, [job("small", fraction=0.1)], busy)
    assert placed(policy.decide(seen)) == {"small": ("n1/0",)}
    assert placed(BestFit(context(site)).decide(seen)) == {"small": ("n0/0",)}


def test_fgd_counts_free_gpus_as_fragments_where_usual_gangs_do_not_fit() -> None:
    # Usual jobs want 4 GPUs: a single job goes to the node that could not take one anyway.
    site = cluster(("V100", 4), ("V100", 2))
    policy = FragmentationDescent(context(site))
    policy.decide(view(cluster(("V100", 4)), [job(f"u{i}", gpus=4) for i in range(9)]))
    assert placed(policy.decide(view(site, [job("one")]))) == {"one": ("n1/0",)}


def test_fgd_does_not_count_on_a_broken_gpu() -> None:
    # Usual jobs want 4 GPUs. With one of its GPUs broken, the node of 4 can take none: a single job spoils nothing
    # there, and a whole node elsewhere.
    site = cluster(("V100", 4), ("V100", 4))
    policy = FragmentationDescent(context(site))
    policy.decide(view(cluster(("V100", 4)), [job(f"u{i}", gpus=4) for i in range(9)]))
    seen = view(site, [job("one")])
    assert placed(policy.decide(seen)) == {"one": ("n0/0",)}
    up = np.arange(site.num_gpus) != 7
    broken = replace(seen, occupancy=replace(seen.occupancy, up=up))
    assert placed(policy.decide(broken)) == {"one": ("n1/0",)}


def test_pwr_prefers_gpus_and_nodes_that_are_on_by_its_weight() -> None:
    site = cluster(("V100", 1), ("V100", 1), theta=8, host=HostPower(base_w=500.0, slope=1.0))
    usual = [job(f"u{i}", fraction=0.5) for i in range(20)]
    for weight, expected in ((1.0, "n0/0"), (0.0, "n1/0")):
        policy = PowerAware(context(site), weight)
        policy.decide(view(cluster(("V100", 10), theta=8), usual))
        seen = view(site, [job("small", fraction=0.1)], {job("x", fraction=0.5): at("n0/0")})
        occupancy = replace(seen.occupancy, node_on=np.array([True, False]))
        assert placed(policy.decide(replace(seen, occupancy=occupancy))) == {"small": (expected,)}


def test_pwr_refuses_a_weight_beyond_one() -> None:
    with pytest.raises(InputError, match="weight"):
        PowerAware(context(TWO), 1.5)
