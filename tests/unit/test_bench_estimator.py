"""The estimator benchmark counts what it asks."""

from __future__ import annotations

from gogh_sim.bench import estimator


def test_a_small_round_is_counted_and_timed(monkeypatch):
    monkeypatch.setattr(estimator, "_train_s", lambda: 1.5)
    record = estimator.bench(estimator.Case("small", pending=6, new=3, groups=5))
    assert record.questions == 6 * 5 * 4
    assert record.wall_s > 0
    assert record.train_s == 1.5
    assert record.parameters > 10_000
