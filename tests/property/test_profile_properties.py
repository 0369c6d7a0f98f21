"""Laws that every profile obeys, whatever its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogh_sim.profiles import Member, Profile, load
from gogh_sim.types import GpuType, HostPower, JobKind, Workload

CALIBRATED = load()
FRACTIONS = st.floats(0.05, 1.0)
SMALL_NUMBERS = st.floats(0.0, 5.0)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    idle, headroom = draw(st.floats(5.0, 150.0)), draw(st.floats(1.0, 600.0))
    gpu = GpuType("V100", "any", 80.0, idle + headroom, idle / 2, idle, 1.0, 1.0, 1.0, HostPower(0.0, 1.0))
    count = draw(st.integers(1, 4))
    jobs = [Workload(f"w{k}", "m", "f", "t", JobKind.TRAINING, 1, 1.0, 1.0, 1.0) for k in range(count)]

    def column(values: st.SearchStrategy[float]) -> list[list[float]]:
        return [[draw(values)] for _ in range(count)]

    return Profile.from_rates(
        "any",
        (gpu,),
        jobs,
        column(st.floats(0.01, 1e4)),
        dyn_w=column(st.floats(0.0, headroom)),
        sensitivity=column(SMALL_NUMBERS),
        intensity=column(SMALL_NUMBERS),
        alpha=draw(st.floats(0.1, 1.0)),
        beta=draw(st.floats(0.0, 1.0)),
        gamma=draw(st.floats(0.1, 1.0)),
    )


@st.composite
def occupied(draw: st.DrawFn) -> tuple[Profile, tuple[Member, ...]]:
    profile = draw(profiles())
    member = st.builds(Member, st.integers(0, len(profile.workloads) - 1), FRACTIONS)
    return profile, tuple(draw(st.lists(member, min_size=1, max_size=4)))


@given(occupied())
def test_norms_lie_in_the_unit_interval(case: tuple[Profile, tuple[Member, ...]]) -> None:
    profile, members = case
    assert all(0.0 < norm <= 1.0 for norm in profile.combine(0, members).norms)


@given(occupied())
def test_one_more_partner_never_speeds_anyone_up(case: tuple[Profile, tuple[Member, ...]]) -> None:
    profile, members = case
    fewer, all_of_them = profile.combine(0, members[:-1]), profile.combine(0, members)
    assert all(more <= less + 1e-12 for less, more in zip(fewer.norms, all_of_them.norms, strict=False))


@given(occupied())
def test_power_lies_between_idle_and_tdp(case: tuple[Profile, tuple[Member, ...]]) -> None:
    profile, members = case
    gpu = profile.gpu_types[0]
    assert gpu.idle_context_w <= profile.combine(0, members).power_w <= gpu.tdp_w


@given(profiles(), FRACTIONS, FRACTIONS)
def test_power_alone_grows_with_load(profile: Profile, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert profile.combine(0, (Member(0, low),)).power_w <= profile.combine(0, (Member(0, high),)).power_w + 1e-9


@given(profiles(), st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_a_tighter_cap_never_speeds_up(profile: Profile, one: float, other: float) -> None:
    gpu = profile.gpu_types[0]
    headroom = gpu.tdp_w - gpu.idle_context_w
    low, high = (gpu.idle_context_w + share * headroom for share in sorted((one, other)))
    slow, fast = (profile.cap_speed(0, gpu.tdp_w, cap) for cap in (low, high))
    assert 0.0 < slow <= fast <= 1.0


@given(occupied(), st.randoms(use_true_random=False))
def test_order_of_members_does_not_matter(case: tuple[Profile, tuple[Member, ...]], random: object) -> None:
    profile, members = case
    order = list(range(len(members)))
    random.shuffle(order)  # type: ignore[attr-defined]
    here, there = profile.combine(0, members), profile.combine(0, tuple(members[k] for k in order))
    assert [here.norms[k] for k in order] == pytest.approx(list(there.norms))
    assert here.power_w == pytest.approx(there.power_w)


@settings(max_examples=200)
@given(
    st.integers(0, len(CALIBRATED.workloads) - 1),
    st.integers(1, 256),
    st.integers(1, 32),
)
def test_gangs_fall_with_size_and_spread(workload: int, gpus: int, nodes: int) -> None:
    here = CALIBRATED.gang_factor(workload, gpus, nodes)
    assert 0.0 < here <= 1.0
    assert CALIBRATED.gang_factor(workload, 2 * gpus, nodes) <= here
    assert CALIBRATED.gang_factor(workload, gpus, 2 * nodes) <= here


@pytest.mark.parametrize("gpu_type", range(len(CALIBRATED.gpu_types)))
def test_pair_norms_equal_combinations(gpu_type: int) -> None:
    norms = CALIBRATED.pair_norms(gpu_type)
    count = len(CALIBRATED.workloads)
    rng = np.random.default_rng(0)
    for a, b in rng.integers(0, count, size=(200, 2)).tolist():
        if CALIBRATED.fits(gpu_type, (a, b)):
            found = CALIBRATED.combine(gpu_type, (Member(a, 1.0), Member(b, 1.0))).norms
            assert found == pytest.approx((norms[a, b], norms[b, a]))
        else:
            assert np.isnan(norms[a, b])
