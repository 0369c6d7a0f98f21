"""Seeded request rates without a file: days, and bursts. Every number is assumed, its model named beside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.traces.requests.rates import RequestTrace, Unit, step_count
from gogh_sim.types import FloatArray

DAY_S = 86_400.0

NIGHT = 0.25
"""Rate at night over the rate by day. Between the public traces of inference: DLRM v2025 hardly sleeps, GenAI v2026 is
near zero for six hours a day."""

PHASE_SPREAD_S = 3600.0
"""Standard deviation of when services have their noon."""

NOISE = 0.1
"""Standard deviation of the logarithm of a step's rate around the day's course."""

ON_MEAN_S, OFF_MEAN_S = 600.0, 1800.0
"""Mean lengths of bursts and of the silence between them; the code trace of Azure LLM 2023 comes in such bursts."""

ON_SPREAD = 0.4
"""Standard deviation of the logarithm of a burst's rate."""


class Pattern(Protocol):
    """Draws rates of any scale."""

    def __call__(self, services: int, steps: int, step_s: float, rng: np.random.Generator) -> FloatArray:
        """(services, steps) rates."""
        ...


def diurnal(services: int, steps: int, step_s: float, rng: np.random.Generator) -> FloatArray:
    """A sine over the day between `NIGHT` and 1, about noon at its highest, with noise from step to step."""
    middle_s = (np.arange(steps) + 0.5) * step_s
    noon_s = DAY_S / 2 + PHASE_SPREAD_S * rng.standard_normal(services)
    wave = np.cos(2 * np.pi * (middle_s - noon_s[:, np.newaxis]) / DAY_S)
    course = NIGHT + (1 - NIGHT) * (1 + wave) / 2
    return np.asarray(course * np.exp(NOISE * rng.standard_normal((services, steps))))


def on_off(services: int, steps: int, step_s: float, rng: np.random.Generator) -> FloatArray:
    """Bursts of exponential length, each at a rate of its own, with silence of exponential length in between."""
    rates = np.empty((services, steps))
    edges_s: FloatArray = np.arange(steps + 1, dtype=np.float64) * step_s
    for service in range(services):
        rates[service] = _bursts(edges_s, rng)
    return rates


def _bursts(edges_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Mean rate between neighbouring edges; the state at the start is drawn from the long run."""
    length_s = float(edges_s[-1])
    cycles = 1 + int(3 * length_s / (ON_MEAN_S + OFF_MEAN_S)) + 10
    on_s, off_s = rng.exponential(ON_MEAN_S, cycles), rng.exponential(OFF_MEAN_S, cycles)
    height = np.exp(ON_SPREAD * rng.standard_normal(cycles))
    if rng.random() < OFF_MEAN_S / (ON_MEAN_S + OFF_MEAN_S):
        begin = np.cumsum(off_s) + np.concatenate([[0.0], np.cumsum(on_s)[:-1]])
    else:
        begin = np.concatenate([[0.0], np.cumsum(on_s + off_s)[:-1]])
    # Requests up to each edge, from those of whole bursts and of the one that is on.
    before = np.concatenate([[0.0], np.cumsum(on_s * height)])
    burst = np.searchsorted(begin, edges_s, side="right") - 1
    here = np.maximum(burst, 0)
    part = np.minimum(edges_s - begin[here], on_s[here]) * height[here]
    total = np.where(burst < 0, 0.0, before[here] + part)
    return np.asarray(np.diff(total) / np.diff(edges_s))


PATTERNS: Mapping[str, Pattern] = MappingProxyType({"diurnal": diurnal, "on_off": on_off})
"""By name."""


def draw(pattern: str, services: int, length_s: float, step_s: float, rng: np.random.Generator) -> RequestTrace:
    """Draw one series a service; each has its peak at 1, unless it stays silent.

    Raises
    ------
    InputError
        If the pattern is unknown or a number out of range.
    """
    if pattern not in PATTERNS:
        raise InputError(f"unknown pattern of requests {pattern!r}; there are {', '.join(sorted(PATTERNS))}")
    if services < 1 or not length_s > 0:
        raise InputError(f"expected at least 1 service over a positive time, found {services} over {length_s:g} s")
    rates = PATTERNS[pattern](services, step_count(length_s, step_s), step_s, rng)
    peak = rates.max(axis=1, keepdims=True)
    names = tuple(f"{pattern}-{i}" for i in range(1, services + 1))
    return RequestTrace(names, rates / np.where(peak > 0, peak, 1.0), step_s, Unit.RELATIVE, pattern)
