"""Splits, simpler methods and trials on a made-up history."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_history import GPU_TYPES, TINY, make_history

from gogh_sim.estimators import p1
from gogh_sim.estimators.baselines import (
    REGRESSORS,
    MatrixCompletion,
    mean_table,
    regressed_table,
    regressors_missing,
)
from gogh_sim.estimators.catalogue import Catalogue
from gogh_sim.estimators.coordinates import norm_of
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.splits import SPLITS, split
from gogh_sim.estimators.trials import FIRST, OTHER_TYPE, SAME_TYPE, Coverage, Trial, _coverages, errors, run

needs_sklearn = pytest.mark.skipif(regressors_missing() is not None, reason=str(regressors_missing()))


def test_splits_leave_what_they_say():
    full = make_history()
    found = {name: split(name, full, np.random.default_rng(0)) for name in SPLITS}
    left = {name: {w.name for w in s.known.workloads} for name, s in found.items()}
    models = {w.model for w in full.workloads}
    assert {w.model for w in found["new batch size"].known.workloads} == models
    assert 0 < len(full.workloads) - len(left["new batch size"]) <= 0.2 * len(full.workloads)
    gone = {w.family for w in full.workloads} - {w.family for w in found["new family"].known.workloads}
    assert gone
    assert len(left["new pair"]) == len(left["new GPU type"]) == len(full.workloads)
    assert np.isnan(found["new pair"].known.norm).sum() > np.isnan(full.norm).sum()
    assert len(found["new GPU type"].known.gpu_types) == len(GPU_TYPES) - 1
    # No family of this history has a second model.
    assert [name for name, s in found.items() if not s.judged.any()] == ["new workload"]


def test_judged_situations_of_a_new_family_all_involve_it():
    full = make_history()
    found = split("new family", full, np.random.default_rng(1))
    known = {w.name for w in found.known.workloads}
    names = [w.name for w in full.workloads]
    for _, a, b in np.argwhere(found.judged):
        assert names[a] not in known or (b < len(names) and names[b] not in known)


def new_family() -> tuple[Record, np.ndarray]:
    full = make_history()
    kept = [i for i, w in enumerate(full.workloads) if w.family != "f3"]
    return Record.of(full.of_workloads(np.array(kept))), np.array([w.family == "f3" for w in full.workloads])


def test_the_mean_of_what_is_known_stands_for_what_is_new():
    record, new = new_family()
    full = make_history()
    table = mean_table(record, full.workloads, full.gpu_types)
    assert table[1, new, -1] == pytest.approx(record.history.log_speed[:, 1].mean())
    assert table[0, new, -1].tolist() == [0.0] * int(new.sum())
    copied = p1.copied_table(record, full.workloads, full.gpu_types)
    assert np.array_equal(table[:, ~new][:, :, :-1][:, :, ~new], copied[:, ~new][:, :, :-1][:, :, ~new])


@needs_sklearn
@pytest.mark.parametrize("name", sorted(REGRESSORS))
def test_regressors_learn_from_features(name: str):
    record, new = new_family()
    full = make_history()
    table = regressed_table(REGRESSORS[name], record, full.workloads, full.gpu_types)
    truth = np.log(full.speed).T
    mean = mean_table(record, full.workloads, full.gpu_types)
    off = [np.nanmean(np.abs(t[1:, new, -1] - truth[1:, new])) for t in (table, mean)]
    assert off[0] < off[1]


def test_matrix_completion_finds_a_row_of_a_low_rank_table():
    full = make_history(quirk=0.0)
    last = len(full.workloads) - 1
    known = full.of_workloads(np.arange(last))
    completion = MatrixCompletion(known)
    at = np.array([[1, 3], [1, last], [2, 5]])
    speed = np.log(full.speed[last])
    rates = np.array([speed[1] + np.log(full.norm[1, last, 3]), speed[1], speed[2] + np.log(full.norm[2, last, 5])])
    found_speed, found = completion.suffers(at, rates, 1e-6)
    assert found_speed == pytest.approx(speed, abs=0.1)
    blind, guess = completion.suffers(np.zeros((0, 2), dtype=np.int64), np.zeros(0), 1e-6)
    truth = full.norm[:, last, :last]
    assert np.abs(norm_of(found) - truth).mean() < 0.5 * np.abs(norm_of(guess) - truth).mean()
    assert np.abs(blind - speed).mean() > np.abs(found_speed - speed).mean()
    pressed = completion.presses(np.array([[0, 2]]), np.log(full.norm[0, 2, [last]]), 1e-6)
    assert np.abs(norm_of(pressed) - full.norm[:, :last, last]).mean() < 0.06


def test_errors_by_hand():
    truth = np.array([[[0.0, np.log(2.0)]]])
    table = np.array([[[0.0, np.log(2.2)]]])
    assert errors([(table, np.ones_like(truth, dtype=bool))], truth) == pytest.approx((0.0, 0.1))


def test_a_trial_judges_every_method_at_every_stage():
    full = make_history(10, 2)
    settings = dataclasses.replace(TINY, members=1, p1_steps=30, p2_steps=5)
    part = split("new family", full, np.random.default_rng(0))
    rows = list(run(part, full, settings, 0))
    trials = [r for r in rows if isinstance(r, Trial)]
    assert {t.stage for t in trials} == {FIRST, SAME_TYPE, OTHER_TYPE}
    by = {(t.stage, t.method): t.norm_mae for t in trials}
    assert by[SAME_TYPE, "P2 feed_forward"] < 0.8 * by[SAME_TYPE, "P1 feed_forward"]
    assert all(np.isfinite(value) for value in by.values())
    for what in ("speed", "norm"):
        covered = [r.found for r in rows if isinstance(r, Coverage) and r.stage == FIRST and r.what == what]
        assert covered == sorted(covered)
    assert list(run(part, full, settings, 0)) == rows


def test_coverage_by_hand():
    # Speeds: one 1.5 deviations above what was believed, one .5 below. Norms: a log pressure 1 deviation above, so that
    # the norm is below.
    believed = np.zeros((1, 2, 3))
    truth = np.full((1, 2, 3), np.nan)
    truth[0, :, 2] = 0.3, -0.1
    truth[0, 0, 1] = 0.2
    same = np.zeros_like(believed, dtype=np.int64)
    catalogue = Catalogue(believed, np.full_like(believed, 0.04), same, same, same)
    rows = _coverages("s", "t", [(catalogue, np.ones_like(believed, dtype=bool))], truth)
    held = {(r.what, r.confidence): r.found for r in rows}
    assert [held["speed", c] for c in (0.05, 0.1, 0.5, 0.6, 0.7)] == [0.0, 0.5, 0.5, 0.5, 1.0]
    assert [held["norm", c] for c in (0.8, 0.9)] == [0.0, 1.0]
