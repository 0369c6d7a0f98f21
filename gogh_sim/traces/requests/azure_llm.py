"""Azure LLM inference 2023 and 2024: a CSV with a row a request.

Format and data: github.com/Azure/AzurePublicDataset; Patel et al., "Splitwise", ISCA 2024. `TIMESTAMP` has up to 7
decimals of a second and no zone; the 2024 files write it with a zone of +00:00. Models and latencies are not told.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gogh_sim.traces.faults import Ledger
from gogh_sim.traces.requests.rates import RequestTrace, Unit, counted, nothing
from gogh_sim.traces.table import TIME_FORMAT, Table, read_table
from gogh_sim.types import FloatArray

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")

_FRACTION = r"(?:\.\d{1,9})?(?:\+00:00)?"


def read(ledger: Ledger, step_s: float) -> RequestTrace:
    """One series: requests by the second in which they came, from the first on.

    Raises
    ------
    InputError
        If the file is unusable, or from the ledger's report at a faulty row.
    """
    table = read_table(ledger.path, [COLUMNS], ledger)
    at_s = _seconds(table)
    for tokens in COLUMNS[1:]:
        table.integers(tokens)
    at_s = at_s[table.kept]
    at_s -= at_s.min(initial=np.inf) if len(at_s) else 0.0
    rates = counted(at_s, np.zeros(len(at_s), dtype=np.int64), 1, step_s) if len(at_s) else nothing()
    names = ("all",) if len(at_s) else ()
    return RequestTrace(
        names, rates, step_s, Unit.REQUESTS, str(ledger.path), dict(ledger.left_out), dict(ledger.adjusted)
    )


def _seconds(table: Table) -> FloatArray:
    """Seconds of an epoch; nan where the row is rejected."""
    text = table.columns["TIMESTAMP"]
    times = pd.to_datetime(text.str.slice(0, 19), format=TIME_FORMAT, errors="coerce")
    rest = text.str.slice(19)
    good = times.notna() & rest.str.fullmatch(_FRACTION)
    table.reject(~good, "TIMESTAMP", "a time as YYYY-MM-DD HH:MM:SS, with or without decimals")
    whole = (times - pd.Timestamp(0).as_unit("s")).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    decimals = pd.to_numeric(rest.str.extract(r"^(\.\d{1,9})")[0], errors="coerce").fillna(0.0)
    return np.asarray(whole + decimals.to_numpy(np.float64), dtype=np.float64)
