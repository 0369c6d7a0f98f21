"""Request rates of inference services: recorded in public traces, in a user's own file, or drawn."""

from gogh_sim.traces.requests.patterns import PATTERNS, draw
from gogh_sim.traces.requests.rates import RequestTrace, Unit, statistics
from gogh_sim.traces.requests.registry import REQUEST_FORMATS, RequestFormat, check, guess, read

__all__ = [
    "PATTERNS",
    "REQUEST_FORMATS",
    "RequestFormat",
    "RequestTrace",
    "Unit",
    "check",
    "draw",
    "guess",
    "read",
    "statistics",
]
