"""Trace formats: one module each, and all of them by name."""

from gogh_sim.traces.formats.guess import guess
from gogh_sim.traces.formats.registry import FORMATS, Format, check, convert, errors, read, write

__all__ = ["FORMATS", "Format", "check", "convert", "errors", "guess", "read", "write"]
