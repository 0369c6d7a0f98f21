"""Alibaba cluster-trace-v2026-GenAI: image generation, as requests (`lora_request_trace`) or as rates (`qps`).

Format and data: github.com/alibaba/clusterdata, cluster-trace-v2026-GenAI. Times of requests are local, shifted by a
constant. Rates are requests per second per container at moments that lie one sampling period or more apart; a moment or
container without a row had none, as the smallest rate recorded is above 0.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.traces.build import calendar
from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.requests.rates import RequestTrace, Unit, counted, held, nothing, numbered
from gogh_sim.traces.table import Table, read_table
from gogh_sim.types import FloatArray, IntArray

LORA_COLUMNS = ("gmt_create", "predict_type", "predict_status", "exec_time_seconds")
QPS_COLUMNS = ("timestamp_anon", "value", "container_ip", "request_type")

_LONE_PERIOD_S = 57.0
"""Sampling period of the published file, for a series of one moment."""


def read_lora(ledger: Ledger, step_s: float) -> RequestTrace:
    """A series for each type of request, requests of every status counted, from the first request of all on.

    Raises
    ------
    InputError
        If the file is unusable, or from the ledger's report at a faulty row.
    """
    table = read_table(ledger.path, [LORA_COLUMNS], ledger)
    times = table.datetimes("gmt_create")
    table.numbers("exec_time_seconds", empty=True)
    names, number = _types(table, "predict_type")
    at_s = calendar(table, times).seconds[table.kept]
    at_s = at_s - at_s.min(initial=np.inf) if len(at_s) else at_s
    rates = counted(at_s, number, len(names), step_s) if len(at_s) else nothing()
    return _trace(ledger, names, rates, step_s)


def read_qps(ledger: Ledger, step_s: float) -> RequestTrace:
    """A series for each type of request: the sum over containers, from the first moment of all on.

    Raises
    ------
    InputError
        If the file is unusable, or from the ledger's report at a faulty row.
    """
    table = read_table(ledger.path, [QPS_COLUMNS], ledger)
    at_s, value = table.numbers("timestamp_anon"), table.numbers("value", most=1e6)
    container = table.optional("container_ip")
    again = pd.DataFrame({"at": at_s, "by": container, "of": table.columns["request_type"]}).duplicated()
    table.reject(again, "container_ip", "one rate of a container and type at each moment")
    names, number = _types(table, "request_type")
    at_s, value = at_s[table.kept], value[table.kept]
    if not len(at_s):
        return _trace(ledger, names, nothing(), step_s)
    at_s = at_s - at_s.min()
    return _trace(ledger, names, held(at_s, at_s + _period_s(at_s), value, number, len(names), step_s), step_s)


def _types(table: Table, column: str) -> tuple[tuple[str, ...], IntArray]:
    """Names of the series, and the number of the series of each row in use."""
    text = table.columns[column]
    table.reject(text == "", column, "a type of request")
    return numbered(text[table.kept])


def _period_s(at_s: FloatArray) -> float:
    """The least gap between two moments."""
    gaps = np.diff(np.unique(at_s))
    return float(gaps.min()) if len(gaps) else _LONE_PERIOD_S


def _trace(ledger: Ledger, names: tuple[str, ...], rates: FloatArray, step_s: float) -> RequestTrace:
    return RequestTrace(
        names, rates, step_s, Unit.REQUESTS, str(ledger.path), dict(ledger.left_out), dict(ledger.adjusted)
    )
