"""The file of a new GPU type: datasheet numbers, idle and host power, and measured points, as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeGuard

import yaml

from gogh_sim.errors import InputError
from gogh_sim.limits import check_size

_TEXT = ("gpu_type", "variant", "workload")
_LARGEST_BYTES = 1 << 20
_LARGEST_NUMBER = 1e12


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """Iterations per second of one workload alone on the new type, and watts of the GPU meanwhile where known."""

    workload: str
    rate_per_s: float
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class GpuSpec:
    """What a file states of a new type; see the columns of ``gpu_types.csv`` for meaning and units.

    `alpha`, `gamma` and `beta` are those of the nearest shipped type where the file leaves them out.
    """

    gpu_type: str
    variant: str
    memory_gib: float
    tdp_w: float
    idle_bare_w: float
    idle_context_w: float
    fp32_tflops: float
    fp16_tflops: float
    bandwidth_gbps: float
    host_base_w: float
    host_slope: float
    host_off_w: float = 10.0
    alpha: float | None = None
    gamma: float | None = None
    beta: float | None = None
    measured: tuple[MeasuredPoint, ...] = ()


def read_gpu_spec(path: Path) -> GpuSpec:
    """A `GpuSpec` from a YAML file whose keys are its fields.

    Raises
    ------
    InputError
        Naming the file and the key that is missing, unknown or no number.
    """
    if not path.is_file():
        raise InputError("expected a YAML file that describes a GPU type, found none", file=path)
    try:
        check_size(path, _LARGEST_BYTES)
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", file=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError("expected YAML", file=path, line=None if mark is None else mark.line + 1) from error
    except (ValueError, OverflowError, RecursionError) as error:  # not UTF-8, dates that are none, endless nesting
        raise InputError(f"expected YAML: {str(error)[:80]}", file=path) from error
    if not isinstance(content, Mapping):
        raise InputError(f"expected keys and values, found {type(content).__name__}", file=path)
    points = content.get("measured") or []
    if not isinstance(points, list) or not all(isinstance(point, Mapping) for point in points):
        raise InputError("expected a list of points", file=path, column="measured")
    measured = tuple(MeasuredPoint(**_values(MeasuredPoint, point, path)) for point in points)
    facts = {key: value for key, value in content.items() if key != "measured"}
    return GpuSpec(**_values(GpuSpec, facts, path), measured=measured)


def _values(kind: type[GpuSpec | MeasuredPoint], content: Mapping[str, object], path: Path) -> dict[str, Any]:
    """Arguments of `kind` from keys and values, numbers checked; what is left out falls to its default."""
    known = {field.name: field for field in fields(kind) if field.name != "measured"}
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise InputError(f"expected keys among {sorted(known)}, found {str(unknown)[:80]}", file=path)
    values: dict[str, Any] = {}
    for name, field in known.items():
        value = content.get(name)
        if value is None:
            if field.default is MISSING:
                raise InputError(f"expected a value of {name}", file=path, column=name)
        elif name in _TEXT and isinstance(value, str | int | float):
            values[name] = str(value)
        elif name not in _TEXT and _is_number(value):
            values[name] = float(value)
        else:
            what = "text" if name in _TEXT else "a number of at least 0"
            raise InputError(f"expected {what}, found {_shown(value)}", file=path, column=name)
    return values


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is one from 0 that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER


def _shown(value: object) -> str:
    """A value for a message; of what can hold others only its kind, as references make it grow without end."""
    return f"{value!r:.60}" if isinstance(value, str | int | float) else f"a {type(value).__name__}"
