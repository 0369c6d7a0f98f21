"""Alibaba openb, cluster-trace-gpu-v2023: a CSV of pods and a CSV of nodes.

Format and data: github.com/alibaba/clusterdata, cluster-trace-gpu-v2023; Weng et al., "Beware of Fragmentation",
USENIX ATC 2023. A pod with one GPU asks for ``gpu_milli / 1000`` of it, a pod with more asks for whole ones. Times
are whole seconds since the first creation. `pod_phase` is the last phase seen before deletion, so Running is a
normal end and only Failed is a failure; Pending pods were deleted before they were ever scheduled.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from gogh_sim.traces.build import Column, build_trace
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.nodes import nodes_of
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import Table, read_table
from gogh_sim.types import IntArray, Node

POD_COLUMNS = (
    "name",
    "num_gpu",
    "gpu_milli",
    "gpu_spec",
    "qos",
    "pod_phase",
    "creation_time",
    "deletion_time",
    "scheduled_time",
)
NODE_COLUMNS = ("sn", "gpu", "model")

_STATUS_OF_PHASE = {"Running": "pass", "Succeeded": "pass", "Failed": "failed", "Pending": "pass"}
_PHASE_OF_STATUS = {"pass": "Succeeded", "failed": "Failed", "killed": "Failed"}


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read pods, and nodes where their file is given, CPU-only ones left out of both.

    Submission is creation, duration is deletion - scheduled, the queue is the pod's quality of service. Left out are
    pods without a GPU, never scheduled, or not deleted within the trace.

    Raises
    ------
    InputError
        If a file is unusable, or from `report` at a faulty row.
    """
    sources.refuse_throughputs()
    pods = read_table(sources.jobs, [POD_COLUMNS], Ledger(sources.jobs, report))
    names = pods.names("name")
    phase = pods.columns["pod_phase"]
    pods.reject(~phase.isin(list(_STATUS_OF_PHASE)), "pod_phase", "one of " + ", ".join(_STATUS_OF_PHASE))
    num_gpus, milli = _demand(pods)
    created = pods.numbers("creation_time")
    scheduled = pods.numbers("scheduled_time", empty=True)
    deleted = pods.numbers("deletion_time", empty=True)
    pods.reject(scheduled < created, "scheduled_time", "a time not before creation_time")
    pods.reject(deleted < scheduled, "deletion_time", "a time not before scheduled_time")
    pods.leave_out(np.isnan(scheduled), "scheduled_time", "never scheduled")
    pods.leave_out(np.isnan(deleted), "deletion_time", "not ended within the trace")
    pods.leave_out(num_gpus == 0, "num_gpu", "CPU only")
    return build_trace(
        pods,
        sources,
        submit=Column("creation_time", created),
        duration=Column("deletion_time", deleted - scheduled),
        gpus=Column("num_gpu", num_gpus),
        others={
            "job_id": names,
            "gpu_fraction": np.where(num_gpus == 1, milli / 1000, 1.0),
            "gpu_models": _models(pods.columns["gpu_spec"]),
            "queue": pods.columns["qos"],
            "status": phase.map(_STATUS_OF_PHASE),
        },
        nodes=read_nodes(sources.nodes, report) if sources.nodes is not None else None,
    )


def _demand(pods: Table) -> tuple[IntArray, IntArray]:
    num_gpus, milli = pods.integers("num_gpu", most=10**6), pods.integers("gpu_milli")
    pods.reject((num_gpus > 0) & ((milli < 1) | (milli > 1000)), "gpu_milli", "1 to 1000 thousandths of a GPU")
    pods.reject((num_gpus > 1) & (milli != 1000), "gpu_milli", "1000, as the pod asks for more than one GPU")
    return num_gpus, milli


def _models(spec: pd.Series[str]) -> pd.Series[str]:
    """Sorted models without repeats: the published lists hold some such as V100M16|V100M32|V100M32."""
    tidy = {value: "|".join(sorted({m.strip() for m in value.split("|")} - {""})) for value in spec.unique()}
    return spec.map(tidy)


def read_nodes(path: Path, report: Report = stop_at_error) -> tuple[Node, ...]:
    """Read the node list; nodes without GPUs are left out."""
    table = read_table(path, [NODE_COLUMNS], Ledger(path, report))
    return nodes_of(table, name="sn", gpus="gpu", model="model")


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write pods, and nodes where a file is named; CPU and memory demands, which the schema lacks, become 0.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    target.refuse_throughputs()
    jobs = trace.jobs
    start, duration = jobs["submit_s"].round(), jobs["duration_s"].round().clip(lower=1)
    pods = pd.DataFrame(
        {
            "name": jobs["job_id"],
            "cpu_milli": 0,
            "memory_mib": 0,
            "num_gpu": jobs["num_gpus"],
            "gpu_milli": (jobs["gpu_fraction"] * 1000).round().clip(lower=1).astype(np.int64),
            "gpu_spec": jobs["gpu_models"],
            "qos": jobs["queue"],
            "pod_phase": jobs["status"].map(_PHASE_OF_STATUS),
            "creation_time": start.astype(np.int64),
            "deletion_time": (start + duration).astype(np.int64),
            "scheduled_time": start.astype(np.int64),
        }
    )
    write_text(target.jobs, pods.to_csv(index=False, lineterminator="\n"))
    if target.nodes is not None:
        _write_nodes(trace.nodes or (), target.nodes)
    lost = {
        "user": int((jobs["user"] != "").sum()),
        "status, killed written as Failed": int((jobs["status"] == "killed").sum()),
        "fractions of a second": int(((start != jobs["submit_s"]) | (duration != jobs["duration_s"])).sum()),
        "thousandths of a GPU": int((~np.isclose(pods["gpu_milli"], jobs["gpu_fraction"] * 1000, atol=1e-6)).sum()),
    }
    return MappingProxyType({what: count for what, count in lost.items() if count})


def _write_nodes(nodes: tuple[Node, ...], path: Path) -> None:
    rows = [(n.node_id, 0, 0, n.num_gpus, n.gpu_type) for n in nodes]
    frame = pd.DataFrame(rows, columns=["sn", "cpu_milli", "memory_mib", "gpu", "model"])
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
