"""Claims about policies: paired within worlds, intervals over seeds, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from gogh_sim.plots.standing import standing
from gogh_sim.reproduce import Overrides, Record, Verdict, frontier, headline
from gogh_sim.reproduce.comparisons import CONVENTIONAL, MEASURES, RIVALS, frame, worlds
from gogh_sim.reproduce.drawing import Drawing

T_95 = 12.706204736
"""Student's t for 95 % and two values."""


def summary(run: Overrides, kwh: Mapping[tuple[str, str, str], float]) -> dict[str, float]:
    """A run's summary; everything but energy hangs on nothing."""
    given = dict(override.split("=", 1) for override in run)
    energy = kwh[given["trace"], given["seed"], "gogh" if given["scheduler"] in ("gogh", "oracle") else "others"]
    efficiency = 1.3 if given["scheduler"] == "gogh" else 1.0
    return dict(zip(MEASURES, (energy, 0.9, 3600.0, efficiency), strict=True))


# Two traces whose energies differ by a factor of 100: gogh saves 40 and 20 % in seed 1, 50 and 30 % in seed 2.
KWH = {
    ("philly_style", "1", "others"): 1000.0,
    ("philly_style", "1", "gogh"): 600.0,
    ("alibaba_style", "1", "others"): 10.0,
    ("alibaba_style", "1", "gogh"): 8.0,
    ("philly_style", "2", "others"): 500.0,
    ("philly_style", "2", "gogh"): 250.0,
    ("alibaba_style", "2", "others"): 10.0,
    ("alibaba_style", "2", "gogh"): 7.0,
}


@pytest.fixture
def found() -> dict[str, Record]:
    """Records of a comparison of two seeds at one load, by what they are about."""

    def simulate(runs: Sequence[Overrides]) -> list[Mapping[str, Any]]:
        return [summary(run, KWH) for run in runs]

    extent = headline.Extent(10, (0.7,), 2, (*CONVENTIONAL, *RIVALS, "gogh", "oracle"))
    findings = list(headline.compare(simulate, extent))
    assert isinstance(findings[-1], Drawing)
    standing(findings[-1].frame)
    return {record.item: record for record in findings if isinstance(record, Record)}


def test_savings_are_means_of_percentages_within_worlds(found: dict[str, Record]) -> None:
    """Of totals it would be 43 %, the large trace's; of the four worlds' percentages the mean is 35."""
    saving = found["gogh: energy below the mean of the conventional policies, %"]
    assert saving.found == pytest.approx(35.0)
    # Seeds say 30 and 40: their standard error is 5.
    assert saving.ci_high - saving.found == pytest.approx(5 * T_95)
    assert saving.verdict is Verdict.FAIL  # the mean is above 19.3, its interval is not


def test_efficiency_and_service_are_judged_by_their_own_measures(found: dict[str, Record]) -> None:
    gain = found["gogh: allocation efficiency above the mean of the conventional policies, %"]
    assert (gain.found, gain.verdict) == (pytest.approx(30.0), Verdict.PASS)
    service = found["gogh: SLO attainment above the mean of the conventional policies, points"]
    assert (service.found, service.verdict) == (pytest.approx(0.0), Verdict.PASS)


def test_every_policy_has_every_measure(found: dict[str, Record]) -> None:
    assert found["fifo: mean JCT, h"].found == pytest.approx(1.0)
    assert found["fifo: SLO attainment, %"].found == pytest.approx(90.0)
    assert found["gogh: node energy, kWh"].found == pytest.approx((304 + 128.5) / 2)


def test_the_rival_is_the_best_of_those_named() -> None:
    """Here gavel needs least, so that gogh, 5 % below it, is 50 % below the others of no use."""

    def simulate(runs: Sequence[Overrides]) -> list[Mapping[str, Any]]:
        kwh = {"scheduler=gogh": 9.5, "scheduler=gavel_max_sum_sharing": 10.0}
        energies = [next((kwh[o] for o in run if o in kwh), 19.0) for run in runs]
        return [dict(zip(MEASURES, (energy, 0.9, 1.0, 1.0), strict=True)) for energy in energies]

    own: dict[str, Overrides] = {name: (f"scheduler={name}",) for name in (*CONVENTIONAL, *RIVALS, "gogh")}
    table = frame(simulate, own, worlds(headline.TRACES, (0.5,), 3), ())
    record = next(record for record in headline.claims(table) if "below the best of" in record.item)
    assert "(gavel_max_sum_sharing)" in record.item
    assert (record.found, record.verdict) == (pytest.approx(5.0), Verdict.FAIL)


def test_worlds_come_seed_by_seed() -> None:
    """Whatever is done of an interrupted study covers every setting with the first seeds."""
    assert worlds(("a", "b"), (0.5,), 2) == [("a", 0.5, 1), ("b", 0.5, 1), ("a", 0.5, 2), ("b", 0.5, 2)]


def test_summaries_keep_to_the_order_of_runs() -> None:
    def simulate(runs: Sequence[Overrides]) -> list[Mapping[str, Any]]:
        return [dict.fromkeys(MEASURES, float(number)) for number, _ in enumerate(runs)]

    table = frame(simulate, {"x": (), "y": ()}, worlds(("a",), (0.5,), 2), ())
    expected = pd.DataFrame({"policy": ["x", "y", "x", "y"], "seed": [1, 1, 2, 2], "jct_mean_s": [0.0, 1.0, 2.0, 3.0]})
    pd.testing.assert_frame_equal(table[list(expected)], expected)
    assert set(headline.policies()) >= {*CONVENTIONAL, *RIVALS, headline.GOGH, headline.ORACLE}


def on_the_frontier(run: Overrides) -> dict[str, float]:
    """Energy and service of a run: gogh trades one for the other, `fastest` is beyond, sjf behind."""
    given = dict(override.split("=", 1) for override in run)
    confidence = float(given.get("scheduler.demand.confidence", 0.5))
    gogh = (50 + 100 * (confidence - 0.5), 0.9 + 0.1 * (confidence - 0.5))
    energy, slo = {"gogh": gogh, "fastest": (60.0, 0.99), "sjf": (100.0, 0.8)}.get(given["scheduler"], (100.0, 0.9))
    return dict(zip(MEASURES, (energy, slo, 3600.0, 1.0), strict=True))


def test_a_baseline_beyond_the_frontier_is_named() -> None:
    extent = frontier.Extent(10, 2, (*CONVENTIONAL, *RIVALS), {"risk margin": (0.5, 0.9), "urgency weight": (1.0,)})
    verdict, *_, figure = frontier.draw(lambda runs: [on_the_frontier(run) for run in runs], extent)
    assert isinstance(verdict, Record)
    assert (verdict.found, verdict.verdict) == (1.0, Verdict.FAIL)
    assert "(fastest)" in verdict.item
    assert isinstance(figure, Drawing)
    curve = figure.frame[figure.frame["knob"] == "risk margin"]
    assert curve["energy_mean"].tolist() == pytest.approx([50.0, 90.0])
    assert curve["slo_mean"].tolist() == pytest.approx([90.0, 94.0])
    axes = figure.draw(figure.frame)
    drawn = {line.get_label(): line for line in axes.lines}
    assert drawn["gogh, risk margin"].get_ydata() == pytest.approx([50.0, 90.0])
    assert {"sjf", "fastest"} <= drawn.keys()
