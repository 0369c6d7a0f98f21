"""Fragmentation of free capacity, on states small enough for paper."""

from __future__ import annotations

import numpy as np
import pytest

from gogh_sim.errors import InputError
from gogh_sim.placement.fragmentation import TaskMix, fragmentation


def mix(*kinds: tuple[int, float, float, float]) -> TaskMix:
    """Kinds as (GPUs, part, other, share)."""
    gpus, part, other, share = (np.array(column, dtype=float) for column in zip(*kinds, strict=True))
    return TaskMix(gpus.astype(int), part, other, share)


def of(free: list[float], tasks: TaskMix, other: float = 100.0) -> float:
    return float(fragmentation(np.array([free]), np.array([other]), tasks)[0])


def test_gpus_with_less_than_a_task_needs_are_fragments() -> None:
    half = mix((1, 0.5, 0.0, 1.0))
    assert of([0.4, 0.5, 1.0], half) == pytest.approx(0.4)
    assert of([0.4, 0.3], half) == pytest.approx(0.7)
    assert of([0.0, 0.0], half) == 0.0


def test_to_a_gang_that_does_not_fit_the_whole_node_is_a_fragment() -> None:
    four = mix((4, 1.0, 0.0, 1.0))
    assert of([1.0, 1.0, 1.0, 0.9], four) == pytest.approx(3.9)
    assert of([1.0, 1.0, 1.0, 1.0, 0.9], four) == pytest.approx(0.9)


def test_the_other_resource_can_spoil_all_gpus() -> None:
    hungry = mix((1, 1.0, 8.0, 1.0))
    assert of([1.0, 1.0], hungry, other=8.0) == 0.0
    assert of([1.0, 1.0], hungry, other=7.0) == pytest.approx(2.0)


def test_tasks_without_gpus_find_no_use_for_any() -> None:
    assert of([1.0, 0.5], mix((0, 0.0, 1.0, 1.0))) == pytest.approx(1.5)


def test_the_mix_is_a_mean_and_types_can_be_out_of_bounds() -> None:
    both = mix((1, 0.5, 0.0, 0.75), (2, 1.0, 0.0, 0.25))
    assert of([0.4, 1.0], both) == pytest.approx(0.75 * 0.4 + 0.25 * 1.4)
    outside = fragmentation(np.array([[0.4, 1.0]]), np.zeros(1), both, np.array([[False, True]]))
    assert outside[0] == pytest.approx(1.4)


def test_shares_must_add_up() -> None:
    with pytest.raises(InputError, match="add up"):
        mix((1, 0.5, 0.0, 0.5))
