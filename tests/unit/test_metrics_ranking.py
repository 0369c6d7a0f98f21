"""Orders of policies over settings, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from gogh_sim.metrics.ranking import CRITERIA, order_notes, orders

ENERGY, ATTAINMENT = CRITERIA


def table(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Rows of setting, policy, energy, attainment."""
    parts = [[(s, p, "node_energy_kwh", e), (s, p, "slo_attainment", a)] for s, p, e, a in rows]
    return pd.DataFrame([row for part in parts for row in part], columns=["setting", "scheduler", "measure", "mean"])


def test_least_energy_and_most_attainment_come_first() -> None:
    found = table(("x", "a", 3.0, 0.9), ("x", "b", 2.0, 0.8), ("y", "a", 9.0, 0.5), ("y", "b", 8.0, 0.4))
    assert orders(found, ENERGY) == {("b", "a"): ("x", "y")}
    assert orders(found, ATTAINMENT) == {("a", "b"): ("x", "y")}
    assert order_notes(found)[0] == "Order by energy, best first, in all 2 settings: b, a."


def test_a_change_of_order_is_told_with_its_settings() -> None:
    found = table(*[(s, p, e, 1.0) for s in "xyz" for p, e in (("a", 1.0), ("b", 3.0 if s != "y" else 0.5))])
    assert orders(found, ENERGY) == {("a", "b"): ("x", "z"), ("b", "a"): ("y",)}
    assert order_notes(found)[0] == (
        "Order by energy, best first, hangs on the setting: a, b in x and in z; b, a in y."
    )
    assert orders(found, ATTAINMENT) == {("a", "b"): ("x", "y", "z")}  # equal ones by name


@pytest.mark.parametrize(
    "rows",
    [
        [("x", "a", 1.0, 1.0), ("x", "b", 2.0, 1.0)],
        [("x", "a", 1.0, 1.0), ("y", "a", 2.0, 1.0)],
        [("x", "a", 1.0, 1.0), ("y", "b", 2.0, 1.0)],
        [("x", "a", 1.0, 1.0), ("x", "b", 1.0, float("nan")), ("y", "a", 2.0, 1.0)],
    ],
)
def test_what_cannot_be_compared_gives_no_order(rows: list[tuple[str, str, float, float]]) -> None:
    assert order_notes(table(*rows)) == []


def test_settings_are_named_by_what_tells_them_apart() -> None:
    found = table(
        *[(f"trace, shift={shift}", p, e, 1.0) for shift, b in ((0, 2.0), (1, 0.5)) for p, e in (("a", 1.0), ("b", b))]
    )
    assert order_notes(found)[0].endswith("a, b in shift=0; b, a in shift=1.")
