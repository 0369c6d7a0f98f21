"""Published results come out as published."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from gogh_sim.reproduce import (
    EXPERIMENTS,
    Experiment,
    Size,
    Verdict,
    fgd_crosscheck,
    gavel_crosscheck,
    gavel_events,
    pai_crosscheck,
)


@pytest.mark.parametrize("name", ["gavel_crosscheck", "pai_crosscheck"])
def test_the_small_part_comes_out_as_published(name: str, shared_data: Path) -> None:
    experiment = EXPERIMENTS[name]
    assert isinstance(experiment, Experiment)
    records = list(experiment.run[Size.SMALL](shared_data))
    assert len(records) >= 5
    assert [record for record in records if record.verdict is Verdict.FAIL] == []
    assert {record.name for record in records} == {name}
    assert len({record.item for record in records}) == len(records)


def test_fragmentation_curves_come_out_as_published(shared_data: Path) -> None:
    *records, figure = fgd_crosscheck.compare(shared_data, seeds=1, only=("best-fit", "fgd"))
    assert len(records) == 16
    assert [record for record in records if record.verdict is not Verdict.PASS] == []
    # What was judged is what is drawn.
    assert {r.found for r in records} <= set(figure.frame["found"])
    assert {r.expected for r in records} <= set(figure.frame["published"])


def test_the_event_engine_is_reported_beside_and_not_judged(shared_data: Path) -> None:
    rows = gavel_crosscheck.read_jobs(shared_data / "traces/gavel/max_min_fairness.trace")
    records = list(islice(gavel_events.beside(shared_data, "gavel_crosscheck", rows), 2))
    assert [record.verdict for record in records] == [Verdict.INFORMATIVE] * 2
    # Jobs start between rounds there, so that they end sooner, but hardly by half.
    assert all(record.expected / 2 < record.found < record.expected for record in records)


def test_pai_lists_come_out_job_by_job(shared_data: Path) -> None:
    records = [r for r in islice(pai_crosscheck.full(shared_data), 7) if "common1k_pai" in r.item]
    assert [r.verdict for r in records] == [Verdict.PASS] * 2
