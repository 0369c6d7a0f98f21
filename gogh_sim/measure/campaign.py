"""Everything that is measured on one device: idle, each probe alone, and pairs; in the rows that calibrate reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

from gogh_sim.errors import InputError
from gogh_sim.measure.catalogue import Size, probe_of
from gogh_sim.measure.meter import Draw, Meter
from gogh_sim.measure.rates import Rate
from gogh_sim.measure.trial import Trial, idle_with_process, metered, run_together
from gogh_sim.measure.worker import Facts, Task

IDLE_S = 5.0
"""Seconds at most of watching an idle device: its watts hardly vary."""

Row = dict[str, str | float]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to measure, and for how long.

    Attributes
    ----------
    gpu_type
        Name of the GPU type in the profile that the rows go to.
    device
        Of torch: "cuda:0" or "cpu".
    workloads
        Names as ``probe-attention-b8``.
    pairs
        Unordered pairs of `workloads` to run together; a workload may be beside itself.
    seconds, warmup_s, settle_s
        Of measuring each trial, of each probe by itself before, and of running together before measuring.
    """

    gpu_type: str
    device: str
    workloads: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    size: Size = Size.FULL
    seconds: float = 10.0
    warmup_s: float = 3.0
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.gpu_type:
            raise InputError("the GPU type needs a name")
        if not self.workloads or len(set(self.workloads)) < len(self.workloads):
            raise InputError(f"expected different workloads to measure, found {list(self.workloads)}")
        for name in self.workloads:
            probe_of(name)
        alone = sorted({name for pair in self.pairs for name in pair} - set(self.workloads))
        if alone:
            raise InputError(f"workloads in pairs must be measured alone as well, {alone} are not")
        for name in ("seconds", "warmup_s", "settle_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0) or (name == "seconds" and value == 0):
                raise InputError(f"{name} must be a positive number, found {value}")

    def task(self, workload: str) -> Task:
        """What a worker needs to run a workload."""
        probe, batch = probe_of(workload)
        return Task(probe.model, batch, self.size, self.device, self.warmup_s)


@dataclass(frozen=True)
class Measured:
    """Rows of the measurement file, facts of each workload that ran, and what could not be measured, with reasons."""

    rows: tuple[Row, ...]
    facts: Mapping[str, Facts]
    memory_gib: Mapping[str, float]
    failures: tuple[str, ...] = field(default=())


def all_pairs(workloads: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Every unordered pair, each workload beside itself included."""
    return tuple(combinations_with_replacement(workloads, 2))


def measure(campaign: Campaign, meter: Meter, tell: Tell = lambda line: None) -> Measured:
    """Run the whole campaign; a trial that fails, as for want of memory, is noted and left out.

    Parameters
    ----------
    tell
        Called with a line on each trial as it ends.

    Raises
    ------
    InputError
        If nothing at all could be measured.
    """
    bare = metered(meter, min(campaign.seconds, IDLE_S))
    rows = _idle_rows(campaign, meter, bare)
    failures: list[str] = []
    facts: dict[str, Facts] = {}
    memory: dict[str, float] = {}

    def attempt(*names: str) -> Trial | None:
        label = " beside ".join(names)
        try:
            trial = run_together([campaign.task(n) for n in names], meter, campaign.seconds, campaign.settle_s)
        except InputError as error:
            failures.append(f"{label}: {error}")
            tell(failures[-1])
            return None
        tell(f"{label}: {' and '.join(_said(rate, trial.draw) for rate in trial.rates)}")
        return trial

    for name in campaign.workloads:
        if (trial := attempt(name)) is not None:
            facts[name] = trial.facts[0]
            memory[name] = _footprint(trial, bare)
            rows.append(_row("solo", campaign, name, "", trial, 0) | {"memory_gib": memory[name]})
    for one, other in campaign.pairs:
        if {one, other} <= facts.keys() and (trial := attempt(one, other)) is not None:
            rows += [_row("pair", campaign, one, other, trial, 0), _row("pair", campaign, other, one, trial, 1)]
    if not facts:
        raise InputError(f"nothing could be measured on {campaign.device}: {failures[0]}")
    return Measured(tuple(rows), facts, memory, tuple(failures))


def _footprint(trial: Trial, bare: Draw) -> float:
    """GiB that a probe alone took of the device, or where nothing tells, what torch knows that it took."""
    seen = trial.draw.peak_gib - bare.peak_gib
    known = trial.facts[0].peak_memory_gib
    return known if math.isnan(seen) else max(seen, known)


def _idle_rows(campaign: Campaign, meter: Meter, bare: Draw) -> list[Row]:
    """Watts without a process and with one that runs nothing; no rows where nothing is metered."""
    if bare.samples == 0:
        return []
    held = idle_with_process(campaign.task(campaign.workloads[0]), meter, min(campaign.seconds, IDLE_S))
    # A card that has just computed may draw less when bare than one that never woke; the file must be in order.
    both = (("idle_bare", bare), ("idle_context", held if held.power_w >= bare.power_w else bare))
    return [{"kind": kind, "gpu_type": campaign.gpu_type, **_drawn(draw)} for kind, draw in both]


def _row(kind: str, campaign: Campaign, workload: str, partner: str, trial: Trial, number: int) -> Row:
    rate = trial.rates[number]
    return {
        "kind": kind,
        "gpu_type": campaign.gpu_type,
        "workload": workload,
        "partner": partner,
        "rate_per_s": rate.per_s,
        "rate_low_per_s": rate.low,
        "rate_high_per_s": rate.high,
        "blocks": rate.blocks,
        "seconds": trial.seconds,
        **_drawn(trial.draw),
    }


def _drawn(draw: Draw) -> Row:
    return {
        "power_w": draw.power_w,
        "sm_clock_mhz": draw.sm_clock_mhz,
        "memory_clock_mhz": draw.memory_clock_mhz,
        "power_samples": draw.samples,
    }


def _said(rate: Rate, draw: Draw) -> str:
    watts = "" if math.isnan(draw.power_w) else f", {draw.power_w:.0f} W"
    return f"{rate.per_s:.4g}/s ({rate.low:.4g} to {rate.high:.4g}){watts}"
