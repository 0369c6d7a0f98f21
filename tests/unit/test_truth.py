"""The truth handed to the oracle is what the engine does."""

from __future__ import annotations

import numpy as np
import pytest
from builders import FRICTIONLESS, Script, cluster, gpus, job, profile, run, service, workload

from gogh_sim.engine import Truth
from gogh_sim.policy import Decision
from gogh_sim.profiles import Member

LAWS = {"sensitivity": 0.7, "intensity": 0.9, "local_sync": 0.1, "remote_sync": 0.2, "beta": 0.5, "alpha": 0.8}


def test_beliefs_agree_with_combine_for_every_pair() -> None:
    truth = profile(**LAWS)
    machine = cluster(("V100", 2), ("T4", 2))
    jobs = [job("a"), job("b", kind="rnn"), job("c", gpu_fraction=0.5)]
    hidden = {"a": 1.0, "b": 1.0, "c": 1.0}
    beliefs = Truth(truth, machine, hidden).beliefs(jobs)
    members = [Member(truth.workload_index[j.workload], j.gpu_fraction) for j in jobs]
    for t in range(2):
        for i, own in enumerate(members):
            assert beliefs.power_w[i, t] == pytest.approx(truth.combine(t, (own,)).power_w)
            for k, other in enumerate(members):
                together = truth.combine(t, (own, other))
                assert beliefs.norm[t, i, k] == pytest.approx(together.norms[0])
                assert beliefs.pair_power_w[t, i, k] == pytest.approx(together.power_w)


def test_speed_is_the_one_at_which_the_engine_runs_a_consolidated_gang() -> None:
    truth = profile(**LAWS)
    machine = cluster(("V100", 2), ("T4", 1), ("T4", 2))
    wide = job("a", num_gpus=2)
    speed = Truth(truth, machine, {"a": 1.0}).beliefs([wide]).speed
    for gpu_type, where in enumerate(("n0/0 n0/1", "n2/0 n2/1")):
        decision = Decision(place={"a": gpus(*where.split())})
        records, _ = run(machine, [wide], Script(at_0=decision), FRICTIONLESS, truth)
        assert 100.0 / records.jobs.end_s.iloc[0] == pytest.approx(speed[0, gpu_type])


def test_services_slow_others_by_their_peak_and_draw_watts_by_their_mean() -> None:
    """Of 10 requests/s on the V100 a mean of 2 comes and 3 at most, of 4 on the T4 half and three quarters."""
    truth = profile(**LAWS)
    machine = cluster(("V100", 2), ("T4", 2))
    jobs = [service("s", (0.0, 1.0), (500.0, 3.0)), job("a")]
    beliefs = Truth(truth, machine, {"s": 1.0, "a": 1.0}).beliefs(jobs)
    assert beliefs.speed[0] == pytest.approx([1.0, 0.4])
    for t, (mean, peak) in enumerate(((0.2, 0.3), (0.5, 0.75))):
        partner = Member(0, 1.0)
        assert beliefs.power_w[0, t] == pytest.approx(truth.combine(t, (Member(0, mean),)).power_w)
        assert beliefs.pair_power_w[t, 0, 1] == pytest.approx(truth.combine(t, (Member(0, mean), partner)).power_w)
        together = truth.combine(t, (Member(0, peak), partner))
        assert (beliefs.norm[t, 0, 1], beliefs.norm[t, 1, 0]) == pytest.approx(together.norms)


def test_a_pair_that_does_not_fit_has_no_beliefs() -> None:
    truth = profile((workload("cnn", 9.0), workload("rnn", 4.0)))
    beliefs = Truth(truth, cluster(("V100", 1)), {"a": 1.0, "b": 1.0}).beliefs([job("a"), job("b", kind="rnn")])
    assert np.isnan(beliefs.norm[0]).tolist() == [[True, False], [False, False]]
    assert np.isnan(beliefs.pair_power_w[0]).tolist() == [[True, False], [False, False]]


def test_hidden_factors_are_part_of_the_truth() -> None:
    beliefs = Truth(profile(), cluster(("V100", 1)), {"a": 1.25}).beliefs([job("a")])
    assert beliefs.speed[0, 0] == pytest.approx(1.25)
