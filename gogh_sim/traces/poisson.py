"""Jobs without memory: exponential gaps and run times, as queueing theory has them; every number is assumed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gogh_sim.traces.schema import jobs_frame

MEAN_GAP_S = 60.0
"""Mean of the gaps between submissions; a load, where one is given, scales it."""

MEAN_DURATION_S = 1800.0
"""Mean run time, before it is confined to a shortest and a longest."""

SIZES = (1, 2, 4, 8)
SIZE_SHARES = (0.7, 0.15, 0.1, 0.05)
"""GPUs of a job and how often; sizes, gaps and run times do not depend on each other."""


def generate(
    jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> pd.DataFrame:
    """Draw `jobs` jobs in the schema; run times are conditional on lying between `shortest_s` and `longest_s`."""
    gaps = rng.exponential(MEAN_GAP_S, jobs)
    none_longer, none_shorter = (math.exp(-bound / MEAN_DURATION_S) for bound in (longest_s, shortest_s))
    survival = none_longer + (none_shorter - none_longer) * (1 - rng.random(jobs))
    width = len(str(jobs))
    return jobs_frame(
        job_id=[f"poisson-{i:0{width}d}" for i in range(1, jobs + 1)],
        submit_s=np.cumsum(gaps),
        duration_s=np.clip(-MEAN_DURATION_S * np.log(survival), shortest_s, longest_s),
        num_gpus=rng.choice(SIZES, jobs, p=SIZE_SHARES),
    )
