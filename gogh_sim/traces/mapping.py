"""From the GPU models of a trace to the simulator's GPU types, by a table that the configuration holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gogh_sim.errors import InputError
from gogh_sim.traces.schema import Trace


def map_models(trace: Trace, gpu_models: Mapping[str, str]) -> Trace:
    """Trace whose nodes and acceptable models are named by GPU types.

    Parameters
    ----------
    gpu_models
        GPU type of each model of the trace; several models may share a type.

    Raises
    ------
    InputError
        If the trace names a model that the table lacks.
    """
    specs = {spec: [m for m in spec.split("|") if m] for spec in trace.jobs["gpu_models"].unique()}
    used = {model for models in specs.values() for model in models} | {n.gpu_type for n in trace.nodes or ()}
    unknown = sorted(used - gpu_models.keys())
    if unknown:
        raise InputError(
            f"GPU model {unknown[0]!r} has no GPU type; name it in trace.gpu_models, which has {sorted(gpu_models)}",
            file=trace.source,
            column="gpu_models",
        )
    types = {spec: "|".join(sorted({gpu_models[m] for m in models})) for spec, models in specs.items()}
    mapped = trace.assign(gpu_models=trace.jobs["gpu_models"].map(types))
    if trace.nodes is None:
        return mapped
    return replace(mapped, nodes=tuple(replace(n, gpu_type=gpu_models[n.gpu_type]) for n in trace.nodes))


def map_workloads(trace: Trace, workloads: Mapping[str, str]) -> Trace:
    """Trace whose jobs name workloads of the profile where the table knows the trace's own name.

    Parameters
    ----------
    workloads
        Workload of each name of the trace; what it lacks keeps its name.
    """
    if "workload" not in trace.jobs or not workloads:
        return trace
    own = trace.jobs["workload"]
    return trace.assign(workload=own.map({name: workloads.get(name, name) for name in own.unique()}))
