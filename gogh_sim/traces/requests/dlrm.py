"""Alibaba cluster-trace-gpu-v2025, disaggregated DLRM: a CSV with a row an instance of latency-sensitive inference.

Format and data: github.com/alibaba/clusterdata, cluster-trace-gpu-v2025; Yang et al., NSDI 2025. An application's load
is not told, but the operators scale its instances with it, so the number of GPU instances that are up stands for the
load of the application. Role CN is a CPU node without a GPU, HN a GPU node. Times are seconds from the start of the
trace; an empty creation was before it, an empty deletion after it.
"""

from __future__ import annotations

import numpy as np

from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.requests.rates import RequestTrace, Unit, held, nothing, numbered
from gogh_sim.traces.table import read_table

COLUMNS = ("instance_sn", "role", "app_name", "gpu_request", "creation_time", "scheduled_time", "deletion_time")

_ROLES = ("CN", "HN")


def read(ledger: Ledger, step_s: float) -> RequestTrace:
    """A series an application: the GPUs of its instances that are up, from when they are scheduled to their deletion.

    Left out are instances without a GPU, and those never scheduled.

    Raises
    ------
    InputError
        If the file is unusable, or from the ledger's report at a faulty row.
    """
    table = read_table(ledger.path, [COLUMNS], ledger)
    table.names("instance_sn")
    role, app = table.columns["role"], table.columns["app_name"]
    table.reject(~role.isin(_ROLES), "role", "CN or HN")
    table.reject(app == "", "app_name", "a name")
    gpus = table.numbers("gpu_request", most=1024)
    created, scheduled, deleted = (table.numbers(name, empty=True) for name in COLUMNS[-3:])
    table.reject(scheduled < created, "scheduled_time", "a time not before creation_time")
    begin = np.where(np.isnan(created) & np.isnan(scheduled), 0.0, scheduled)
    table.reject(deleted < np.nan_to_num(begin), "deletion_time", "a time not before the instance was scheduled")
    table.leave_out(gpus == 0, "gpu_request", "CPU only")
    table.leave_out(np.isnan(begin), "scheduled_time", "never scheduled")
    moments = np.concatenate([begin[table.kept], deleted[table.kept]])
    end_s = float(np.nanmax(moments, initial=0.0))
    names, number = numbered(app[table.kept])
    up_to = np.where(np.isnan(deleted), end_s, deleted)[table.kept]
    rates = held(begin[table.kept], up_to, gpus[table.kept], number, len(names), step_s) if end_s else nothing()
    return RequestTrace(
        names, rates, step_s, Unit.INSTANCES, str(ledger.path), dict(ledger.left_out), dict(ledger.adjusted)
    )
