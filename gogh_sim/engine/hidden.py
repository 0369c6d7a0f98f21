"""Hidden factors of jobs: what sets the rates of two jobs of one workload apart, told to no policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogh_sim.engine.settings import EngineSettings
from gogh_sim.streams import Streams
from gogh_sim.types import Job, JobId


def hidden_factors(jobs: Sequence[Job], settings: EngineSettings, streams: Streams) -> dict[JobId, float]:
    """Seeded hidden rate factor of each job, log-normal with median 1; the same for every policy under one seed."""
    draws = streams.generator("hidden_factors").standard_normal(len(jobs))
    job_ids = sorted(job.job_id for job in jobs)
    return dict(zip(job_ids, np.exp(settings.hidden_sigma * draws).tolist(), strict=True))
