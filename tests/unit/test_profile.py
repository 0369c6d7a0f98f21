"""A profile's answers, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import Member, Profile, Source, reference_rate, work_of
from gogh_sim.types import GpuType, HostPower, JobKind, Workload

HOST = HostPower(base_w=100.0, slope=1.1)
SMALL = GpuType("V100", "small", 16.0, 300.0, 40.0, 50.0, 15.7, 125.0, 900.0, HOST)
LARGE = GpuType("A100", "large", 40.0, 400.0, 40.0, 60.0, 19.5, 312.0, 1555.0, HOST)


def _workload(name: str, memory_gib: float) -> Workload:
    return Workload(name, name, name, "task", JobKind.TRAINING, 32, 10.0, 1.0, memory_gib)


JOBS = (_workload("x", 6.0), _workload("y", 9.0), _workload("z", 20.0))


def _profile(**changes: object) -> Profile:
    arguments: dict[str, object] = {
        "dyn_w": [[200.0, 240.0], [100.0, 160.0], [50.0, 60.0]],
        "sensitivity": [[1.0, 0.5], [2.0, 1.0], [0.5, 0.5]],
        "intensity": [[0.5, 0.4], [0.25, 0.2], [1.0, 1.0]],
        "alpha": 0.5,
        "beta": 0.5,
        "gamma": 0.5,
        "local_sync": [0.1, 0.0, 0.0],
        "remote_sync": [0.3, 0.0, 0.0],
    }
    rates = [[10.0, 20.0], [4.0, 6.0], [2.0, 8.0]]
    return Profile.from_rates("hand", (SMALL, LARGE), JOBS, rates, **(arguments | changes))  # type: ignore[arg-type]


def test_alone_a_job_runs_at_full_speed_and_draws_its_dynamic_watts() -> None:
    found = _profile().combine(0, (Member(0, 1.0),))
    assert found.norms == (1.0,)
    assert found.power_w == pytest.approx(50.0 + 200.0)


def test_a_fraction_draws_its_load_to_the_power_alpha() -> None:
    found = _profile().combine(0, (Member(0, 0.25),))
    assert found.norms == (1.0,)
    assert found.power_w == pytest.approx(50.0 + 200.0 * 0.25**0.5)


def test_no_job_draws_idle_context() -> None:
    assert _profile().combine(1, ()) == ((), 60.0)


def test_a_pair_slows_each_by_its_own_sensitivity_and_the_partners_intensity() -> None:
    found = _profile().combine(0, (Member(0, 1.0), Member(1, 1.0)))
    # x: 1 / (1 + 1.0 * 0.25) = 0.8; y: 1 / (1 + 2.0 * 0.5) = 0.5
    assert found.norms == pytest.approx((0.8, 0.5))
    # h = 200; total speed = 0.8 + 0.5 * 100 / 200 = 1.05
    assert found.power_w == pytest.approx(50.0 + 200.0 * 1.05**0.5)


def test_norms_follow_the_order_of_the_members() -> None:
    profile = _profile()
    forward = profile.combine(0, (Member(0, 1.0), Member(1, 1.0)))
    backward = profile.combine(0, (Member(1, 1.0), Member(0, 1.0)))
    assert forward.norms == backward.norms[::-1]
    assert forward.power_w == pytest.approx(backward.power_w)


def test_a_fraction_presses_its_partners_less_but_is_pressed_in_full() -> None:
    found = _profile().combine(0, (Member(0, 0.5), Member(1, 1.0)))
    # x: 1 / (1 + 1.0 * 0.25); y: 1 / (1 + 2.0 * 0.5 * 0.5)
    assert found.norms == pytest.approx((0.8, 1.0 / 1.5))


def test_three_jobs_add_their_pressure() -> None:
    found = _profile().combine(0, (Member(0, 1.0), Member(1, 1.0), Member(2, 1.0)))
    # x: 1 / (1 + 1.0 * (0.25 + 1)); y: 1 / (1 + 2 * (0.5 + 1)); z: 1 / (1 + 0.5 * (0.5 + 0.25))
    assert found.norms == pytest.approx((1 / 2.25, 1 / 4.0, 1 / 1.375))


def test_two_of_a_kind_press_each_other() -> None:
    found = _profile().combine(0, (Member(0, 1.0), Member(0, 1.0)))
    assert found.norms == pytest.approx((1 / 1.5, 1 / 1.5))


def test_power_stops_at_tdp() -> None:
    found = _profile(beta=3.0).combine(0, (Member(0, 1.0), Member(1, 1.0), Member(0, 1.0)))
    assert found.power_w <= 300.0
    weak = _profile(sensitivity=0.0, beta=1.0).combine(0, (Member(0, 1.0), Member(1, 1.0)))
    assert weak.power_w == 300.0


def test_a_measured_pair_wins_over_the_law() -> None:
    profile = _profile()
    measured = profile.measured_norm.copy()
    measured[0, 0, 1], measured[0, 1, 0] = 0.9, 0.6
    profile = replace(profile, measured_norm=measured)
    assert profile.combine(0, (Member(0, 1.0), Member(1, 1.0))).norms == pytest.approx((0.9, 0.6))
    assert profile.combine(1, (Member(0, 1.0), Member(1, 1.0))).norms == pytest.approx((1 / 1.1, 1 / 1.4))
    assert profile.pair_norms(0)[0, 1] == pytest.approx(0.9)
    # Beside half of y, x loses half of what it was measured to lose: 1 / (1 + 0.5 * (1 / 0.9 - 1)).
    assert profile.combine(0, (Member(0, 1.0), Member(1, 0.5))).norms[0] == pytest.approx(1 / (1 + 0.5 / 9))


def test_pair_norms_agree_with_combinations_and_leave_out_what_does_not_fit() -> None:
    profile = _profile()
    norms = profile.pair_norms(0)
    assert norms[0, 1] == pytest.approx(0.8)
    assert norms[1, 0] == pytest.approx(0.5)
    assert norms[0, 0] == pytest.approx(1 / 1.5)
    assert np.isnan(norms[1, 1])  # 18 of 16 GiB
    assert np.isnan(norms[2]).all()
    assert np.isfinite(profile.pair_norms(1)).sum() == 9


def test_memory_is_a_hard_limit() -> None:
    profile = _profile()
    assert profile.fits(0, [0, 1])
    assert not profile.fits(0, [1, 1])
    assert profile.fits(1, [2, 1, 1])
    assert not profile.fits(1, [2, 2, 0])
    assert profile.fits(0, [])


def test_a_gang_loses_by_doublings_of_size_and_of_nodes() -> None:
    profile = _profile()
    assert profile.gang_factor(0, 1, 1) == 1.0
    assert profile.gang_factor(0, 8, 1) == pytest.approx(1 / 1.3)
    assert profile.gang_factor(0, 8, 2) == pytest.approx(1 / 1.6)
    assert profile.gang_factor(1, 64, 8) == 1.0


def test_work_is_the_reference_rate_times_duration() -> None:
    profile = _profile()
    # 16 GPUs are two nodes of 8: 10 * 16 / (1 + 0.1 * 4 + 0.3)
    assert reference_rate(profile, 0, 16) == pytest.approx(160.0 / 1.7)
    found = work_of(profile, [0, 1], [16, 1], [1.0, 0.25], 10.0)
    assert found == pytest.approx([1600.0 / 1.7, 4.0 * 0.25 * 10.0])


def test_relative_speed_is_over_the_reference_type() -> None:
    profile = _profile()
    assert profile.relative_speed[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert profile.relative_speed[:, 1] == pytest.approx([2.0, 1.5, 4.0])


def test_cap_slows_by_the_share_of_dynamic_power_left() -> None:
    profile = _profile()
    assert profile.cap_speed(0, 250.0, 300.0) == 1.0
    assert profile.cap_speed(0, 250.0, 250.0) == 1.0
    assert profile.cap_speed(0, 250.0, 100.0) == pytest.approx((50.0 / 200.0) ** 0.5)


def test_a_cap_below_idle_is_an_error() -> None:
    with pytest.raises(InputError, match="idle power of 50 W, found 50 W"):
        _profile().cap_speed(0, 250.0, 50.0)


def test_tags_tell_alone_from_shared() -> None:
    profile = _profile()
    tags = np.array([["assumed", "assumed"], [Source.TRANSFERRED.value, "assumed"], ["assumed", "assumed"]])
    profile = replace(profile, shared_tag=tags)
    assert profile.source_tag(1, 0, shared=False) == "assumed"
    assert profile.source_tag(1, 0, shared=True) == "transferred"


def test_numbers_by_name() -> None:
    profile = _profile()
    assert profile.workload_index == {"x": 0, "y": 1, "z": 2}
    assert profile.type_index == {"V100": 0, "A100": 1}


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("solo_rate", np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]]), "solo_rate holds 1 values out of range"),
        ("sensitivity", np.full((3, 2), -0.1), "sensitivity holds 6 values out of range"),
        ("measured_norm", np.full((2, 3, 3), 1.5), "measured_norm holds 18 values out of range"),
        ("dyn_w", np.full((3, 2), 300.0), "dyn_w exceeds TDP less idle power"),
        ("alpha", np.ones(3), "expected alpha of shape"),
        ("solo_tag", np.full((3, 2), "guessed"), "solo_tag holds 6 values out of range"),
    ],
)
def test_bad_numbers_are_refused(field: str, value: np.ndarray, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        replace(_profile(), **{field: value})


def test_rates_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="expected solo_rate of shape"):
        Profile.from_rates("bad", (SMALL,), JOBS, [1.0, 2.0, 3.0])


def test_two_workloads_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="workload names are not unique"):
        Profile.from_rates("bad", (SMALL,), (JOBS[0], JOBS[0]), [[1.0], [2.0]])


def test_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _profile().solo_rate[0, 0] = 5.0
