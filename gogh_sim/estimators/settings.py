"""What can be chosen about training."""

from __future__ import annotations

from dataclasses import dataclass

from gogh_sim.errors import InputError
from gogh_sim.estimators.networks import ARCHITECTURES


@dataclass(frozen=True)
class TrainingSettings:
    """Choices of a training run.

    Attributes
    ----------
    p1_architecture, p2_architecture
        Names in `networks.ARCHITECTURES`.
    parameters
        About how many parameters each network has, whatever its architecture.
    members
        Networks per ensemble.
    folds
        Groups of families for cross-fitting: P2 is trained on errors that P1 makes on families it has not seen.
    p1_steps, p2_steps, batch_size, episodes
        Length of training; rows per step of P1; episodes (one new workload, several observations) per step of P2.
    learning_rate, weight_decay
        Of AdamW; the rate falls to zero as a half cosine.
    jitter
        Standard deviation of noise on the features in training, which are scaled to spread 1.
    job_sigma
        Spread, in logs, of measured rates among jobs of one workload that P2 has to see through: the hidden factor of
        a job and the noise of a measurement together.
    held_out
        Families that take no part in training and serve for the error table.
    """

    p1_architecture: str = "feed_forward"
    p2_architecture: str = "feed_forward"
    parameters: int = 8_000
    members: int = 3
    folds: int = 5
    p1_steps: int = 250
    p2_steps: int = 200
    batch_size: int = 512
    episodes: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 1.0
    jitter: float = 0.2
    job_sigma: float = 0.05
    held_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.p1_architecture, self.p2_architecture):
            if name not in ARCHITECTURES:
                raise InputError(f"unknown architecture {name!r}, expected one of {sorted(ARCHITECTURES)}")
        for field in ("parameters", "members", "p1_steps", "p2_steps", "batch_size", "episodes", "learning_rate"):
            if not getattr(self, field) > 0:
                raise InputError(f"training.{field} must be positive, found {getattr(self, field)}")
        for field in ("weight_decay", "jitter", "job_sigma"):
            if not getattr(self, field) >= 0:
                raise InputError(f"training.{field} must not be negative, found {getattr(self, field)}")
        if self.folds < 2:
            raise InputError(f"training.folds must be at least 2, found {self.folds}")
