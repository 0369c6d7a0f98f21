"""The optimiser by carbon or cost, and with power caps: what it decides in small clusters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handmade import Table, at, cluster, context, job, view

from gogh_sim.errors import InputError
from gogh_sim.policy import Decision, Observation
from gogh_sim.schedulers.gogh import Gogh
from gogh_sim.schedulers.optimiser import Optimiser, OptimiserSettings

SPEED = {"small": {"V100": 1.0}}
ONE = cluster(("V100", 1))
DIRTY_THEN_CLEAN = {"carbon_g_per_kwh": [600.0, 100.0]}


def decide(now_s: float = 0.0, deadline_s: float = 20_000.0, running: bool = False, **settings: object) -> Decision:
    one = job("a", seconds=1000.0, deadline_s=deadline_s)
    seen = view(ONE, [] if running else [one], {one: at("n0/0")} if running else {}, now_s=now_s)
    return Optimiser(context(ONE), OptimiserSettings.of(**settings)).decide(seen, Table(ONE, SPEED, {"V100": 150.0}))


def test_a_job_with_slack_waits_for_a_cleaner_hour() -> None:
    carbon = {"objective": "carbon", "grid": DIRTY_THEN_CLEAN}
    assert not decide(**carbon).place
    assert "a" in decide(now_s=3600.0, **carbon).place, "the clean hour has come"
    assert "a" in decide(deadline_s=4000.0, **carbon).place, "it could not end in time from there"
    assert "a" in decide(objective="energy", grid=DIRTY_THEN_CLEAN).place, "energy counts joules only"


def test_a_running_job_is_not_sent_away_for_a_cleaner_hour() -> None:
    decision = decide(running=True, objective="carbon", grid=DIRTY_THEN_CLEAN)
    assert not decision.evict


def test_a_constant_price_decides_like_energy() -> None:
    constant = {"objective": "cost", "grid": {"pue": 1.3, "price_usd_per_kwh": 0.08}}
    assert decide(**constant).place == decide(objective="energy").place


def test_a_price_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="positive mean"):
        OptimiserSettings.of(objective="cost", grid={"price_usd_per_kwh": 0.0})
    with pytest.raises(InputError, match="caps"):
        OptimiserSettings.of(caps=[70])


def test_gpus_are_capped_when_that_costs_less_and_freed_when_it_does_not() -> None:
    optimiser = Optimiser(context(ONE), OptimiserSettings.of(objective="power", caps=[0.7]))
    relaxed, tight = job("a", seconds=1000.0), job("b", seconds=1000.0, deadline_s=1050.0)
    tdp_w = ONE.gpu_types[0].tdp_w
    hungry = Table(ONE, SPEED, {"V100": 290.0})
    first = optimiser.decide(view(ONE, [relaxed]), hungry)
    assert list(first.power_caps.values()) == pytest.approx([0.7 * tdp_w])
    second = optimiser.decide(view(ONE, [tight], now_s=0.0), hungry)
    assert list(second.power_caps.values()) == pytest.approx([tdp_w]), "a deadline needs the full speed"
    assert not optimiser.decide(view(ONE, [replace(tight, job_id="c")]), hungry).power_caps, "nothing to change"


def test_nothing_is_learned_of_a_gpu_that_a_cap_held_back() -> None:
    told: list[Observation] = []

    class Source:
        def observe(self, observations: list[Observation]) -> list[object]:
            told.extend(observations)
            return []

    seen = Observation(0.0, job("a"), "V100", (), 1, 1.0, 210.0)
    policy = Gogh(context(ONE), lambda _: Source())  # type: ignore[arg-type,return-value]
    policy.observe([seen, replace(seen, capped=True)])
    assert told == [seen]
