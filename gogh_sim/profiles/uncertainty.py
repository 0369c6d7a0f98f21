"""Interference as it may be where nobody measured it: slowdowns moved within the spread that each type declares.

A type's spread is the standard deviation of ``log(s * i)`` of one job between GPU types where the same jobs were
measured on several. Half of each variance is laid on s and half on i, so a slowdown ``s_a * i_b`` has the whole.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gogh_sim.profiles.profile import Profile, Source


def perturbed(profile: Profile, shift: float, scatter: float, rng: np.random.Generator) -> Profile:
    """`profile` with s and i moved wherever they were not fitted to pairs of that workload on that type.

    Parameters
    ----------
    shift
        Spreads by which the logarithm of every such slowdown moves; the same for all workloads of a type.
    scatter
        Standard deviation, in spreads, of what each workload's s and i move by themselves.
    rng
        Draws ``2 * W * T`` numbers whatever the arguments, so that sweeps over them share their draws.

    Notes
    -----
    A measured pair wins over the law, so it does not move.
    """
    draws = scatter * rng.standard_normal((2, *profile.sensitivity.shape)) / np.sqrt(2.0)
    unknown = profile.shared_tag != Source.FITTED.value
    moved = np.exp(profile.interference_spread * (shift / 2.0 + draws) * unknown)
    return replace(profile, sensitivity=profile.sensitivity * moved[0], intensity=profile.intensity * moved[1])
