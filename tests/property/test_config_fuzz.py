"""Any value under any key of the configuration: the run can be set up, or the reason why not is an error in one line.

Keys come from the composed configurations, so those that are added later are tried too.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from gogh_sim import scenario
from gogh_sim.cli.composition import composed, without_hydra
from gogh_sim.cli.policy import make_policy
from gogh_sim.cli.schema import plain
from gogh_sim.engine import Simulation, Truth
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.errors import GoghError
from gogh_sim.experiment import engine_settings
from gogh_sim.policy import PolicyContext
from gogh_sim.streams import Streams

SMALL = "trace=poisson trace.jobs=3 cluster=small"
BASES = {
    "learner": f"{SMALL} scheduler=gogh trace.services.count=1 trace.services.lifetime_s=3000",
    "oracle": f"{SMALL} scheduler=oracle power=us_texas scheduler.objective=carbon",
    "faults": f"{SMALL} scheduler=las faults=harsh",
    "rounds": f"{SMALL} scheduler=gavel_max_min_sharing",
    "sample": "trace=itp_sample trace.max_jobs=3 cluster=small scheduler=pwr",
}
STEPS = 200

NUMBERS = [0, -1, 1, 2, 0.5, 1e-9, 5e-324, 1e9, 1e18, 1e300, float("inf"), float("-inf"), float("nan"), 2**64, 10**400]
TEXTS = ["", "x", "nan", "None", "a" * 3000, "\x00", "..", "/", "${seed}", "1", "from_trace", "V100", "2017-10-02"]
KEYS = ["gpu_type", "count", "gpus_per_node", "slack", "share", "V100", "x", "_target_", "mtbf_s", ""]
SCALARS = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)
VALUES = SCALARS | st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2),
    max_leaves=4,
)


@cache
def base(name: str) -> dict[str, Any]:
    return plain(without_hydra(composed(BASES[name].split())))


def keys(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key, and every place in a list."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*at, key)
        yield from keys(node[key], (*at, key))


def check(config: dict[str, Any]) -> None:
    """Set the run up and let a few things happen, or be told why not."""
    with contextlib.suppress(GoghError):
        found = plain(OmegaConf.create(config))
        world, frictions, streams = scenario.build(found), engine_settings(found), Streams(found["seed"])
        truth = Truth(world.profile, world.cluster, hidden_factors(world.jobs, frictions, streams))
        facts = {workload.name: workload for workload in world.profile.workloads}
        policy = make_policy(
            found["scheduler"], PolicyContext(world.cluster, facts, streams.generator("policy")), truth
        )
        simulation = Simulation(world.cluster, world.jobs, world.profile, policy, frictions, streams)
        simulation.start()
        for _ in range(STEPS):
            if not simulation.step():
                break


@pytest.mark.parametrize("name", BASES)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_value_of_any_key(name: str, data: st.DataObject) -> None:
    config = copy.deepcopy(base(name))
    for _ in range(data.draw(st.sampled_from([1, 1, 2]))):
        *above, last = data.draw(st.sampled_from(list(keys(config))))
        node = config
        for key in above:
            node = node[key]
        node[last] = data.draw(VALUES)
    check(config)
