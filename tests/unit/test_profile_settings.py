"""Sharing modes, beta and the spread of interference, as a run's configuration asks for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.profiles import Member, Profile, ProfileSettings, Sharing, Source, as_shared, configured, load, stand_ins
from gogh_sim.profiles.uncertainty import perturbed
from gogh_sim.types import Cluster, Node

SHIPPED = load()
T4, V100, A100 = (SHIPPED.type_index[name] for name in ("T4", "V100", "A100"))
CLUSTER = Cluster("c", SHIPPED.gpu_types, (Node("a", "A100", 8), Node("b", "T4", 4)), theta=3)


def profile_of(**settings: object) -> Profile:
    return configured(ProfileSettings(**settings), np.random.default_rng(3))  # type: ignore[arg-type]


def beside(profile: Profile, gpu_type: int, *names: str) -> tuple[float, ...]:
    return profile.combine(gpu_type, tuple(Member(profile.workload_index[n], 1.0) for n in names)).norms


def test_the_default_is_the_shipped_profile() -> None:
    found = profile_of()
    assert found.name == "calibrated"
    for field in ("solo_rate", "sensitivity", "intensity", "beta"):
        np.testing.assert_array_equal(getattr(found, field), getattr(SHIPPED, field))
    assert as_shared(CLUSTER, found, Sharing.MPS, {}) is CLUSTER


def test_exclusive_use_is_capacity_one() -> None:
    shared = as_shared(CLUSTER, SHIPPED, Sharing.EXCLUSIVE, {})
    assert shared.theta == 1
    assert shared.nodes == CLUSTER.nodes


def test_time_slicing_halves_two_busy_jobs_and_keeps_the_capacity() -> None:
    found = profile_of(sharing="time_slicing")
    assert beside(found, V100, "vgg19-b128", "vgg19-b128") == pytest.approx((0.5, 0.5), abs=0.01)
    assert beside(SHIPPED, V100, "vgg19-b128", "vgg19-b128")[0] != pytest.approx(0.5, abs=0.01)
    assert as_shared(CLUSTER, found, Sharing.TIME_SLICING, {}).theta == 3


@pytest.mark.parametrize(("size", "instances"), [("1g.5gb", 7), ("2g.10gb", 3), ("3g.20gb", 2), ("4g.20gb", 1)])
def test_mig_cuts_each_card_into_as_many_slices_as_fit(size: str, instances: int) -> None:
    """Counts as NVIDIA's MIG user guide lists them for A100."""
    mig = {"A100": size}
    found = profile_of(sharing="mig", mig=mig)
    shared = as_shared(CLUSTER, found, Sharing.MIG, mig)
    assert [(n.gpu_type, n.num_gpus) for n in shared.nodes] == [(f"A100-{size}", 8 * instances), ("T4", 4)]
    assert shared.theta == 1
    assert set(shared.type_names) == {f"A100-{size}", "T4"}
    part, whole = found.gpu_types[found.type_index[f"A100-{size}"]], found.gpu_types[A100]
    assert instances * part.idle_context_w == pytest.approx(whole.idle_context_w)
    assert instances * part.tdp_w <= whole.tdp_w + 1e-9
    assert stand_ins(found, mig)["A100"] == f"A100-{size}"
    assert stand_ins(found, mig)["T4"] == "T4"


def test_beta_replaces_that_of_every_type() -> None:
    names = ("resnet18-b16", "resnet18-b16")  # together nearly twice as fast as one

    def watts(beta: float | None) -> float:
        found = profile_of(beta=beta)
        return found.combine(A100, tuple(Member(found.workload_index[n], 1.0) for n in names)).power_w

    assert watts(0.3) < watts(0.5) == watts(None) < watts(0.8)


def test_a_shift_moves_every_slowdown_nobody_measured_by_its_types_spread() -> None:
    found = profile_of(interference_shift=1.0)
    ratio = found.slowdown[T4] / SHIPPED.slowdown[T4]
    assert ratio == pytest.approx(np.exp(SHIPPED.interference_spread[T4]))
    down = profile_of(interference_shift=-1.0)
    assert down.slowdown[T4] * found.slowdown[T4] == pytest.approx(SHIPPED.slowdown[T4] ** 2)


def test_what_was_fitted_on_the_type_stays() -> None:
    found = profile_of(interference_shift=1.0, interference_scatter=1.0)
    fitted = SHIPPED.shared_tag == Source.FITTED.value
    assert 30 < fitted.sum() < fitted.size / 2
    for field in ("sensitivity", "intensity"):
        before, after = getattr(SHIPPED, field), getattr(found, field)
        np.testing.assert_array_equal(after[fitted], before[fitted])
        assert (after[~fitted] != before[~fitted]).all()


def test_scatter_has_the_declared_spread_and_follows_the_seed() -> None:
    def log_strain(scatter: float, seed: int) -> np.ndarray:
        found = perturbed(SHIPPED, 0.0, scatter, np.random.default_rng(seed))
        return np.log(found.sensitivity * found.intensity / (SHIPPED.sensitivity * SHIPPED.intensity))[:, T4]

    spread = SHIPPED.interference_spread[T4]
    assert np.concatenate([log_strain(1.0, s) for s in range(8)]).std() == pytest.approx(spread, rel=0.1)
    np.testing.assert_array_equal(log_strain(1.0, 1), log_strain(1.0, 1))
    assert log_strain(2.0, 1) == pytest.approx(2 * log_strain(1.0, 1))
    assert not np.allclose(log_strain(1.0, 1), log_strain(1.0, 2))


def test_a_measured_pair_does_not_move() -> None:
    measured = SHIPPED.measured_norm.copy()
    measured[T4, 3, 4] = 0.7
    with_pair = replace(SHIPPED, measured_norm=measured)
    found = perturbed(with_pair, 2.0, 1.0, np.random.default_rng(0))
    assert found.pair_norms(T4)[3, 4] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"sharing": "turns"}, "profile.sharing: expected one of"),
        ({"sharing": "mig"}, "profile.mig names the slice"),
        ({"mig": {"A100": "3g.20gb"}}, "goes with profile.sharing=mig only"),
        ({"sharing": "mig", "mig": {"T4": "3g.20gb"}}, "expected a MIG slice among"),
        ({"sharing": "mig", "mig": {"B200": "3g.20gb"}}, "expected a MIG slice among"),
        ({"beta": -0.1}, "profile.beta"),
        ({"interference_shift": float("nan")}, "interference_shift"),
        ({"interference_scatter": -1.0}, "interference_scatter"),
        ({"name": "nonesuch"}, "expected a profile among"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        profile_of(**settings)


def test_settings_read_only_their_own_keys() -> None:
    found = ProfileSettings.of({"name": "calibrated", "beta": 0.3, "data": "x"})
    assert found == ProfileSettings(beta=0.3)
