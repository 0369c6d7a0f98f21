"""Alibaba v2026, jobs on spot GPUs: a CSV of jobs and a CSV of nodes.

Format and data: github.com/alibaba/clusterdata, cluster-trace-v2026-spot-gpu; Duan et al., ASPLOS 2026. A job has
`worker_num` workers of `gpu_request` GPUs each; `job_type` is HP (high priority) or Spot and becomes the queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from gogh_sim.traces.build import Column, build_trace, gangs
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.files import write_text
from gogh_sim.traces.losses import losses, only_model, tidy
from gogh_sim.traces.nodes import nodes_of
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import read_table
from gogh_sim.types import Node

COLUMNS = ("job_name", "gpu_model", "gpu_request", "worker_num", "submit_time", "duration", "job_type")
NODE_COLUMNS = ("gpu_model", "gpu_capacity_num", "node_name")


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read jobs, and nodes where their file is given.

    Raises
    ------
    InputError
        If a file is unusable, or from `report` at a faulty row.
    """
    sources.refuse_throughputs()
    table = read_table(sources.jobs, [COLUMNS], Ledger(sources.jobs, report))
    kind = table.columns["job_type"]
    table.reject(~kind.isin(["HP", "Spot"]), "job_type", "HP or Spot")
    each = table.numbers("gpu_request", most=10**6)
    num_gpus, fraction = gangs(table, Column("gpu_request", each * table.integers("worker_num", least=1, most=10**6)))
    return build_trace(
        table,
        sources,
        submit=Column("submit_time", table.numbers("submit_time")),
        duration=Column("duration", table.numbers("duration")),
        gpus=Column("gpu_request", num_gpus),
        others={
            "job_id": table.names("job_name"),
            "gpu_fraction": fraction,
            "gpu_models": table.optional("gpu_model"),
            "user": table.optional("organization"),
            "queue": kind,
        },
        nodes=read_nodes(sources.nodes, report) if sources.nodes is not None else None,
    )


def read_nodes(path: Path, report: Report) -> tuple[Node, ...]:
    """Read the node list; nodes without GPUs are left out."""
    table = read_table(path, [NODE_COLUMNS], Ledger(path, report))
    return nodes_of(table, name="node_name", gpus="gpu_capacity_num", model="gpu_model")


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write jobs of one worker each, and nodes where a file is named; jobs of other queues than Spot are HP.

    Returns
    -------
    Mapping[str, int]
        What the format cannot hold -> rows that lost it.
    """
    target.refuse_throughputs()
    jobs = trace.jobs
    model, lost = only_model(jobs)
    rows = pd.DataFrame(
        {
            "job_name": jobs["job_id"],
            "organization": jobs["user"],
            "gpu_model": model,
            "cpu_request": 0,
            "gpu_request": tidy(jobs["num_gpus"] * jobs["gpu_fraction"]),
            "worker_num": 1,
            "submit_time": tidy(jobs["submit_s"]),
            "duration": tidy(jobs["duration_s"]),
            "job_type": np.where(jobs["queue"] == "Spot", "Spot", "HP"),
        }
    )
    write_text(target.jobs, rows.to_csv(index=False, lineterminator="\n"))
    if target.nodes is not None:
        nodes = pd.DataFrame(
            [(n.gpu_type, n.num_gpus, 0, n.node_id) for n in trace.nodes or ()],
            columns=["gpu_model", "gpu_capacity_num", "cpu_num", "node_name"],
        )
        write_text(target.nodes, nodes.to_csv(index=False, lineterminator="\n"))
    renamed = int((~jobs["queue"].isin(["HP", "Spot", ""])).sum())
    held = ("job_id", "gpu_fraction", "gpu_models", "user", "queue", "nodes")
    return {**losses(trace, held), **lost, **({"queue, written as HP": renamed} if renamed else {})}
