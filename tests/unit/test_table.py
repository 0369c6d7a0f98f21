from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gogh_sim.engine import LONG_TABLES, table
from gogh_sim.engine.records import InMemory
from gogh_sim.engine.table import Table, frame_of
from gogh_sim.errors import InputError
from gogh_sim.outputs import TableFiles
from gogh_sim.schedulers.fifo_greedy import GreedyFifo
from gogh_sim.testing import random_world

COLUMNS = {"time_s": "float64", "event": "str", "count": "int64", "late": "bool"}


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 11])
def test_chunks_make_the_same_table_as_all_rows_at_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(table, "CHUNK_ROWS", 4)
    data = [(float(i), f"e{i}", i, i % 2 == 0) for i in range(rows)]
    kept = InMemory()
    grown = Table(COLUMNS, partial(kept.add, "events"))
    for number, row in enumerate(data):
        assert len(grown) == number
        grown.add(row)
    assert len(grown) == rows
    grown.close()
    pd.testing.assert_frame_equal(pd.concat(kept.chunks("events"), ignore_index=True), frame_of(data, COLUMNS))
    pd.testing.assert_frame_equal(kept.frame("events"), frame_of(data, COLUMNS))
    assert kept.frame("events").dtypes.astype(str).to_dict() == COLUMNS


@pytest.mark.parametrize("rows", [0, 3, 11])
def test_files_grown_by_chunks_hold_the_same_rows_and_small_ones_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(table, "CHUNK_ROWS", 4)
    data = [(float(i), f"e{i}", i, i % 2 == 0) for i in range(rows)]
    with TableFiles(tmp_path) as files:
        grown = Table(COLUMNS, partial(files.add, "events"))
        for row in data:
            grown.add(row)
        grown.close()
        assert not (tmp_path / "events.parquet").exists()
        for _ in range(2):
            chunks = list(files.chunks("events"))
            assert [len(chunk) for chunk in chunks] == [min(4, rows - at) for at in range(0, max(rows, 1), 4)]
            pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), frame_of(data, COLUMNS))
        pd.testing.assert_frame_equal(files.frame("events"), frame_of(data, COLUMNS))
    assert [file.name for file in tmp_path.iterdir()] == ["events.parquet"]
    assert pq.read_metadata(tmp_path / "events.parquet").num_row_groups == max(1, -(-rows // 4))
    if rows < 4:
        frame_of(data, COLUMNS).to_parquet(tmp_path / "whole.parquet", index=False)
        assert (tmp_path / "events.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_run_that_fails_leaves_no_part_of_a_table(tmp_path: Path) -> None:
    def broken_off() -> None:
        with TableFiles(tmp_path) as files:
            files.add("events", frame_of([(1.0, "a", 1, True)], COLUMNS))
            assert list(tmp_path.iterdir())
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        broken_off()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"), TableFiles(tmp_path / "file") as files:
        files.add("events", frame_of([], COLUMNS))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_recorded_in_small_chunks_is_the_same_run(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    world = random_world(seed)
    whole = world.run(GreedyFifo(world.context()))
    monkeypatch.setattr(table, "CHUNK_ROWS", 3)
    pieces = world.run(GreedyFifo(world.context()))
    for name in set(LONG_TABLES) - {"timings"}:
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(pieces, name))


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        frame_of([(1.0, "a", 1, True), (1.0, "a", 1)], COLUMNS)
