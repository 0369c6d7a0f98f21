from __future__ import annotations

import pandas as pd
import pytest

from gogh_sim.engine import table
from gogh_sim.engine.table import Table, frame_of

COLUMNS = {"time_s": "float64", "event": "str", "count": "int64", "late": "bool"}


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 11])
def test_chunks_make_the_same_table_as_all_rows_at_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(table, "CHUNK_ROWS", 4)
    data = [(float(i), f"e{i}", i, i % 2 == 0) for i in range(rows)]
    grown = Table(COLUMNS)
    for number, row in enumerate(data):
        assert len(grown) == number
        grown.add(row)
    assert len(grown) == rows
    pd.testing.assert_frame_equal(grown.frame(), frame_of(data, COLUMNS))
    assert grown.frame().dtypes.astype(str).to_dict() == COLUMNS


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        frame_of([(1.0, "a", 1, True), (1.0, "a", 1)], COLUMNS)
