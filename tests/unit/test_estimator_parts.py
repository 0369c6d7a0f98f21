"""Coordinates, features, similarity and catalogue against numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_history import GPU_TYPES, make_history

from gogh_sim.errors import InputError
from gogh_sim.estimators import p1
from gogh_sim.estimators.catalogue import Source, memory_fits, situations_of
from gogh_sim.estimators.coordinates import complete, norm_of, pressure_of, raw_pressure
from gogh_sim.estimators.features import Encoder
from gogh_sim.estimators.history import without_families
from gogh_sim.estimators.record import Record
from gogh_sim.estimators.similarity import distances, nearest
from gogh_sim.estimators.watts import Watts
from gogh_sim.types import FloatArray, JobKind, Workload


def workload(name: str, **changes: object) -> Workload:
    base = Workload(name, "m", "fam", "vision", JobKind.TRAINING, 8, 10.0, 2.0, 4.0)
    return dataclasses.replace(base, **changes)


def test_pressure_is_the_slowdown_and_inverts():
    norm = np.array([1.0, 0.8, 0.5, 0.25])
    assert np.allclose(raw_pressure(pressure_of(norm)), [0.0, 0.25, 1.0, 3.0])
    assert np.allclose(norm_of(pressure_of(norm)), norm)
    assert np.isnan(pressure_of(np.array([np.nan])))[0]


def test_norms_stay_in_range_whatever_the_estimate():
    norm = norm_of(np.array([-50.0, -3.6, 0.0, 9.0, 1e6]))
    assert norm.max() == 1.0
    assert norm.min() > 0.0


def test_additive_completion_finds_the_missing_corner():
    rows, columns = np.array([0.0, 1.0, 3.0, -1.0]), np.array([0.0, 2.0, -1.0, 0.5])
    full = rows[:, None] + columns
    gappy = full.copy()
    gappy[2, 1] = np.nan
    filled = complete(gappy)
    assert filled[2, 1] == pytest.approx(5.0, abs=0.8)
    assert np.array_equal(filled[np.isfinite(gappy)], gappy[np.isfinite(gappy)])
    assert np.array_equal(complete(np.full((2, 3), np.nan)), np.zeros((2, 3)))


def test_features_by_hand():
    jobs = [
        workload("a"),
        workload("b", family="other", batch_size=32, task="language modelling (books)", kind=JobKind.INFERENCE),
    ]
    more = [workload("c", family="third", task="language understanding (web)"), jobs[0]]
    encoder = Encoder.fit(jobs, GPU_TYPES)
    assert encoder.words == ()
    encoder = dataclasses.replace(encoder, words=Encoder.fit(jobs + more, GPU_TYPES).words)
    found = encoder.workloads(jobs)
    # Batch sizes 8 and 32 lie one spread below and above their mean log; so does the work of an iteration.
    # What is equal for both is 0. Then: inference, and the one word that tasks of two families share.
    assert np.allclose(found[0], [-1, 0, 0, -1, 0, 0, 0, 0])
    assert np.allclose(found[1], [1, 0, 0, 1, 0, 0, 1, 1])
    assert found.shape[1] == encoder.workload_width
    stranger = encoder.workloads([workload("c", task="astrology")])
    assert encoder.words == ("language",)
    assert stranger[0, -1] == 0


def test_features_know_neither_name_nor_family():
    jobs = [workload("a"), workload("b", batch_size=64)]
    encoder = Encoder.fit(jobs, GPU_TYPES)
    renamed = [dataclasses.replace(j, name=j.name + "x", model="other", family="other") for j in jobs]
    assert np.array_equal(encoder.workloads(jobs), encoder.workloads(renamed))


def test_nearest_by_hand():
    known = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    query = np.array([[0.9, 0.0], [3.0, 3.0]])
    assert distances(query, known)[1, 1] == pytest.approx(np.sqrt(1 / 2))
    assert nearest(query, known).row.tolist() == [2, 1]
    excluded = np.array([[False, False, True], [False, True, False]])
    assert nearest(query, known, excluded).row.tolist() == [0, 2]
    with pytest.raises(InputError, match="at least two families"):
        nearest(query, known, np.ones((2, 3), dtype=bool))


def test_known_workloads_resemble_themselves_unless_their_facts_changed():
    history = make_history(5, 2)
    record = Record.of(history)
    changed = dataclasses.replace(history.workloads[3], memory_gib=history.workloads[3].memory_gib + 5)
    assert record.known([history.workloads[3], changed]).tolist() == [3, -1]
    found = record.subjects([history.workloads[3], changed])
    assert found.similar[0] == 3
    assert found.apart[0] == 0.0
    assert found.apart[1] > 0.0


def test_situations_of_a_workload():
    found = situations_of(1, types=2, workloads=3)
    one_type = [(1, 0), (1, 1), (1, 2), (1, 3), (0, 1), (2, 1)]
    assert found.tolist() == [[t, a, b] for t in range(2) for a, b in one_type]


def test_memory_decides_what_fits():
    jobs = [workload("a", memory_gib=10.0), workload("b", memory_gib=17.0)]
    fits = memory_fits(jobs, GPU_TYPES)
    t4 = 3
    assert fits[t4].tolist() == [[False, False, True], [False, False, False]]
    assert fits[0].tolist() == [[True, True, True], [True, False, True]]


def test_sources_have_the_names_of_results():
    assert [s.label for s in sorted(Source)] == ["P1", "P2", "measured"]


def test_history_refuses_wrong_shapes_and_values():
    history = make_history(4, 2)
    with pytest.raises(InputError, match="speed must have shape"):
        dataclasses.replace(history, speed=history.speed.T)
    with pytest.raises(InputError, match=r"norms in \(0, 1\]"):
        dataclasses.replace(history, norm=history.norm + 1.0)
    with pytest.raises(InputError, match="power_w must be finite"):
        dataclasses.replace(history, power_w=np.full_like(history.power_w, np.inf))
    with pytest.raises(InputError, match="watts must not be negative"):
        dataclasses.replace(history, pair_power_w=-history.pair_power_w)


def test_who_draws_no_more_than_an_idle_gpu_says_nothing_of_how_loads_add_up():
    history = make_history(6, 2)
    power_w, unknown = history.power_w.copy(), history.pair_power_w.copy()
    power_w[:2] = [t.idle_context_w for t in GPU_TYPES]
    unknown[:, :2, :2] = np.nan

    def exponents(pair_power_w: FloatArray) -> list[float]:
        told = dataclasses.replace(history, power_w=power_w, pair_power_w=pair_power_w)
        with np.errstate(all="raise"):
            return Watts(Record.of(told), history.workloads, GPU_TYPES).share_exponent.tolist()

    assert exponents(history.pair_power_w) == exponents(unknown)


def test_holding_out_families_leaves_no_trace_of_them():
    history = make_history(6, 2)
    kept = without_families(history, ("f1", "f4"))
    assert kept.families == ("f0", "f2", "f3", "f5")
    assert kept.norm.shape == (4, 8, 8)
    assert np.array_equal(kept.norm[2, 2:4, :2], history.norm[2, 4:6, :2], equal_nan=True)
    with pytest.raises(InputError, match="nosuch"):
        without_families(history, ("nosuch",))
    with pytest.raises(InputError, match="at least 4 families"):
        without_families(history, ("f0", "f1", "f2"))


def test_pairs_that_a_history_lacks_are_doubted_as_completions_are():
    full = make_history()
    rng = np.random.default_rng(1)
    hole = np.triu(rng.random((len(full.workloads), len(full.workloads))) < 0.3)
    hole |= hole.T
    part = dataclasses.replace(full, norm=np.where(hole, np.nan, full.norm))
    fitted = np.stack([e.table() for e in part.pressure_effects])
    rest = pressure_of(full.norm) - fitted
    seen = np.isfinite(pressure_of(part.norm))
    for t in range(len(full.gpu_types)):
        measured = float((rest[t][seen[t]] ** 2).sum()) / (int(seen[t].sum()) - 2 * len(full.workloads))
        assert part.completion_variance[t] == pytest.approx(measured)
    record, unseen = Record.of(part), hole & np.isfinite(full.norm)
    found = p1.completion_variance(record, part.workloads, part.gpu_types)
    assert ((found > 0) == ~seen).all()
    # What was not measured is off by as much as is believed.
    assert np.sqrt((rest[unseen] ** 2).mean() / found[unseen].mean()) == pytest.approx(1.0, abs=0.25)
    # The new are P1's matter.
    fewer = Record.of(part.of_workloads(np.arange(1, len(part.workloads))))
    assert (p1.completion_variance(fewer, part.workloads, part.gpu_types)[:, 0] == 0).all()
