"""The order that a measure puts policies in, and whether it is the same in every setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Criterion:
    """A measure to rank by, what a reader calls it, and whether less is better."""

    measure: str
    label: str
    less_is_better: bool


CRITERIA = (Criterion("node_energy_kwh", "energy", True), Criterion("slo_attainment", "SLO attainment", False))


def orders(table: pd.DataFrame, criterion: Criterion) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Settings in which each order of policies was found, the order of most settings first.

    Parameters
    ----------
    table
        As `metrics.comparison.compare` gives it. Policies are ranked by their means, equal ones by name. Settings that
        lack a policy which others have, or a policy's measure, are left out.

    Returns
    -------
    Mapping
        Policies, best first, to names of settings; empty where fewer than two settings or policies can be compared.
    """
    means = table[table["measure"] == criterion.measure].pivot_table(
        index="setting", columns="scheduler", values="mean", sort=False
    )
    means = means.dropna()
    if means.shape[0] < 2 or means.shape[1] < 2:
        return {}
    found: dict[tuple[str, ...], list[str]] = {}
    for setting, row in means.iterrows():
        ranked = row.sort_index().sort_values(ascending=criterion.less_is_better, kind="stable")
        order = tuple(str(name) for name in ranked.index)
        found.setdefault(order, []).append(str(setting))
    most_first = sorted(found.items(), key=lambda item: -len(item[1]))
    return {order: tuple(settings) for order, settings in most_first}


def order_notes(table: pd.DataFrame) -> list[str]:
    """A sentence per criterion: the order that all settings agree on, or every order with the settings that show it."""
    notes = []
    for criterion in CRITERIA:
        found = orders(table, criterion)
        if len(found) == 1:
            ((order, settings),) = found.items()
            notes.append(f"Order by {criterion.label}, best first, in all {len(settings)} settings: {_line(order)}.")
        elif found:
            names = told_apart([setting for settings in found.values() for setting in settings])
            each = "; ".join(
                f"{_line(order)} in {' and in '.join(names[s] for s in settings)}" for order, settings in found.items()
            )
            notes.append(f"Order by {criterion.label}, best first, hangs on the setting: {each}.")
    return notes


def told_apart(settings: Sequence[str]) -> dict[str, str]:
    """Settings by what they do not all have in common; a lone setting by its whole name."""
    parts = {setting: setting.split(", ") for setting in settings}
    common = set.intersection(*(set(own) for own in parts.values()))
    return {setting: ", ".join(p for p in own if p not in common) or setting for setting, own in parts.items()}


def _line(order: tuple[str, ...]) -> str:
    return ", ".join(order)
