"""What `EstimatedSource` believes, says it believed, and learns."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from synthetic_history import GPU_TYPES, tiny_training

from gogh_sim.errors import InputError
from gogh_sim.estimators import EstimatedSource, LearningSettings, TuningSettings
from gogh_sim.estimators.learning import Refining
from gogh_sim.estimators.posterior import Measured
from gogh_sim.estimators.tuning import Tuned
from gogh_sim.policy import Learner, Observation
from gogh_sim.types import Job, JobKind

TYPES = [t.name for t in GPU_TYPES]
NEW, OTHER_NEW, KNOWN, OTHER_KNOWN = "f2-b8", "f6-b8", "f0-b8", "f1-b8"


def job(workload: str, job_id: str = "", **changes: object) -> Job:
    facts = {"job_id": job_id or f"job of {workload}", "submit_s": 0.0, "workload": workload, "kind": JobKind.TRAINING}
    return Job(**{**facts, "work": 2000.0, "reference_s": 1000.0, **changes})


def source(learning: LearningSettings | None = None) -> EstimatedSource:
    history, estimator, _ = tiny_training()
    return EstimatedSource.refined({w.name: w for w in history.workloads}, GPU_TYPES, estimator, learning)


def plain_source() -> EstimatedSource:
    history, estimator, _ = tiny_training()
    return EstimatedSource.unrefined({w.name: w for w in history.workloads}, GPU_TYPES, estimator)


def seen(of: Job, gpu_type: str, rate: float, *partners: Job, power_w: float = 200.0) -> Observation:
    return Observation(0.0, of, gpu_type, partners, 1, rate, power_w)


def truth(workload: str, gpu_type: str, partner: str | None = None) -> float:
    history, _, _ = tiny_training()
    a, t = history.index[workload], TYPES.index(gpu_type)
    norm = 1.0 if partner is None else history.norm[t, a, history.index[partner]]
    return float(history.speed[a, t] * norm)


def test_it_is_a_learner():
    assert isinstance(source(), Learner)


def test_shapes_and_limits_of_beliefs():
    history, _, _ = tiny_training()
    jobs = [job(w.name) for w in history.workloads]
    beliefs = source().beliefs(jobs)
    count = len(jobs)
    assert beliefs.speed.shape == beliefs.power_w.shape == (count, 4)
    assert beliefs.norm.shape == beliefs.pair_power_w.shape == (4, count, count)
    assert np.array_equal(np.isnan(beliefs.speed), np.isnan(history.speed))
    assert np.array_equal(np.isnan(beliefs.norm), np.isnan(history.norm))
    norm = beliefs.norm[np.isfinite(beliefs.norm)]
    assert ((norm > 0) & (norm <= 1)).all()
    idle, tdp = ([getattr(t, field) for t in GPU_TYPES] for field in ("idle_context_w", "tdp_w"))
    power = beliefs.power_w
    assert ((power >= idle) & (power <= tdp) | np.isnan(power)).all()
    assert source().beliefs([]).norm.shape == (4, 0, 0)


def test_doubt_is_that_of_the_job_where_the_workload_is_known_and_more_where_it_is_new():
    learner = source()
    doubt = learner.beliefs([job(KNOWN), job(NEW), job(KNOWN, "gang", num_gpus=2)]).speed_sd
    assert doubt is not None
    assert doubt[0] == pytest.approx([0.05, *[math.hypot(0.05, 0.02)] * 3])
    assert doubt[2, 0] == pytest.approx(math.hypot(0.05, 0.1))
    assert (doubt[1, 1:] > doubt[0, 1:]).all()
    learner.observe([seen(job(NEW), "A100", 2.0)])
    after = learner.beliefs([job(NEW)]).speed_sd
    assert after is not None
    assert after[0, 1] < doubt[1, 1]


def test_uncertainty_is_that_of_beliefs_and_falls_where_something_is_measured():
    learner = source()
    jobs = [job(KNOWN), job(NEW), job(OTHER_KNOWN)]
    before, believed = learner.uncertainty(jobs), learner.beliefs(jobs)
    assert believed.speed_sd is not None
    assert np.sqrt(np.einsum("jtt->jt", before.speed)) == pytest.approx(believed.speed_sd)
    assert np.allclose(before.speed, before.speed.transpose(0, 2, 1))
    assert (np.linalg.eigvalsh(before.speed) > -1e-9).all()
    # Who is faster than believed on one type is so on others, and nothing is in doubt of a pair in the history.
    assert before.speed[1, 1, 2] > before.speed[0, 1, 2]
    assert before.norm[:, 0, 2] == pytest.approx(0.02**2)
    assert (before.norm[:, 0, 1] > 2 * before.norm[:, 0, 2]).all()
    # As believed, so that only doubt changes.
    rate = job(NEW).reference_rate * believed.speed[1, 1] * believed.norm[1, 1, 0]
    learner.observe([seen(job(NEW, "another"), "A100", rate, job(KNOWN))])
    after = learner.uncertainty(jobs)
    assert after.speed[1, 1, 1] < before.speed[1, 1, 1]
    assert after.speed[1, 2, 2] < before.speed[1, 2, 2]
    assert after.norm[1, 1, 0] < before.norm[1, 1, 0]


def test_without_refinement_types_tell_nothing_of_each_other():
    found = plain_source().uncertainty([job(NEW)]).speed[0]
    assert found[1, 2] == pytest.approx(0.05**2)


def test_known_workloads_are_believed_as_measured():
    history, _, _ = tiny_training()
    found = source().beliefs([job(KNOWN), job(OTHER_KNOWN)])
    a, b = history.index[KNOWN], history.index[OTHER_KNOWN]
    assert np.allclose(found.speed[0], history.speed[a], equal_nan=True)
    assert np.allclose(found.norm[:, 0, 1], history.norm[:, a, b], atol=1e-9)
    assert np.allclose(found.power_w[1], history.power_w[b])
    assert np.allclose(found.pair_power_w[:, 0, 1], history.pair_power_w[:, a, b])


def test_every_job_runs_at_speed_one_on_the_reference_type():
    history, _, _ = tiny_training()
    beliefs = source().beliefs([job(w.name, num_gpus=4) for w in history.workloads])
    assert (beliefs.speed[:, 0] == 1.0).all()


def test_sources_go_from_p1_over_p2_to_measured():
    learner = source()
    a, b = job(NEW), job(KNOWN)
    rate = a.reference_rate * truth(NEW, "A100", KNOWN) * 0.8
    first = learner.observe([seen(a, "A100", rate, b)])
    assert [p.source for p in first] == ["P1"]
    assert learner.observe([seen(a, "H100", rate, b)])[0].source == "P2"
    assert learner.observe([seen(a, "A100", rate, job(OTHER_KNOWN))])[0].source == "P2"
    again = learner.observe([seen(a, "A100", rate, b)])
    assert again[0].source == "measured"
    assert abs(again[0].rate / rate - 1) < abs(first[0].rate / rate - 1)
    assert learner.observe([seen(b, "A100", 1.0, job(OTHER_KNOWN))])[0].source == "measured"


def test_predictions_of_one_round_are_all_made_before_any_of_it_is_learned():
    a, rate = job(NEW), 1.0
    alone = source().observe([seen(a, "T4", rate)])[0]
    twice = source().observe([seen(a, "T4", rate), seen(a, "T4", rate)])
    assert [p.rate for p in twice] == [alone.rate, alone.rate]
    assert [p.source for p in twice] == ["P1", "P1"]


def test_predicted_rate_is_of_the_whole_gang():
    found = source().observe([seen(job(KNOWN, work=8000.0, num_gpus=4), "A100", 1.0)])[0]
    assert found.rate == pytest.approx(8.0 * truth(KNOWN, "A100"))


def test_two_partners_add_their_pressures():
    history, _, _ = tiny_training()
    a, b, c = (history.index[w] for w in (KNOWN, OTHER_KNOWN, "f3-b8"))
    found = source().observe([seen(job(KNOWN), "H100", 1.0, job(OTHER_KNOWN), job("f3-b8"))])[0]
    pressure = (1 / history.norm[2, a, [b, c]] - 1).sum()
    assert found.rate == pytest.approx(2.0 * history.speed[a, 2] / (1 + pressure), rel=1e-6)


def test_without_refinement_nothing_but_the_observed_situation_moves():
    learner = plain_source()
    before = learner.catalogue.copy()
    learner.observe([seen(job(NEW), "A100", 9.0)])
    moved = np.argwhere(learner.catalogue.estimate != before.estimate)
    assert moved.tolist() == [[1, sorted(tiny_training()[0].index).index(NEW), learner.catalogue.alone]]


def test_a_known_workload_teaches_the_job_not_the_workload():
    learner = source()
    fast = job(KNOWN, "fast")
    learner.observe([seen(fast, "A100", fast.reference_rate * truth(KNOWN, "A100") * 1.1)])
    beliefs = learner.beliefs([fast, job(KNOWN, "another")])
    gained = beliefs.speed / truth(KNOWN, "A100")
    # Variances: job 0.05^2, history 0.02^2, measurement 0.02^2; the job's share is 25 / 33, the history's 4 / 33.
    assert math.log(gained[1, 1]) == pytest.approx(math.log(1.1) * 4 / 33, rel=1e-6)
    assert math.log(gained[0, 1]) == pytest.approx(math.log(1.1) * 29 / 33, rel=1e-6)


def test_a_gang_says_less_about_its_workload():
    one, gang = source(), source()
    for learner, size in ((one, 1), (gang, 8)):
        learner.observe([seen(job(KNOWN, num_gpus=size), "A100", 2.0)])
    speeds = [learner.beliefs([job(KNOWN, "fresh")]).speed[0, 1] for learner in (one, gang)]
    assert abs(speeds[1] - truth(KNOWN, "A100")) < abs(speeds[0] - truth(KNOWN, "A100"))


def test_a_fraction_of_a_gpu_presses_less_but_runs_at_its_own_speed():
    whole, part = job(KNOWN), job(KNOWN, "part", gpu_fraction=0.25)
    beliefs = source().beliefs([job(OTHER_KNOWN), whole, part])
    assert beliefs.speed[1, 0] == beliefs.speed[2, 0] == 1.0
    pressure = 1 / beliefs.norm[:, 0, 1:] - 1
    assert np.allclose(pressure[:, 1], 0.25 * pressure[:, 0])
    idle = np.array([t.idle_context_w for t in GPU_TYPES])
    assert np.allclose(beliefs.power_w[2] - idle, 0.25 * (beliefs.power_w[1] - idle))


def test_beliefs_of_two_jobs_do_not_hang_on_who_else_is_asked_about():
    learner = source()
    crowd = [job(w, f"{w} {part} {n}", gpu_fraction=part) for n in (1, 2) for part in (1.0, 0.5) for w in (NEW, KNOWN)]
    learner.observe([seen(crowd[0], "V100", 1.5, crowd[1])])
    together = learner.beliefs(crowd)
    for a in range(len(crowd)):
        for b in range(len(crowd)):
            pair = learner.beliefs([crowd[a], crowd[b]])
            assert together.norm[:, a, b] == pytest.approx(pair.norm[:, 0, 1], rel=1e-14, nan_ok=True)
            assert together.pair_power_w[:, a, b] == pytest.approx(pair.pair_power_w[:, 0, 1], rel=1e-14, nan_ok=True)


def test_measured_watts_are_averaged_and_carry_over_to_other_types():
    learner = source()
    before = learner.beliefs([job(NEW)]).power_w[0]
    learner.observe([seen(job(NEW), "V100", 1.0, power_w=95.0), seen(job(NEW), "V100", 1.0, power_w=105.0)])
    after = learner.beliefs([job(NEW)]).power_w[0]
    assert after[0] == pytest.approx(100.0)
    assert (after[1:] < before[1:]).all()
    learner.observe([seen(job(NEW), "A100", 1.0, job(KNOWN), power_w=222.0)])
    assert learner.beliefs([job(KNOWN), job(NEW)]).pair_power_w[1, 0, 1] == pytest.approx(222.0)


def test_refinement_brings_untried_types_and_partners_closer():
    _, _, table = tiny_training()
    assert table["P2, untried"].norm_mae < table["P1, untried"].norm_mae
    assert table["P2, untried"].norm_mae < table["nearest-neighbour copy, untried"].norm_mae


def norm_error(learner: EstimatedSource) -> float:
    """Mean error of the norms of the new workloads beside everyone."""
    history, _, _ = tiny_training()
    everyone = [w.name for w in history.workloads]
    found = learner.beliefs([job(name, f"probe {name}") for name in everyone])
    new = [i for i, w in enumerate(history.workloads) if w.family in ("f2", "f6", "f9")]
    return float(np.nanmean(np.abs(found.norm - history.norm)[:, new]))


def stretches(count: int) -> list[list[Observation]]:
    """Pairs with a new workload, both measured; jobs differ by 5 % from their workloads."""
    history, _, _ = tiny_training()
    rng = np.random.default_rng(5)
    new = [w.name for w in history.workloads if w.family in ("f2", "f6", "f9")]
    found = []
    while len(found) < count:
        a, b, gpu_type = str(rng.choice(new)), str(rng.choice(sorted(history.index))), TYPES[rng.integers(4)]
        rates = np.array([truth(a, gpu_type, b), truth(b, gpu_type, a)]) * np.exp(0.05 * rng.standard_normal(2)) * 2.0
        if np.isfinite(rates).all():
            one, two = job(a, f"{len(found)}a"), job(b, f"{len(found)}b")
            found.append([seen(one, gpu_type, rates[0], two), seen(two, gpu_type, rates[1], one)])
    return found


def test_a_stream_of_measurements_settles_near_the_truth_and_p2_speeds_it_up():
    refined, plain = source(), plain_source()
    before = norm_error(refined)
    for observations in stretches(120):
        refined.observe(observations)
        plain.observe(observations)
    assert norm_error(refined) < 0.7 * before
    assert norm_error(refined) < 0.8 * norm_error(plain)


def test_estimates_stay_in_range_under_absurd_measurements():
    learner = source()
    for i, rate in enumerate((1e-9, 1e9, 0.0, 1e-9, 1e9)):
        learner.observe([seen(job(NEW, str(i)), "T4", rate, job(OTHER_NEW))])
    beliefs = learner.beliefs([job(NEW, "x"), job(OTHER_NEW, "y")])
    norm, speed = beliefs.norm[np.isfinite(beliefs.norm)], beliefs.speed[np.isfinite(beliefs.speed)]
    assert ((norm > 0) & (norm <= 1)).all()
    assert (speed > 0).all()


def test_unknown_names_are_errors_that_tell_them():
    with pytest.raises(InputError, match="no such thing"):
        source().beliefs([job("no such thing")])
    with pytest.raises(InputError, match="B200"):
        source().observe([seen(job(KNOWN), "B200", 1.0)])
    with pytest.raises(InputError, match="job_sigma"):
        LearningSettings(job_sigma=-0.1)


def test_a_gpu_type_that_the_history_lacks_is_estimated():
    history, estimator, _ = tiny_training()
    new_type = dataclasses.replace(GPU_TYPES[1], name="A10", fp16_tflops=125.0, memory_gib=24.0, tdp_w=150.0)
    found = EstimatedSource.refined({w.name: w for w in history.workloads}, (GPU_TYPES[0], new_type), estimator)
    beliefs = found.beliefs([job(KNOWN), job(NEW)])
    assert np.isfinite(beliefs.speed).all()
    assert found.observe([seen(job(KNOWN), "A10", 1.0)])[0].source == "P1"
    assert (beliefs.power_w[:, 1] <= 150.0).all()


def test_same_observations_same_beliefs():
    def run() -> np.ndarray:
        learner = source()
        for i in range(5):
            learner.observe([seen(job(NEW, str(i)), TYPES[i % 4], 1.0 + i, job(OTHER_NEW))])
        return learner.catalogue.estimate

    assert np.array_equal(run(), run())


def tuned_source(tuning: TuningSettings) -> EstimatedSource:
    history, estimator, _ = tiny_training()
    workloads = {w.name: w for w in history.workloads}
    return EstimatedSource.tuned(workloads, GPU_TYPES, estimator, np.random.default_rng(1), tuning)


def test_fine_tuning_is_deterministic_bounded_and_leaves_the_estimator_alone():
    _, estimator, _ = tiny_training()
    weights = [p.detach().clone() for p in estimator.p2.parameters()]
    tuning = TuningSettings(capacity=8, every=4, steps=2, batch_size=8, learning_rate=0.05)
    one, two, untuned = tuned_source(tuning), tuned_source(tuning), source()
    for observations in stretches(40):
        for learner in (one, two, untuned):
            learner.observe(observations)
    assert np.array_equal(one.catalogue.estimate, two.catalogue.estimate)
    assert not np.array_equal(one.catalogue.estimate, untuned.catalogue.estimate)
    assert norm_error(one) < 1.2 * norm_error(untuned)
    assert all(bool((a == b).all()) for a, b in zip(weights, estimator.p2.parameters(), strict=True))


def test_fine_tuning_moves_corrections_towards_what_was_missing():
    """A job is far faster on one type each time after another on a second type was as expected."""
    history, estimator, _ = tiny_training()
    workloads = sorted(history.workloads, key=lambda w: w.name)
    w, nobody = [x.name for x in workloads].index(NEW), np.zeros(0, dtype=np.int64)

    def second_gap(learner: Refining | Tuned) -> float:
        start = learner.catalogue.estimate[1, w, learner.catalogue.alone]
        learner.observe(Measured(1, w, nobody, np.zeros(0), float(start + 0.3)), "a", 0.05**2, 0.02**2)
        wanted = float(learner.catalogue.estimate[2, w, learner.catalogue.alone] + 0.2)
        learner.observe(Measured(2, w, nobody, np.zeros(0), wanted), "b", 0.05**2, 0.02**2)
        return wanted

    tuning = TuningSettings(every=1, steps=100, batch_size=4, learning_rate=0.1)
    tuner = Tuned(Refining.of(estimator, workloads, GPU_TYPES), tuning, np.random.default_rng(0))
    wanted = second_gap(tuner)
    afresh = estimator.estimate(workloads, GPU_TYPES)
    found = []
    for network in (estimator.p2, tuner.network):
        refining = Refining.of(estimator, workloads, GPU_TYPES, catalogue=afresh.copy())
        refining.network = network
        start = refining.catalogue.estimate[1, w, refining.catalogue.alone]
        refining.observe(Measured(1, w, nobody, np.zeros(0), float(start + 0.3)), "a", 0.05**2, 0.02**2)
        found.append(float(refining.catalogue.estimate[2, w, refining.catalogue.alone]))
    assert abs(found[1] - wanted) < 0.7 * abs(found[0] - wanted)


def test_tuning_settings_out_of_range_are_errors():
    with pytest.raises(InputError, match="capacity"):
        TuningSettings(capacity=0)
