"""One run, wired: configuration in, tables, summary and files out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from gogh_sim import provenance, scenario
from gogh_sim.engine import LONG_TABLES, EngineSettings, Faults, Gating, History, Records, Truth, simulate
from gogh_sim.engine.hidden import hidden_factors
from gogh_sim.engine.records import InMemory
from gogh_sim.errors import InputError
from gogh_sim.identity import identity
from gogh_sim.metrics import perfetto
from gogh_sim.metrics.site import Site
from gogh_sim.metrics.summary import summarise
from gogh_sim.outputs import TABLES, TableFiles, write_json, write_json_list, write_tables
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource
from gogh_sim.rounds.replay import check_policy, read_rates, replay
from gogh_sim.scenario import Config, Scenario
from gogh_sim.streams import Streams

_NOT_IN_ROUNDS = ("checkpoint_s", "restore_s", "noise_sigma", "hidden_sigma")


class Mechanism(StrEnum):
    """What moves the clock: the event engine, or the published round mechanism."""

    EVENTS = "events"
    ROUNDS = "rounds"


MakeScheduler = Callable[[PolicyContext, ThroughputSource], Scheduler]
"""Builds the policy; the second argument is the truth, for policies whose config says that they know the profile."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class RunResult:
    """A finished run: its tables and its summary (keys as in summary.json)."""

    records: Records
    summary: Mapping[str, Any]


def run(
    config: Config,
    make_scheduler: MakeScheduler,
    progress: Progress | None = None,
    history: History | None = None,
) -> RunResult:
    """Simulate one configuration.

    Parameters
    ----------
    config
        Resolved configuration with the keys experiment, seed, cluster, trace, profile, power, engine and scheduler.

    Raises
    ------
    InputError, InvalidDecisionError
        If the configuration, the trace or the policy asks for what cannot be.
    """
    began = time.perf_counter()
    world = scenario.build(config)
    settings, site = engine_settings(config), _site(config)
    streams = Streams(int(config["seed"]))
    if mechanism(config) is Mechanism.ROUNDS:
        records = _in_rounds(config, world, settings, progress, history or InMemory())
        return RunResult(records, _summary(config, world, records, site, time.perf_counter() - began))
    truth = Truth(world.profile, world.cluster, hidden_factors(world.jobs, settings, streams))
    workloads = {workload.name: workload for workload in world.profile.workloads}
    context = PolicyContext(world.cluster, workloads, streams.generator("policy"))
    scheduler = make_scheduler(context, truth)
    records = simulate(world.cluster, world.jobs, world.profile, scheduler, settings, streams, progress, history)
    return RunResult(records, _summary(config, world, records, site, time.perf_counter() - began))


def run_config(
    config: Config, out: Path, make_scheduler: MakeScheduler, progress: Progress | None = None
) -> Mapping[str, Any]:
    """Simulate one configuration and write every file of the output contract to `out`; returns the summary."""
    with TableFiles(out) as history:
        result = run(config, make_scheduler, progress, history)
    records = result.records
    write_tables(out, {name: getattr(records, name) for name in TABLES if name not in LONG_TABLES})
    events, timeline = (partial(records.history.chunks, name) for name in ("events", "timeline"))
    rows = perfetto.trace_events(events, timeline, records.gpus)
    write_json_list(out / "trace.json", perfetto.HEAD, "traceEvents", rows)
    write_json(out / "summary.json", result.summary)
    return result.summary


def mechanism(config: Config) -> Mechanism:
    """The clock of the key ``engine.mechanism``.

    Raises
    ------
    InputError
        If there is no such clock, or the rest of the configuration asks for what it cannot do.
    """
    name = config["engine"].get("mechanism", Mechanism.EVENTS)
    if name not in list(Mechanism):
        raise InputError(f"engine.mechanism: expected {' or '.join(Mechanism)}, found {name!r}")
    if name == Mechanism.ROUNDS:
        check_policy(str(config["scheduler"]["name"]))
        for key in _NOT_IN_ROUNDS:
            if float(config["engine"][key]) != 0:
                raise InputError(
                    f"engine.{key}: the round mechanism has none; expected 0, found {config['engine'][key]}"
                )
        if Faults.of(config.get("faults", {})) != Faults():
            raise InputError("faults: the round mechanism has none; say faults=none")
        if services := config["trace"]["services"]["count"]:
            raise InputError(f"trace.services.count: the round mechanism has no services; expected 0, found {services}")
        if config["trace"]["format"] != "gavel" or config["trace"].get("throughputs") is None:
            raise InputError(
                "engine=rounds replays traces of Gavel with its throughputs; give trace=gavel, trace.path and "
                f"trace.throughputs, found trace {config['trace']['name']}"
            )
    return Mechanism(name)


def _in_rounds(
    config: Config, world: Scenario, settings: EngineSettings, progress: Progress | None, history: History
) -> Records:
    source = Path(config["trace"]["throughputs"])
    names = {workload: job_type for job_type, workload in config["trace"]["workloads"].items()}
    scheduler = str(config["scheduler"]["name"])
    tables = replay(world.jobs, world.cluster, read_rates(source), names, scheduler, settings.round_s, progress)
    for name in LONG_TABLES:
        history.add(name, tables.pop(name))
    return Records(history=history, **tables)


def engine_settings(config: Config) -> EngineSettings:
    """Engine settings of the keys ``engine``, ``power.gating`` and ``faults`` (without it nothing breaks down)."""
    faults = Faults.of(config.get("faults", {}))
    try:
        gating = Gating(**{key: float(value) for key, value in config["power"]["gating"].items()})
        clockwork = {key: float(value) for key, value in config["engine"].items() if key != "mechanism"}
        return EngineSettings(gating=gating, faults=faults, **clockwork)
    except (TypeError, ValueError) as error:
        raise InputError(f"engine or power.gating: {error}") from error


def _site(config: Config) -> Site:
    power = config["power"]
    return Site.of(power["pue"], power["carbon_g_per_kwh"], power["price_usd_per_kwh"])


def _summary(config: Config, world: Scenario, records: Records, site: Site, wall_s: float) -> dict[str, Any]:
    return {
        "experiment": config["experiment"],
        "scheduler": config["scheduler"]["name"],
        "trace": config["trace"]["name"],
        "cluster": world.cluster.name,
        "profile": world.profile.name,
        "seed": int(config["seed"]),
        **summarise(records, scenario.mean_speeds(world.profile), site),
        "trace_rows": world.trace.rows,
        "trace_left_out": dict(world.trace.left_out),
        "trace_adjusted": dict(world.trace.adjusted),
        "trace_gap_factor": world.gap_factor,
        "identity": identity(config),
        "wall_s": wall_s,
        "git_commit": provenance.git_commit(),
        "versions": provenance.versions(),
    }
