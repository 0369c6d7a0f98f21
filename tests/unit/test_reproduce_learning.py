"""Judgements of the reproductions about learning, on made-up outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from gogh_sim.plots.files import figure_of
from gogh_sim.reproduce import architectures, error_over_time, gogh_vs_oracle
from gogh_sim.reproduce.comparisons import Overrides
from gogh_sim.reproduce.drawing import Drawing
from gogh_sim.reproduce.record import Record, Verdict

ENERGY = {"fifo": 100.0, "gogh": 62.0, "gogh_p1": 66.0, "oracle": 60.0}


def outcomes(energy: Mapping[str, float], slo: Mapping[str, float]) -> dict[str, Record]:
    rows = [
        (trace, 0.7, seed, name, kwh * (10 + seed), slo.get(name, 0.9), 1.0, 1.0)
        for trace in gogh_vs_oracle.TRACES
        for seed in (1, 2, 3)
        for name, kwh in energy.items()
    ]
    names = ["trace", "load", "seed", "policy", "node_energy_kwh", "slo_attainment", "jct_mean_s"]
    table = pd.DataFrame(rows, columns=[*names, "allocation_efficiency"])
    return {r.item: r for r in gogh_vs_oracle.judge(table)}


def test_shares_of_the_saving_by_hand():
    found = outcomes(ENERGY, {})
    share = found["gogh: share of the oracle's energy saving over fifo, %"]
    assert share.found == pytest.approx(95.0)
    assert share.verdict is Verdict.PASS
    assert found["gogh_p1: share of the oracle's energy saving over fifo, %"].found == pytest.approx(85.0)
    assert found["gogh_p1: energy above gogh's, %"].found == pytest.approx(100 * 4 / 62)


def test_a_world_with_nothing_to_save_does_not_decide():
    # In the first world the oracle saves 40 and gogh 38; in the other one a hundredth of that, and gogh loses as much.
    rows = [
        (trace, 0.7, 1, name, kwh, 0.9, 1.0, 1.0)
        for trace, of in (("philly_style", ENERGY), ("alibaba_style", {**ENERGY, "oracle": 99.6, "gogh": 100.4}))
        for name, kwh in of.items()
    ]
    names = ["trace", "load", "seed", "policy", "node_energy_kwh", "slo_attainment", "jct_mean_s"]
    found = next(gogh_vs_oracle.judge(pd.DataFrame(rows, columns=[*names, "allocation_efficiency"])))
    assert found.found == pytest.approx(100 * (38 - 0.4) / (40 + 0.4))


def test_too_small_a_share_worse_service_or_a_better_p1_fail():
    short = outcomes({**ENERGY, "gogh": 65.0}, {})
    assert short["gogh: share of the oracle's energy saving over fifo, %"].verdict is Verdict.FAIL
    late = outcomes(ENERGY, {"gogh": 0.88})
    assert late["gogh: SLO attainment above the oracle's, points"].verdict is Verdict.FAIL
    better = outcomes({**ENERGY, "gogh_p1": 61.0}, {})
    assert better["gogh_p1: energy above gogh's, %"].verdict is Verdict.FAIL


def look(time_s: float, alone: float) -> dict[str, float | None]:
    return {"time_s": time_s, "alone": alone, "beside": 2 * alone if time_s > 0 else None}


def test_errors_of_beliefs_are_means_over_seeds():
    def simulate(runs: Sequence[Overrides]) -> Iterable[Mapping[str, Any]]:
        for _, policy, seed in runs:
            number = int(seed.removeprefix("seed="))
            refines = policy == "scheduler=gogh"
            # At the last time one run has ended.
            looks = [look(900.0 * k, 0.01 * (number if refines else 5 * number)) for k in range(3 + (number == 2))]
            p2 = 4.0 + 0.1 * number if refines else 15.0
            yield {"p1_mape": 20.0 + number, "p2_mape": p2, "belief_errors": looks}

    yielded = list(error_over_time.compare(simulate, 2))
    (drawing,) = (one for one in yielded if isinstance(one, Drawing))
    curves = drawing.frame.set_index(["policy", "situation", "time_h"])["found"]
    assert curves["gogh", "alone on a GPU", 0.5] == pytest.approx(1.5)
    assert curves["gogh_p1", "beside another job", 0.5] == pytest.approx(2 * 7.5)
    beside = drawing.frame[drawing.frame["situation"] == "beside another job"]
    assert set(drawing.frame["time_h"]) == {0.0, 0.25, 0.5}
    assert set(beside["time_h"]) == {0.25, 0.5}
    assert len(figure_of(drawing.draw(drawing.frame)).axes) == 2
    found = {r.item: r for r in yielded if isinstance(r, Record)}
    refined = found["gogh: MAPE of beliefs by P2, %"]
    assert refined.found == pytest.approx(4.15)
    assert refined.verdict is Verdict.PASS or refined.ci_high > 5
    assert found["gogh: MAPE by P1 above that by P2, points"].found == pytest.approx(21.5 - 4.15)
    less = found["gogh: median error of rates alone on a GPU, mean over time, less gogh_p1's, points"]
    assert less.found == pytest.approx(1.5 - 7.5)


@pytest.mark.parametrize(("of_gru", "verdict"), [(0.08, Verdict.PASS), (0.11, Verdict.FAIL)])
def test_the_reported_architecture_is_judged_against_the_best_other(of_gru: float, verdict: Verdict):
    found = {
        ("s", "gru"): [of_gru, of_gru + 0.01],
        ("s", "feed_forward"): [0.10, 0.11],
        ("s", "transformer"): [0.2, 0.2],
    }
    record = architectures._judged(architectures.P1, "s", found)
    assert record.found == pytest.approx(0.10 - of_gru)
    drawn = architectures._errors(found, ["s"])
    assert drawn.set_index("policy")["found"]["gru"] == pytest.approx(of_gru + 0.005)
    assert record.verdict is verdict
    assert "feed_forward, best of the others" in record.item
