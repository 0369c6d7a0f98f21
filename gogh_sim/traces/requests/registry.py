"""Formats of request traces by name, and what can be done with every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gogh_sim.errors import InputError
from gogh_sim.traces.faults import Fault, Ledger, Report, stop_at_error
from gogh_sim.traces.files import open_text
from gogh_sim.traces.requests import azure_llm, dlrm, genai, plain
from gogh_sim.traces.requests.rates import RequestTrace

DEFAULT_STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """A file format of request rates: what it is, its columns and its reader."""

    about: str
    columns: tuple[str, ...]
    read: Callable[[Ledger, float], RequestTrace]


REQUEST_FORMATS: Mapping[str, RequestFormat] = MappingProxyType(
    {
        "azure_llm": RequestFormat("Azure LLM inference: a row a request, CSV", azure_llm.COLUMNS, azure_llm.read),
        "dlrm": RequestFormat("Alibaba DLRM v2025: a row an instance, CSV", dlrm.COLUMNS, dlrm.read),
        "genai_lora": RequestFormat("Alibaba GenAI v2026: a row a request, CSV", genai.LORA_COLUMNS, genai.read_lora),
        "genai_qps": RequestFormat("Alibaba GenAI v2026: rates, CSV", genai.QPS_COLUMNS, genai.read_qps),
        "requests": RequestFormat("your own data: service, time_s, requests_per_s, CSV", plain.COLUMNS, plain.read),
    }
)


def read(format: str, path: Path | str, step_s: float = DEFAULT_STEP_S, report: Report = stop_at_error) -> RequestTrace:
    """Read a request trace, its rates as means over steps.

    Parameters
    ----------
    format
        A name in `REQUEST_FORMATS`.
    path
        The file; gzip is unpacked.
    step_s
        Length of a step in seconds.
    report
        What faults are told to; by default the first error stops.

    Raises
    ------
    InputError
        If the format is unknown or the file unusable, naming file, line and column; no other error.
    """
    if format not in REQUEST_FORMATS:
        raise InputError(f"unknown format of requests {format!r}; there are {', '.join(sorted(REQUEST_FORMATS))}")
    return REQUEST_FORMATS[format].read(Ledger(Path(path), report), step_s)


def check(format: str, path: Path | str) -> list[Fault]:
    """Every fault and warning of a request trace, in order of reading."""
    faults: list[Fault] = []
    try:
        read(format, path, report=faults.append)
    except InputError as error:
        faults.append(Fault(str(error.file or path), error.line, error.column, 1, error.message))
    return faults


def guess(path: Path | str) -> str | None:
    """Name of the format of requests that the file's header is of; None if of none."""
    path = Path(path)
    if not path.is_file():
        return None
    try:
        with open_text(path) as stream:
            names = {name.strip() for name in stream.readline().split(",")}
    except (InputError, UnicodeDecodeError):
        return None
    return next((name for name, form in REQUEST_FORMATS.items() if names >= set(form.columns)), None)
