"""Pollux's simulator workloads: a CSV of submissions without run times.

Format and data: github.com/petuum/adaptdl, branch osdi21-artifact, simulator/workloads (Apache-2.0); Qiao et al.,
OSDI 2021. Columns: name, time in seconds, application, GPUs (`num_replicas`), batch size over all of them. The run
time depends on what the scheduler does there; here it is the middle of the GPU time of the jobs that the application
stands for (`GPU_HOURS`), over the GPUs. The application is the workload.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from gogh_sim.traces.build import Column, build_trace
from gogh_sim.traces.faults import Ledger, Report, stop_at_error
from gogh_sim.traces.schema import Trace
from gogh_sim.traces.sources import Sources
from gogh_sim.traces.table import read_table

COLUMNS = ("name", "time", "application", "num_replicas", "batch_size")

_SMALL, _MEDIUM, _LARGE, _HUGE = (10**-0.5, 10**0.5, 10**1.5, 10**2.5)
GPU_HOURS: Mapping[str, float] = MappingProxyType(
    {
        "cifar10": _SMALL,
        "ncf": _SMALL,
        "deepspeech2": _MEDIUM,
        "bert": _MEDIUM,
        "yolov3": _LARGE,
        "imagenet": _HUGE,
    }
)
"""GPU hours of an application: the geometric middle of the decade of jobs that it stands for (simulator/workload.py:
below 1, 1 to 10, 10 to 100, 100 to 1000 GPU hours); the lowest decade is taken from 0.1."""


def read(sources: Sources, report: Report = stop_at_error) -> Trace:
    """Read the submissions.

    Raises
    ------
    InputError
        If the file is unusable, or from `report` at a faulty row.
    """
    path = sources.jobs_only()
    table = read_table(path, [COLUMNS], Ledger(path, report))
    names = table.names("name")
    application = table.columns["application"]
    table.reject(~application.isin(list(GPU_HOURS)), "application", "one of " + ", ".join(GPU_HOURS))
    gpus = table.integers("num_replicas", most=10**6)
    submit = table.numbers("time")
    table.integers("batch_size", least=1)
    table.adjust(gpus > 0, "application", "no run time in the file, read as the middle of the application's class")
    seconds = application.map(GPU_HOURS).to_numpy(np.float64) * 3600
    return build_trace(
        table,
        sources,
        submit=Column("time", submit),
        duration=Column("application", seconds / np.maximum(gpus, 1)),
        gpus=Column("num_replicas", gpus),
        others={"job_id": names, "workload": application},
    )
