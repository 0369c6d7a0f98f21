"""Ten runs whose JCT and joules are pinned, so that nothing changes a result unseen.

The numbers are those of our own generated traces. Where a change is meant to move them, write them anew, look at the
difference, and say why in the commit::

    python tests/golden/test_pinned.py

A relative tolerance of 1e-9 is there for builds of numpy that add in another order; on one machine nothing differs.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.schema import plain
from gogh_sim.experiment import run
from gogh_sim.metrics.site import J_PER_KWH

PINNED = Path(__file__).with_name("pinned.json")
SMALL = "cluster=small trace.oversize=skip trace.load=3 seed=11"
PODS = f"{SMALL} trace=alibaba_sample trace.max_jobs=80"
GANGS = f"{SMALL} trace=itp_style trace.jobs=60"
RUNS = {
    "fifo": f"{GANGS} scheduler=fifo",
    "best_fit": f"{PODS} scheduler=best_fit",
    "backfill": f"{GANGS} scheduler=backfill",
    "las": f"{GANGS} scheduler=las",
    "srtf": f"{GANGS} scheduler=srtf",
    "gandiva": f"{PODS} scheduler=gandiva",
    "gavel_max_min": f"{PODS} scheduler=gavel_max_min",
    "fgd": f"{PODS} scheduler=fgd",
    "greedy_energy_always_on": f"{PODS} power=always_on scheduler=greedy_energy",
    "oracle": f"{PODS} scheduler=oracle",
}


def found(line: str) -> dict[str, float]:
    """What is pinned of a run."""
    config = plain(without_hydra(composed(line.split())))
    summary = run(config, partial(make_policy, config["scheduler"])).summary
    jobs = {key: summary[key] for key in ("jobs_finished", "jobs_failed", "jobs_unfinished", "migrations")}
    joules = {f"{part}_j": summary[f"{part}_energy_kwh"] * J_PER_KWH for part in ("gpu", "node", "site")}
    return jobs | {key: summary[key] for key in ("jct_mean_s", "jct_p99_s")} | joules


@pytest.mark.parametrize("name", RUNS)
def test_jct_and_joules_are_as_pinned(name: str) -> None:
    expected = json.loads(PINNED.read_text(encoding="utf-8"))
    assert expected.keys() == RUNS.keys()
    assert found(RUNS[name]) == pytest.approx(expected[name], rel=1e-9, abs=0)


if __name__ == "__main__":
    PINNED.write_text(json.dumps({name: found(line) for name, line in RUNS.items()}, indent=1) + "\n", encoding="utf-8")
