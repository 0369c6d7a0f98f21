"""The files of a run. Each is written under a temporary name and renamed, summary.json last: what exists is whole."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gogh_sim.errors import InputError

TABLES = ("jobs", "timeline", "decisions", "estimates", "events", "timings", "gpus", "nodes", "sources")


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`.

    A pipe or a device, which cannot be replaced, is written to as it stands.

    Raises
    ------
    InputError
        If the system does not let it: no space, no permission, no folder; what was at `path` is still there then.
    """
    special = path.exists() and not path.is_file() and not path.is_dir()
    temporary = path if special else path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        if not special:
            temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write: {reason(error)}", file=path) from error
    finally:
        if not special:
            with suppress(OSError):  # a folder that cannot be written to holds no temporary file either
                temporary.unlink(missing_ok=True)
    return path


def reason(error: OSError) -> str:
    """What the system says, without the names and numbers that libraries put around it."""
    return os.strerror(error.errno) if error.errno else str(error)


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write JSON; numbers that do not exist (nan, infinity) become null."""
    text = json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json_list(path: Path, head: Mapping[str, Any], key: str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write what `write_json` would of `head` and then, under `key`, a list of the rows; one row is held at a time."""
    before, after = json.dumps(_finite({**head, key: []}), indent=1, allow_nan=False).rsplit("[]", 1)

    def write(file: Path) -> None:
        with file.open("w", encoding="utf-8") as out:
            out.write(f"{before}[")
            separator = end = ""
            for row in rows:
                text = json.dumps(_finite(row), indent=1, allow_nan=False).replace("\n", "\n  ")
                out.write(f"{separator}\n  {text}")
                separator, end = ",", "\n "
            out.write(f"{end}]{after}\n")

    return write_whole(path, write)


def write_tables(out: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write each table as ``<name>.parquet``."""
    return [
        write_whole(out / f"{name}.parquet", partial(frame.to_parquet, index=False)) for name, frame in tables.items()
    ]


class TableFiles:
    """Tables written chunk by chunk, each as ``<name>.parquet`` with a row group per chunk.

    A table has its name once it is asked for or the `with` block ends; if that ends with an error, what is not whole
    goes. Memory is that of one chunk.

    Raises
    ------
    InputError
        If the system does not let it be written.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._open: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> TableFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for table in sorted(self._open):
            if kind is None:
                self._finish(table)
            else:
                with suppress(OSError):
                    self._open.pop(table).close()
                    self._part(table).unlink(missing_ok=True)

    def add(self, table: str, chunk: pd.DataFrame) -> None:
        """Append rows to a table; all chunks of it have the same columns."""
        rows = pa.Table.from_pandas(chunk, preserve_index=False)
        with _naming(self._file(table)):
            if table not in self._open:
                self._out.mkdir(parents=True, exist_ok=True)
                self._open[table] = pq.ParquetWriter(self._part(table), rows.schema)
            self._open[table].write_table(rows)

    def frame(self, table: str) -> pd.DataFrame:
        """All rows of a table; ends it if need be."""
        if table in self._open:
            self._finish(table)
        return pd.read_parquet(self._file(table))

    def chunks(self, table: str) -> Iterator[pd.DataFrame]:
        """The same rows, a chunk at a time."""
        if table in self._open:
            self._finish(table)
        with pq.ParquetFile(self._file(table)) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number).to_pandas()

    def _finish(self, table: str) -> None:
        with _naming(self._file(table)):
            self._open.pop(table).close()
            self._part(table).replace(self._file(table))

    def _file(self, table: str) -> Path:
        return self._out / f"{table}.parquet"

    def _part(self, table: str) -> Path:
        return self._out / f".{table}.parquet.part"


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system refuses becomes an error about `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write: {reason(error)}", file=path) from error


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
