"""The files of a run. Each is written under a temporary name and renamed, summary.json last: what exists is whole."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

TABLES = ("jobs", "timeline", "decisions", "estimates", "events", "timings", "gpus", "nodes", "sources")


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write JSON; numbers that do not exist (nan, infinity) become null."""
    text = json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_tables(out: Path, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write each table as ``<name>.parquet``."""
    return [
        write_whole(out / f"{name}.parquet", partial(frame.to_parquet, index=False)) for name, frame in tables.items()
    ]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
