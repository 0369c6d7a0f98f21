"""From configuration to the world of a run: profile, trace, cluster and jobs."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gogh_sim import profiles, services, traces
from gogh_sim.errors import InputError
from gogh_sim.profiles import Profile, ProfileSettings
from gogh_sim.services import ServiceSettings
from gogh_sim.streams import Streams
from gogh_sim.traces import Trace
from gogh_sim.types import MOST_GPUS, BoolArray, Cluster, Job, Node

Config = Mapping[str, Any]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scenario:
    """What is simulated: everything but the policy.

    `gap_factor` is what the trace's gaps were multiplied by, `trace` still holds what was left out and why. `jobs` are
    those of the trace, then the services.
    """

    profile: Profile
    cluster: Cluster
    trace: Trace
    jobs: tuple[Job, ...]
    gap_factor: float


def build(config: Config) -> Scenario:
    """Scenario of a resolved configuration (keys seed, cluster, trace, profile).

    The same seed and configuration give the same jobs, whatever the policy.

    Raises
    ------
    InputError
        If anything in it cannot be; a job that can never run is named, unless ``trace.oversize`` is "skip".
    """
    streams = Streams(int(config["seed"]))
    settings = ProfileSettings.of(config["profile"])
    profile = profiles.configured(settings, streams.generator("interference"))
    trace = _read(config["trace"], streams)
    whole = build_cluster(config["cluster"], profile, trace)
    cluster = profiles.as_shared(whole, profile, settings.sharing, settings.mig)
    trace = _ask_for_slices(trace, profiles.stand_ins(profile, settings.mig))
    # Before the load is set: what can never run offers none.
    trace = _leave_out_oversize(trace, str(config["trace"]["oversize"]), cluster, profile)
    trace, gap_factor = _set_load(trace, config["trace"], cluster, profile)
    trace = _assign(trace, config["trace"], cluster, profile, streams)
    trace = _leave_out_oversize(trace, str(config["trace"]["oversize"]), cluster, profile)
    serving = ServiceSettings.of(config["trace"]["services"])
    jobs = (*build_jobs(trace, profile), *services.build(serving, profile, cluster, streams.generator("services")))
    return Scenario(profile, cluster, trace, jobs, gap_factor)


def mean_speeds(profile: Profile) -> dict[str, float]:
    """Mean relative speed of each GPU type over the workloads that it can run."""
    return dict(zip((t.name for t in profile.gpu_types), np.nanmean(profile.relative_speed, axis=0), strict=True))


def build_cluster(config: Config, profile: Profile, trace: Trace) -> Cluster:
    """Cluster of a list of ``{gpu_type, count, gpus_per_node}``, or of the trace's own nodes ("from_trace")."""
    if config["nodes"] == "from_trace":
        if trace.nodes is None:
            raise InputError("cluster=from_trace needs a trace with nodes; give trace.nodes or choose a cluster")
        nodes = trace.nodes
    else:
        nodes = _nodes(config["nodes"])
    used = {node.gpu_type for node in nodes}
    unknown = sorted(used - profile.type_index.keys())
    if unknown:
        raise InputError(f"unknown GPU type {unknown[0]!r}; profile {profile.name} has {sorted(profile.type_index)}")
    types = tuple(t for t in profile.gpu_types if t.name in used)
    return Cluster(str(config["name"]), types, nodes, int(config["theta"]))


