"""One seed, many named random streams: adding a stream never changes another."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Streams:
    """Named, independent random generators derived from one seed.

    Policies compared under one seed see the same draws wherever the stream's name says something about the world
    (arrivals, hidden factors) and not about the policy.
    """

    seed: int

    def generator(self, name: str) -> np.random.Generator:
        """Fresh generator of the stream `name`; the same name gives the same draws again."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(name.encode()),)))
