"""A user's own request rates: a CSV with the columns ``service,time_s,requests_per_s``.

A rate holds from its time up to the next row of the same service; the last holds for as long as the row before it did,
or one step. Times are seconds from a common zero. A service's rate before its first row is 0.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.requests.rates import RequestTrace, Unit, held, nothing, numbered
from gogh_sim.traces.table import read_table

COLUMNS = ("service", "time_s", "requests_per_s")


def read(ledger: Ledger, step_s: float) -> RequestTrace:
    """A series a service.

    Raises
    ------
    InputError
        If the file is unusable, or from the ledger's report at a faulty row.
    """
    table = read_table(ledger.path, [COLUMNS], ledger)
    service = table.columns["service"]
    table.reject(service == "", "service", "a name")
    time_s, rate = table.numbers("time_s"), table.numbers("requests_per_s", most=1e9)
    again = pd.DataFrame({"service": service, "time": time_s}).duplicated()
    table.reject(again, "time_s", "one rate of a service at each time")
    rows = pd.DataFrame({"service": service, "time": time_s, "rate": rate})[table.kept]
    rows = rows.sort_values(["service", "time"], kind="stable")
    gap = rows.groupby("service")["time"].diff().shift(-1)
    last = ~rows["service"].duplicated(keep="last")
    # The last row of a service lasts as long as the one before it.
    lasts = gap.where(~last).ffill().where(rows["service"].duplicated(), step_s)
    until = rows["time"] + gap.where(~last, lasts)
    names, number = numbered(rows["service"])
    begin_s, end_s, level = (column.to_numpy(np.float64) for column in (rows["time"], until, rows["rate"]))
    rates = held(begin_s, end_s, level, number, len(names), step_s) if names else nothing()
    return RequestTrace(
        names, rates, step_s, Unit.REQUESTS, str(ledger.path), dict(ledger.left_out), dict(ledger.adjusted)
    )
