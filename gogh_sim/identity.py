"""What a run is: the hash of everything that its results follow from, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from gogh_sim.errors import InputError
from gogh_sim.outputs import reason

INPUTS: tuple[tuple[str, ...], ...] = (
    ("trace", "path"),
    ("trace", "nodes"),
    ("trace", "throughputs"),
    ("trace", "services", "path"),
    ("profile", "name"),
    ("scheduler", "estimator", "weights"),
)
"""Keys that may name a file or folder to read: what is in it counts, not where it lies."""

OUTPUTS: tuple[tuple[str, ...], ...] = (("trace", "quarantine"),)
"""Keys that results do not follow from: files to write."""

TUNE_FOR = "tune_for"
"""Key that says what a sweeper reads off a finished run."""


MOST_FILES = 10_000
"""Most files of a folder that a configuration names: a slip such as `..` is told before half a disk is read."""


def identity(config: Mapping[str, Any]) -> str:
    """Identity of the run that a resolved configuration describes.

    Two runs with one identity, by one version of the package, write the same tables: it covers every key that results
    follow from, and the bytes of the files that the configuration names. It is the same on every machine and in every
    folder, and does not depend on the order of keys.

    Returns
    -------
    str
        SHA-256, in hexadecimal.

    Raises
    ------
    InputError
        If a file that it names cannot be read.
    """
    hashed = json.loads(json.dumps(config, default=str))
    hashed.pop(TUNE_FOR, None)
    for key in OUTPUTS:
        _replace(hashed, key, None)
    for key in INPUTS:
        value = _find(hashed, key)
        try:
            if isinstance(value, str) and Path(value).exists():
                _replace(hashed, key, {"content": content_hash(Path(value))})
        except OSError as error:
            raise InputError(f"cannot read: {reason(error)}", file=f"{value:.200}") from error
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def content_hash(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names, in hexadecimal."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(islice((file for file in path.rglob("*") if file.is_file()), MOST_FILES + 1))
    if len(files) > MOST_FILES:
        raise InputError(f"expected a folder of at most {MOST_FILES} files to read, found more", file=path)
    lines = "\n".join(f"{file.relative_to(path).as_posix()} {content_hash(file)}" for file in files)
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def _find(config: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _replace(config: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    holder = _find(config, key[:-1])
    if isinstance(holder, dict) and key[-1] in holder:
        holder[key[-1]] = value
