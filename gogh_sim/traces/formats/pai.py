"""Alibaba PAI v2020, the simulator's files: one CSV row a job.

Format and data: github.com/alibaba/clusterdata, cluster-trace-gpu-v2020/simulator/traces/pai (CC-BY-4.0); Weng et al.,
"MLaaS in the Wild", NSDI 2022. Three layouts: `num_inst` counts instances that ask for `num_gpu` GPUs each;
`num_pod` counts pods whose GPUs `num_gpu` sums up; a sample of jobs has neither, and no submission time: its jobs are
all submitted at second 0. The machine list has no header: machine, GPU type, CPUs, GiB, GPUs.
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
from gogh_sim.traces.table import read_bare_table, read_table
from gogh_sim.types import Node

_JOB = ("job_id", "num_gpu", "gpu_type", "duration", "user")
LAYOUTS = ((*_JOB, "submit_time", "num_inst"), (*_JOB, "submit_time", "num_pod"), _JOB)
MACHINE_COLUMNS = ("machine", "gpu_type", "cap_cpu", "cap_mem", "cap_gpu")

_NO_MODEL = ("", "CPU", "None")


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read jobs, and machines where their list is given; CPU-only ones are left out of both.

    Raises
    ------
    InputError
        If a file is unusable, or from `report` at a faulty row.
    """
    sources.refuse_throughputs()
    table = read_table(sources.jobs, LAYOUTS, Ledger(sources.jobs, report))
    demand = table.numbers("num_gpu", most=10**6)
    if "num_inst" in table.columns:
        demand = demand * table.integers("num_inst", least=1, most=10**6)
    num_gpus, fraction = gangs(table, Column("num_gpu", demand))
    if "submit_time" in table.columns:
        submit = Column("submit_time", table.numbers("submit_time"))
    else:
        table.adjust(np.ones(len(table), dtype=bool), "job_id", "no submission time in the file, read as second 0")
        submit = Column("job_id", np.zeros(len(table)))
    user = table.optional("user")
    models = table.columns["gpu_type"]
    return build_trace(
        table,
        sources,
        submit=submit,
        duration=Column("duration", table.numbers("duration")),
        gpus=Column("num_gpu", num_gpus),
        others={
            "job_id": table.names("job_id"),
            "gpu_fraction": fraction,
            "gpu_models": models.mask(models.isin(_NO_MODEL), ""),
            "user": user,
        },
        nodes=read_machines(sources.nodes, report) if sources.nodes is not None else None,
    )


def read_machines(path: Path, report: Report) -> tuple[Node, ...]:
    """Read the machine list; machines without GPUs are left out."""
    table = read_bare_table(path, [MACHINE_COLUMNS], Ledger(path, report))
    return nodes_of(table, name="machine", gpus="cap_gpu", model="gpu_type", no_model=_NO_MODEL)


def write(trace: Trace, target: Sources) -> Mapping[str, int]:
    """Write the layout of instances, one instance a job; CPUs, which the schema lacks, become 0.

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
            "job_id": jobs["job_id"],
            "num_inst": 1,
            "submit_time": tidy(jobs["submit_s"]),
            "num_cpu": 0,
            "num_gpu": tidy(jobs["num_gpus"] * jobs["gpu_fraction"]),
            "gpu_type": model,
            "duration": tidy(jobs["duration_s"]),
            "user": jobs["user"],
        }
    )
    write_text(target.jobs, rows.to_csv(index=False, lineterminator="\n"))
    if target.nodes is not None:
        machines = [f"{n.node_id},{n.gpu_type},0,0,{n.num_gpus}\n" for n in trace.nodes or ()]
        write_text(target.nodes, "".join(machines))
    held = ("job_id", "gpu_fraction", "gpu_models", "user", "nodes")
    return {**losses(trace, held), **lost}
