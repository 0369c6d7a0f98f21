"""What fits where: fractions, memory, theta, gangs."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import at, cluster, context, job, placed, view

from gogh_sim.policy import ActiveJob, ClusterView
from gogh_sim.schedulers.capacity import Capacity, start_who_fits
from gogh_sim.types import Job


def fit(seen: ClusterView, one: Job) -> tuple[str, ...] | None:
    found = Capacity(context(seen.cluster), seen).fit(ActiveJob(one, one.reference_s, (), 0.0, 0.0))
    return None if found is None else tuple(str(gpu) for gpu in found)


def test_whole_jobs_have_their_gpus_to_themselves() -> None:
    two = cluster(("V100", 2))
    seen = view(two, [], {job("a", fraction=0.1): at("n0/0")})
    assert fit(seen, job("b")) == ("n0/1",)
    full = view(two, [], {job("a", fraction=0.1): at("n0/0"), job("c"): at("n0/1")})
    assert fit(full, job("b")) is None
    assert fit(full, job("d", fraction=0.5)) == ("n0/0",)


@pytest.mark.parametrize(
    ("resident", "newcomer", "fits"),
    [
        (job("a", fraction=0.5), job("b", fraction=0.5), True),
        (job("a", fraction=0.5), job("b", fraction=0.51), False),
        (job("a", fraction=0.7), job("b", fraction=0.3), True),  # 0.7 + 0.3 in floats must still be a whole
        (job("a", fraction=0.5, workload="half"), job("b", fraction=0.5, workload="half"), True),  # 16 of 16 GiB
        (job("a", fraction=0.5, workload="half"), job("b", fraction=0.5, workload="large"), False),
        (job("a"), job("b", fraction=0.1), False),
    ],
)
def test_fractional_jobs_share_within_one_gpu(resident: Job, newcomer: Job, fits: bool) -> None:
    seen = view(cluster(("V100", 1)), [], {resident: at("n0/0")})
    assert fit(seen, newcomer) == (("n0/0",) if fits else None)


def test_theta_limits_the_jobs_on_a_gpu() -> None:
    residents = {job("a", fraction=0.1): at("n0/0"), job("b", fraction=0.1): at("n0/0")}
    assert fit(view(cluster(("V100", 1), theta=2), [], residents), job("c", fraction=0.1)) is None
    assert fit(view(cluster(("V100", 1), theta=3), [], residents), job("c", fraction=0.1)) == ("n0/0",)


def test_memory_and_allowed_types_restrict_the_choice() -> None:
    mixed = cluster(("V100", 1), ("A100", 1))
    assert fit(view(mixed, []), job("a", workload="large")) == ("n1/0",)
    assert fit(view(mixed, []), job("a", types=["A100"])) == ("n1/0",)
    assert fit(view(mixed, []), job("a", types=["T4"])) is None
    assert fit(view(mixed, []), job("a", workload="large", types=["V100"])) is None


def test_a_gang_prefers_one_node() -> None:
    seen = view(cluster(("V100", 2), ("V100", 4)), [], {job("a"): at("n0/0")})
    assert fit(seen, job("b", gpus=3)) == ("n1/0", "n1/1", "n1/2")


def test_a_gang_spans_the_fewest_nodes_of_one_type() -> None:
    # Five V100s on three nodes against four A100s on two: the A100s, though the V100s come first.
    seen = view(cluster(("V100", 2), ("V100", 2), ("V100", 1), ("A100", 2), ("A100", 2)), [], {job("x"): at("n0/0")})
    assert fit(seen, job("b", gpus=4)) == ("n3/0", "n3/1", "n4/0", "n4/1")


def test_a_gang_never_mixes_types() -> None:
    assert fit(view(cluster(("V100", 2), ("A100", 2)), []), job("b", gpus=4)) is None


def test_a_spanning_gang_takes_the_nodes_with_most_free_gpus() -> None:
    seen = view(cluster(("V100", 2), ("V100", 3), ("V100", 3)), [], {job("x"): at("n0/0")})
    assert fit(seen, job("b", gpus=5)) == ("n1/0", "n1/1", "n1/2", "n2/0", "n2/1")


def test_what_is_given_back_can_be_taken_again() -> None:
    held = job("a", gpus=2)
    seen = view(cluster(("V100", 2)), [], {held: at("n0/0", "n0/1")})
    capacity = Capacity(context(seen.cluster), seen)
    new = ActiveJob(job("b", gpus=2), 1.0, (), 0.0, 0.0)
    assert capacity.fit(new) is None
    capacity.give_back(held, at("n0/0", "n0/1"))
    assert capacity.holds(held, at("n0/0", "n0/1"))
    assert capacity.fit(new) == at("n0/0", "n0/1")
    capacity.take(new.job, at("n0/0", "n0/1"))
    assert not capacity.holds(held, at("n0/0", "n0/1"))
    assert [one.job_id for one in capacity.residents(0)] == ["b"]
    assert seen.occupancy.jobs.tolist() == [1, 1]


def test_who_does_not_fit_is_overtaken_and_nobody_is_oversubscribed() -> None:
    seen = view(cluster(("V100", 2)), [job("a", gpus=3), job("b"), job("c", gpus=2), job("d"), job("e")])
    decision = start_who_fits(Capacity(context(seen.cluster), seen), seen.pending.values())
    assert placed(decision) == {"b": ("n0/0",), "d": ("n0/1",)}


@pytest.mark.parametrize("seed", range(20))
def test_random_fills_never_break_a_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    site = cluster(("V100", 4), ("A100", 2), ("T4", 3), ("V100", 2))
    queue = []
    for number in range(40):
        gpus = int(rng.choice([1, 1, 1, 2, 4]))
        fraction = float(rng.choice([0.23, 0.47, 0.65, 1.0])) if gpus == 1 else 1.0
        types = [["V100", "T4"], []][int(rng.integers(2))]
        queue.append(job(f"j{number}", gpus, fraction, str(rng.choice(["small", "half", "large"])), types=types))
    seen = view(site, queue)
    decision = start_who_fits(Capacity(context(site), seen), seen.pending.values())
    by_id = {one.job_id: one for one in queue}
    after = view(site, [], {by_id[job_id]: gpus for job_id, gpus in decision.place.items()})
    limit = np.array([t.memory_gib for t in site.gpu_types])[site.type_of]
    assert (after.occupancy.fraction <= 1 + 1e-9).all()
    assert (after.occupancy.memory_gib <= limit).all()
    assert (after.occupancy.jobs <= site.theta).all()
    for job_id, gpus in decision.place.items():
        types = {site.nodes[site.node_of[site.index_of[gpu]]].gpu_type for gpu in gpus}
        assert len(types) == 1
        assert by_id[job_id].allows(types.pop())
        assert len(set(gpus)) == by_id[job_id].num_gpus
    left = [one for one in queue if one.job_id not in decision.place]
    assert left
    assert all(fit(after, one) is None for one in left)
