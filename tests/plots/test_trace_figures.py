"""Figures of traces hold what the jobs say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.container import BarContainer

from gogh_sim.plots.trace import (
    duration_distribution,
    ending_shares,
    hourly_distribution,
    size_shares,
    trace_overview,
)
from gogh_sim.traces.schema import jobs_frame

JOBS = jobs_frame(
    job_id=list("abcd"),
    submit_s=[0.0, 10.0, 20.0, 4000.0],
    duration_s=[10.0, 100.0, 100.0, 1000.0],
    num_gpus=[1, 1, 4, 16],
    gpu_fraction=[0.5, 1.0, 1.0, 1.0],
    status=["pass", "failed", "pass", "killed"],
)
TRACES = {"one": JOBS, "two": JOBS[:2]}


def heights(container: BarContainer) -> list[float]:
    return [bar.get_height() for bar in container.patches]


def test_durations_are_a_distribution() -> None:
    first, second = duration_distribution(TRACES).lines
    assert np.asarray(first.get_xdata()).tolist() == [10, 100, 100, 1000]
    assert np.asarray(first.get_ydata()).tolist() == [25, 50, 75, 100]
    assert second.get_label() == "two"


def test_hours_are_relative_to_their_mean() -> None:
    line = hourly_distribution(TRACES).lines[0]
    assert np.asarray(line.get_xdata()).tolist() == [0.5, 1.5]
    assert np.asarray(line.get_ydata()).tolist() == [50, 0]


def test_sizes_and_endings_are_shares_of_jobs() -> None:
    sizes = size_shares(TRACES).containers
    assert heights(sizes[0]) == [25, 25, 0, 25, 0, 25]
    assert heights(sizes[1]) == [50, 50, 0, 0, 0, 0]
    assert heights(ending_shares(TRACES).containers[0]) == [50, 25, 25]


def test_overview_has_all_four_and_bears_an_empty_trace() -> None:
    figure = trace_overview({"one": JOBS, "none": JOBS[:0]})
    assert len(figure.axes) == 4
    assert heights(figure.axes[2].containers[1]) == pytest.approx([0] * 6)
