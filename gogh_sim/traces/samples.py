"""The sample files in the public formats: generated, so that they can be shipped, and always the same bytes.

``python -m gogh_sim.traces.samples FOLDER`` writes them all.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from gogh_sim.traces import alibaba_style, formats
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.styles import generate
from gogh_sim.traces.window import first

SEED = 20251015
JOBS = 400
GPUS = 64
SHORTEST_S = 300.0
LONGEST_S = 6 * 3600.0
"""Runs of minutes to hours, so that a whole sample replays in days: tails of the styles reach weeks."""


def alibaba_sample() -> Trace:
    """Alibaba-style jobs and a list of nodes with about 64 GPUs in the trace's proportions."""
    return replace(_draw("alibaba_style", JOBS), nodes=alibaba_style.nodes(GPUS))


def philly_sample() -> Trace:
    """Philly-style jobs of every ending."""
    return _draw("philly_style", JOBS)


def philly_passed_sample() -> Trace:
    """Philly-style jobs that passed, as the flat list holds no others."""
    trace = _draw("philly_style", 2 * JOBS)
    passed = trace.drop(trace.jobs["status"] != "pass", "not passed")
    return first(passed, JOBS)


def itp_sample() -> Trace:
    """ITP-style jobs."""
    return _draw("itp_style", JOBS)


def _draw(style: str, jobs: int) -> Trace:
    return generate(style, jobs, np.random.default_rng(SEED), shortest_s=SHORTEST_S, longest_s=LONGEST_S)


def write_samples(folder: Path) -> None:
    """Write every sample file into a folder that exists."""
    formats.write("openb", alibaba_sample(), folder / "alibaba_style_400.csv", folder / "alibaba_style_nodes.csv")
    formats.write("philly", philly_sample(), folder / "philly_style_400.json")
    formats.write("itp", itp_sample(), folder / "itp_style_400.csv")
    formats.write("philly_list", philly_passed_sample(), folder / "philly_style_400.csv")


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
