"""One line of a reproduction: what was expected, within what, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a number came out as expected; informative numbers are not judged."""

    PASS = "pass"
    FAIL = "fail"
    INFORMATIVE = "informative"


@dataclass(frozen=True, slots=True)
class Record:
    """A number found beside the number expected.

    Attributes
    ----------
    name, item
        The experiment, and what of it.
    expected, tolerance, found
        In the unit that the item names; the tolerance is absolute.
    ci_low, ci_high
        95 % interval of what was found, the value itself where nothing is random.
    source
        Where the expected number comes from.
    """

    name: str
    item: str
    expected: float
    tolerance: float
    found: float
    ci_low: float
    ci_high: float
    verdict: Verdict
    source: str

    @classmethod
    def judged(
        cls,
        name: str,
        item: str,
        *,
        expected: float,
        tolerance: float,
        found: float,
        source: str,
        interval: tuple[float, float] | None = None,
    ) -> Record:
        """Record that passes if what was found lies within the tolerance."""
        low, high = interval or (found, found)
        # A number that is not one is within no tolerance.
        verdict = Verdict.PASS if abs(found - expected) <= tolerance else Verdict.FAIL
        return cls(name, item, expected, tolerance, found, low, high, verdict, source)

    @classmethod
    def told(cls, name: str, item: str, *, expected: float, found: float, source: str) -> Record:
        """Record that is reported and not judged."""
        return cls(name, item, expected, float("inf"), found, found, found, Verdict.INFORMATIVE, source)
