"""Power of one GPU: alone, shared and capped. All watts, all pure functions.

The forms and their parameters come from fits to public sweeps of batch size and power limit (Zeus, ML.ENERGY); the
profile's README says which numbers are measured and which are assumed.
"""

from __future__ import annotations

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray


def dynamic_watts(full_load_w: FloatArray, load: FloatArray, alpha: float) -> FloatArray:
    """Watts above idle-with-context of jobs alone at `load` in (0, 1] of their full speed: ``dyn * load^alpha``."""
    return full_load_w * load**alpha


def shared_watts(dynamic_w: FloatArray, norms: FloatArray, idle_context_w: float, tdp_w: float, beta: float) -> float:
    """Watts of a GPU that runs these jobs together, without a power cap.

    Speeds of different workloads are put on one scale by their dynamic watts: with ``h`` the largest of `dynamic_w`,
    ``f = sum(norm * dynamic_w / h)`` and ``P = min(tdp, idle_context + h * f^beta)``. One job alone draws
    ``idle_context + dynamic_w``; no job draws `idle_context_w`.

    Parameters
    ----------
    dynamic_w
        Each job's watts above idle when alone.
    norms
        Each job's normalised throughput in this combination.
    idle_context_w, tdp_w
        Watts with a process that runs no kernel, and the card's limit.
    beta
        Dimensionless; 0 means that a second job adds nothing, 1 that dynamic watts add up.
    """
    heaviest = float(dynamic_w.max(initial=0.0))
    if heaviest == 0.0:
        return idle_context_w
    total_speed = float(norms @ dynamic_w) / heaviest
    return min(tdp_w, idle_context_w + heaviest * float(total_speed**beta))


def cap_speed(power_w: float, cap_w: float, idle_context_w: float, gamma: float) -> float:
    """Speed under a power cap over speed without, ``((cap - idle) / (P0 - idle))^gamma`` where the cap binds.

    Raises
    ------
    InputError
        If the cap is not above the idle power, where the card would make no progress.
    """
    if power_w <= cap_w:
        return 1.0
    if cap_w <= idle_context_w:
        raise InputError(f"a power cap must exceed the idle power of {idle_context_w:g} W, found {cap_w:g} W")
    return float(((cap_w - idle_context_w) / (power_w - idle_context_w)) ** gamma)
