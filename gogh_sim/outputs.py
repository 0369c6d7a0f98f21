"""The files of a run. Each is written under a temporary name and renamed, summary.json last: what exists is whole."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

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
