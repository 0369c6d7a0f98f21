"""Jobs like those of Microsoft's ITP clusters of 2021: many gangs of 8 and more, bursts, long runs.

Tables come from ``statistics/itp.json``; `bursts` tells how submissions are drawn, a queue being one of the clusters.
Durations are drawn by class of gang size. The trace tells no endings: all jobs pass.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gogh_sim.traces import bursts, tables
from gogh_sim.traces.quantiles import QuantileTable
from gogh_sim.traces.schema import jobs_frame
from gogh_sim.traces.sizes import CLASS_NAMES, size_class

ORIGIN = "2021-03-08"
"""The first Monday of the published trace, at which second 0 lies."""

PERSISTENCE = 0.6
"""AR(1) coefficient of burst sizes and gaps. Drawn with it, hours have (means of eight seeds) a Fano factor of 57 and a
lag-1 correlation of 0.28; the trace has 56 and 0.46. With 0.7 they are 66 and 0.33."""


def generate(
    jobs: int, rng: np.random.Generator, *, shortest_s: float = 1.0, longest_s: float = math.inf
) -> pd.DataFrame:
    """Draw `jobs` jobs in the schema; durations are conditional on lying between `shortest_s` and `longest_s`."""
    table = tables.load("itp")
    submitted = bursts.submissions(table, jobs, PERSISTENCE, rng)
    uniform = bursts.repeating_uniforms(submitted, bursts.repeat_shares(table, "size_repeats"), rng)
    num_gpus = bursts.gang_sizes(table, submitted.queue, uniform, np.ones(len(CLASS_NAMES)))
    uniform = bursts.repeating_uniforms(submitted, bursts.repeat_shares(table, "duration_repeats"), rng)
    classes = size_class(num_gpus)
    duration = np.empty(jobs)
    for i, name in enumerate(CLASS_NAMES):
        rows = classes == i
        distribution = QuantileTable(np.array(table["duration_quantiles"][name]))
        duration[rows] = distribution.draw(uniform[rows], shortest_s, longest_s)
    width = len(str(jobs))
    return jobs_frame(
        job_id=[f"itp-{i:0{width}d}" for i in range(1, jobs + 1)],
        submit_s=submitted.submit_s,
        duration_s=np.maximum(np.round(duration), 1.0),
        num_gpus=num_gpus,
        queue=np.array(list(table["queues"]))[submitted.queue],
    )
