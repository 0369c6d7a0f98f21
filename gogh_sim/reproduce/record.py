"""One line of a reproduction: what was expected, within what, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a number came out as expected; informative numbers are not judged."""

    PASS = "pass"
    FAIL = "fail"
    INFORMATIVE = "informative"


class Relation(StrEnum):
    """What was expected of a number: a value, or only to lie on one side of a bound."""

    WITHIN = "within"
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Record:
    """A number found beside the number expected.

    Attributes
    ----------
    name, item
        The experiment, and what of it.
    expected, tolerance, found
        In the unit that the item names; the tolerance is absolute. With a bound, `expected` is the bound.
    ci_low, ci_high
        95 % interval of what was found, the value itself where nothing is random.
    source
        Where the expected number, or the claim behind a bound, comes from.
    relation
        How `found` is meant to lie to `expected`.
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
    relation: Relation = Relation.WITHIN

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
    def at_least(
        cls,
        name: str,
        item: str,
        *,
        bound: float,
        found: float,
        source: str,
        interval: tuple[float, float] | None = None,
    ) -> Record:
        """Record of a direction: passes if the whole interval, not only its mean, lies at or above the bound."""
        low, high = interval or (found, found)
        verdict = Verdict.PASS if low >= bound else Verdict.FAIL
        return cls(name, item, bound, 0.0, found, low, high, verdict, source, Relation.AT_LEAST)

    @classmethod
    def at_most(
        cls,
        name: str,
        item: str,
        *,
        bound: float,
        found: float,
        source: str,
        interval: tuple[float, float] | None = None,
    ) -> Record:
        """Record of a direction: passes if the whole interval, not only its mean, lies at or below the bound."""
        low, high = interval or (found, found)
        verdict = Verdict.PASS if high <= bound else Verdict.FAIL
        return cls(name, item, bound, 0.0, found, low, high, verdict, source, Relation.AT_MOST)

    @classmethod
    def told(
        cls,
        name: str,
        item: str,
        *,
        expected: float,
        found: float,
        source: str,
        interval: tuple[float, float] | None = None,
    ) -> Record:
        """Record that is reported and not judged; `expected` may be nan where there is nothing to compare with."""
        low, high = interval or (found, found)
        return cls(name, item, expected, float("inf"), found, low, high, Verdict.INFORMATIVE, source)