def _nodes(blocks: list[Config]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for block in blocks:
        try:
            gpu_type, count, size = str(block["gpu_type"]), int(block["count"]), int(block["gpus_per_node"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"cluster.nodes: expected gpu_type, count and gpus_per_node, found {block}") from error
        first = len(nodes)
        if count > MOST_GPUS:
            raise InputError(f"cluster.nodes: expected at most {MOST_GPUS} GPUs, found {block}")
        nodes += [Node(f"{gpu_type.lower()}-{first + i:03d}", gpu_type, size) for i in range(count)]
    return tuple(nodes)


def _read(config: Config, streams: Streams) -> Trace:
    """The trace's window, its models mapped to GPU types; generated traces come from the seed."""
    if config["path"] is None:
        bounds = {key: float(config[key]) for key in ("shortest_s", "longest_s") if config.get(key) is not None}
        trace = traces.generate(str(config["format"]), int(config["jobs"]), streams.generator("trace"), **bounds)
    else:
        trace = _replay(config)
    duration_s = config["duration_s"]
    trace = traces.cut(trace, config["start_s"], math.inf if duration_s is None else float(duration_s))
    if config["max_jobs"] is not None:
        trace = traces.first(trace, int(config["max_jobs"]))
    trace = traces.map_workloads(trace, dict(config["workloads"]))
    return traces.map_models(trace, dict(config["gpu_models"]))


def _replay(config: Config) -> Trace:
    """The trace in its file; under ``on_error: skip`` without its faulty rows, of which a warning names the file."""
    if config["on_error"] not in ("error", "skip"):
        raise InputError(f"trace.on_error: expected error or skip, found {config['on_error']!r}")
    form, path, nodes, throughputs = (config[name] for name in ("format", "path", "nodes", "throughputs"))
    if config["on_error"] == "error":
        return traces.read(str(form), path, nodes, throughputs=throughputs)
    quarantine = config["quarantine"] or traces.quarantine_file(Path(path).name)
    trace, faulty = traces.read_skipping(str(form), path, quarantine, nodes, throughputs)
    if faulty:
        _LOG.warning("%s: %d faulty rows skipped; they are in %s", path, faulty, quarantine)
    return trace


def _ask_for_slices(trace: Trace, stand_ins: Mapping[str, str]) -> Trace:
    """Trace whose jobs accept the MIG slices of what they accept; gangs, which cannot span slices, only whole cards."""
    slices = {part for whole, part in stand_ins.items() if part != whole}
    if not slices:
        return trace
    asked = trace.jobs["gpu_models"]
    parts = asked.map({spec: "|".join(stand_ins.get(t, t) for t in spec.split("|")) for spec in asked.unique()})
    cards = asked.where(asked != "", "|".join(sorted(stand_ins.keys() - slices)))
    return trace.assign(gpu_models=parts.where(trace.jobs["num_gpus"] == 1, cards))


def _set_load(trace: Trace, config: Config, cluster: Cluster, profile: Profile) -> tuple[Trace, float]:
    if config["load"] is None:
        factor = float(config["scale_gaps"])
        return traces.scale_gaps(trace, factor), factor
    speeds = mean_speeds(profile)
    capacity = sum(speeds[node.gpu_type] * node.num_gpus for node in cluster.nodes)
    return traces.scale_to_load(trace, float(config["load"]), capacity)


def _assign(trace: Trace, config: Config, cluster: Cluster, profile: Profile, streams: Streams) -> Trace:
    memory = {t.name: t.memory_gib for t in cluster.gpu_types}
    trace = traces.assign_workloads(trace, profile.workloads, memory, streams.generator("workloads"))
    classes = [(float(c["slack"]), float(c["share"])) for c in config["sla"]["classes"]]
    return traces.assign_sla(trace, classes, streams.generator("sla"))


def _leave_out_oversize(trace: Trace, oversize: str, cluster: Cluster, profile: Profile) -> Trace:
    """Trace without jobs that can never run; before workloads are assigned, by GPU types and gang size alone."""
    if oversize not in ("error", "skip"):
        raise InputError(f"trace.oversize: expected error or skip, found {oversize!r}")
    stuck = _oversize(trace, cluster, profile)
    if oversize == "error" and stuck.any():
        job = trace.jobs[stuck].iloc[0]
        raise InputError(
            f"job {job['job_id']} can never run on cluster {cluster.name}: it needs {job['num_gpus']} GPUs of one type "
            f"({job['gpu_models'] or 'any'}) that hold its workload ({job.get('workload', 'any')}); {int(stuck.sum())} "
            f"such jobs; trace.oversize=skip leaves them out and counts them",
            file=trace.source,
        )
    kept = trace.drop(stuck, "oversize")
    if kept.jobs.empty:
        raise InputError(f"no job of the trace can run on cluster {cluster.name}", file=trace.source)
    return kept


def _oversize(trace: Trace, cluster: Cluster, profile: Profile) -> BoolArray:
    """Per job: whether no one GPU type has, of the GPUs that it accepts and that hold its workload, enough for it."""
    jobs = trace.jobs
    runs = np.ones((len(jobs), len(profile.gpu_types)), dtype=np.bool_)
    if "workload" in jobs:
        runs = np.isfinite(profile.solo_rate[jobs["workload"].map(profile.workload_index).to_numpy(dtype=np.int64)])
    width = jobs["num_gpus"].to_numpy()
    accepts = jobs["gpu_models"].map(lambda models: frozenset(filter(None, models.split("|"))))
    fits = np.zeros(len(jobs), dtype=np.bool_)
    for gpu_type, count in zip(cluster.gpu_types, cluster.gpus_per_type, strict=True):
        allowed = accepts.map(lambda names, name=gpu_type.name: not names or name in names).to_numpy(dtype=np.bool_)
        fits |= allowed & runs[:, profile.type_index[gpu_type.name]] & (width <= count)
    return ~fits


def build_jobs(trace: Trace, profile: Profile) -> tuple[Job, ...]:
    """Jobs whose work is what their duration allows alone on the reference type."""
    table = trace.jobs
    workload = table["workload"].map(profile.workload_index).to_numpy(dtype=np.int64)
    work = profiles.work_of(profile, workload, table["num_gpus"], table["gpu_fraction"], table["duration_s"])
    return tuple(
        Job(
            job_id=row["job_id"],
            submit_s=float(row["submit_s"]),
            workload=row["workload"],
            kind=profile.workloads[number].kind,
            work=float(amount),
            reference_s=float(row["duration_s"]),
            num_gpus=int(row["num_gpus"]),
            allowed_gpu_types=frozenset(filter(None, row["gpu_models"].split("|"))),
            gpu_fraction=float(row["gpu_fraction"]),
            deadline_s=float(row["deadline_s"]),
            floor=row["duration_s"] / (row["deadline_s"] - row["submit_s"]),
            user=row["user"],
            queue=row["queue"],
            source_status=row["status"],
        )
        for row, number, amount in zip(table.to_dict("records"), workload, work, strict=True)
    )
