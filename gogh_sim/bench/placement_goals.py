"""What the placement loop is to keep, and what of it a record misses."""

from __future__ import annotations

_MOST_GAP = 0.005
_MOST_PULP_SHARE = 0.4
_MOST_MIB = 1024.0


def verdict(*, total_s: float, gap: float | None, pulp_share: float, peak_mib: float, goal_s: float | None) -> str:
    """ "met", or what is missed with the value found and the one asked for; "no goal" where the time has none."""
    if goal_s is None:
        return "no goal"
    checks = [
        ("total_s", total_s, goal_s),
        ("gap", float("inf") if gap is None else gap, _MOST_GAP + 1e-7),
        ("pulp_share", pulp_share, _MOST_PULP_SHARE),
        ("peak_mib", peak_mib, _MOST_MIB),
    ]
    missed = [f"{name} {found:.3g} over {most:.3g}" for name, found, most in checks if not found <= most]
    return "missed: " + ", ".join(missed) if missed else f"met: {total_s:.3g} of {goal_s:.3g} s"
