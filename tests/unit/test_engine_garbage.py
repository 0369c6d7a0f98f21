"""What is there before a run is out of the collector's way during it, and nothing is left behind afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from builders import FRICTIONLESS, cluster, job, profile

from gogh_sim.engine import simulate
from gogh_sim.errors import InvalidDecisionError
from gogh_sim.policy import ClusterView, Decision
from gogh_sim.streams import Streams


class Counts:
    """Starts every job on the first GPU, or one that is not there, and notes how many objects are set aside."""

    def __init__(self, place: bool = True) -> None:
        self.frozen = 0
        self._place = place

    def decide(self, view: ClusterView) -> Decision:
        self.frozen = gc.get_freeze_count()
        gpus = view.cluster.gpu_ids[:1] if self._place else ()
        return Decision(place=dict.fromkeys(view.pending, gpus))


@pytest.fixture(autouse=True)
def nothing_set_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def simulated(policy: Counts) -> None:
    simulate(cluster(("V100", 1)), [job("a", 0.0, 10.0)], profile(), policy, FRICTIONLESS, Streams(1))


def test_what_stays_is_set_aside_during_the_run_only() -> None:
    tracked, policy = len(gc.get_objects()), Counts()
    simulated(policy)
    assert policy.frozen > tracked / 2
    assert gc.get_freeze_count() == 0


def test_it_is_handed_back_after_a_failure_too() -> None:
    with pytest.raises(InvalidDecisionError):
        simulated(Counts(place=False))
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_set_aside_stays_so() -> None:
    gc.freeze()
    before, policy = gc.get_freeze_count(), Counts()
    made_since: list[list[int]] = [[] for _ in range(1000)]
    simulated(policy)
    assert before / 2 < policy.frozen < before + len(made_since)
    assert before / 2 < gc.get_freeze_count() < before + len(made_since)
