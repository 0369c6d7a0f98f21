"""History from a profile, the choice of held-out families, and pre-training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from synthetic_history import GPU_TYPES, TINY, make_history

from gogh_sim.errors import InputError
from gogh_sim.estimators import load
from gogh_sim.pretraining import choose_held_out, history_from_profile, pretrain
from gogh_sim.profiles.profile import Member, Profile

TEMPLATE = make_history(8, 2)
SHORT = dataclasses.replace(TINY, p1_steps=5, p2_steps=3, members=1, parameters=1_500, held_out=())


def profile() -> Profile:
    count = len(TEMPLATE.workloads)
    return Profile.from_rates(
        "made up",
        GPU_TYPES,
        TEMPLATE.workloads,
        TEMPLATE.speed * np.linspace(1, 9, count)[:, None],
        dyn_w=np.tile([100.0, 150.0, 200.0, 20.0], (count, 1)),
        sensitivity=np.linspace(0.2, 1.0, count)[:, None],
        intensity=np.linspace(1.0, 0.3, count)[:, None],
        beta=0.5,
    )


def test_history_holds_what_the_profile_says():
    truth = profile()
    history = history_from_profile(truth)
    assert np.allclose(history.speed, TEMPLATE.speed, equal_nan=True)
    assert np.allclose(history.norm[2], truth.pair_norms(2), equal_nan=True)
    watts = truth.combine(2, (Member(3, 1.0), Member(7, 1.0))).power_w
    assert history.pair_power_w[2, 3, 7] == history.pair_power_w[2, 7, 3] == watts
    assert history.power_w[3, 1] == 75.0 + 150.0
    assert np.array_equal(np.isnan(history.pair_power_w), np.isnan(history.norm))


def test_history_of_some_families():
    history = history_from_profile(profile(), ["f3", "f1"])
    assert [w.family for w in history.workloads] == ["f1", "f1", "f3", "f3"]
    with pytest.raises(InputError, match="nosuch"):
        history_from_profile(profile(), ["nosuch"])


def test_held_out_families_stay_within_the_share():
    for seed in range(20):
        chosen = choose_held_out(TEMPLATE, 0.3, seed)
        assert sum(w.family in chosen for w in TEMPLATE.workloads) == 4  # two families of two, of 16 workloads
    assert len({choose_held_out(TEMPLATE, 0.3, seed) for seed in range(20)}) > 1


def test_pretraining_writes_the_same_bytes_without_held_out_families(tmp_path: Path):
    tables = [pretrain(profile(), tmp_path / name, seed=2, settings=SHORT) for name in ("one.pt", "two.pt")]
    assert tables[0] == tables[1]
    assert tables[0].held_out == choose_held_out(history_from_profile(profile()), 0.22, 2) != ()
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()
    assert not set(tables[0].held_out) & set(load(tmp_path / "one.pt").record.history.families)
    assert "P2, untried" in str(tables[0])
