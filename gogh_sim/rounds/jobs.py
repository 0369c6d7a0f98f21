"""Jobs of the round mechanism: counted in steps, fast by what a table of throughputs says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gogh_sim.errors import InputError
from gogh_sim.types import FloatArray


@dataclass(frozen=True, slots=True)
class RoundJob:
    """A job of `steps` steps on `num_gpus` GPUs of one type; `number` orders jobs, `weight` is its priority."""

    number: int
    job_type: str
    steps: int
    num_gpus: int
    submit_s: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.num_gpus < 1 or self.submit_s < 0 or not self.weight > 0:
            raise InputError(f"job {self.number}: steps, num_gpus and weight must be positive, submit_s not negative")


class Rates(Protocol):
    """Steps per second by job type, gang size and GPU type."""

    def solo(self, job_type: str, num_gpus: int) -> FloatArray:
        """(K,) steps per second of the gang alone on each type; 0 where it cannot run."""
        ...

    def pair(self, first: str, second: str, num_gpus: int) -> FloatArray:
        """(2, K) steps per second of two equally wide gangs sharing their GPUs; 0 where they cannot."""
        ...
