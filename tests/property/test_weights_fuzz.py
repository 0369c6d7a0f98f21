"""Whatever a weights file holds in the right container, it is refused in its name, or what it gives can be asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogh_sim.errors import InputError
from gogh_sim.estimators import EstimatedSource, weights
from gogh_sim.testing import random_world

Path_ = tuple[Any, ...]


@cache
def shipped() -> dict[str, Any]:
    with resources.as_file(resources.files("gogh_sim.estimators") / "shipped" / "calibrated.pt") as file:
        content: dict[str, Any] = torch.load(file, weights_only=True)
    return content


def places(node: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every key and index of nested containers, of lists the first and the last."""
    keys = (
        list(node) if isinstance(node, dict) else sorted({0, len(node) - 1}) if isinstance(node, list) and node else []
    )
    for key in keys:
        yield (*at, key)
        yield from places(node[key], (*at, key))


def bent(tensor: torch.Tensor, how: str) -> torch.Tensor:
    """A tensor of another kind, shape or content."""
    if how in ("nan", "inf", "-1"):
        changed = tensor.clone()
        changed.view(-1)[0] = float(how)
        return changed
    shapes = {
        "flat": tensor.reshape(-1),
        "empty": tensor[:0],
        "twice": torch.cat([tensor, tensor]),
        "deep": tensor[None],
    }
    if how in shapes:
        return shapes[how]
    if how == "sparse":
        return tensor.to_sparse()
    if how == "meta":
        return tensor.to("meta")
    return tensor.to(getattr(torch, how))


KINDS = ["float16", "int8", "bool", "complex64", "bfloat16", "sparse", "meta", "flat", "empty", "twice", "deep"]
NUMBERS = ["nan", "inf", "-1"]
VALUES: list[Any] = [None, -1, 0, 2.5, float("nan"), 10**30, "", "x", [], {}, [1], {"x": 1}, True]


def check(payload: dict[str, Any], path: Path) -> None:
    """Refused in the file's name, or numbers come of it."""
    torch.save(payload, path)
    try:
        estimator = weights.load(path)
    except InputError as error:
        refused = error
    else:
        world = random_world(1)
        context = world.context()
        source = EstimatedSource.refined(context.workloads, context.cluster.gpu_types, estimator)
        beliefs = source.beliefs(world.jobs[:3])
        assert torch.isfinite(torch.as_tensor(beliefs.power_w)).any()
        return
    assert str(refused.file) == str(path)


relaxed = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@relaxed
@given(data=st.data())
def test_any_part_exchanged(tmp_path: Path, data: st.DataObject) -> None:
    payload = copy.deepcopy(shipped())
    *above, last = data.draw(st.sampled_from(list(places(payload))))
    node = payload
    for key in above:
        node = node[key]
    if isinstance(node[last], torch.Tensor) and data.draw(st.booleans()):
        node[last] = bent(node[last], data.draw(st.sampled_from([*KINDS, *NUMBERS])))
    else:
        node[last] = data.draw(st.sampled_from(VALUES))
    check(payload, tmp_path / "w.pt")
