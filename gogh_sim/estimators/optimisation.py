"""Losses and the descent that P1 and P2 share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from gogh_sim.estimators.coordinates import MIN_NORM, PRESSURE_FLOOR
from gogh_sim.estimators.networks import Blocks


def norms(log_pressure: Tensor) -> Tensor:
    """Normalised throughputs of log pressures; `coordinates.norm_of` for tensors."""
    pressure = (torch.exp(log_pressure.clamp(max=10.0)) - PRESSURE_FLOOR).clamp(0.0, 1.0 / MIN_NORM - 1.0)
    return 1.0 / (1.0 + pressure)


def speed_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean robust error of log relative speeds."""
    return smooth_l1_loss(found, truth, beta=0.05)


def pressure_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean robust error of normalised throughputs, plus a little of log pressures where norms saturate."""
    return smooth_l1_loss(norms(found), norms(truth), beta=0.02) + 0.05 * smooth_l1_loss(found, truth, beta=0.5)


def descend(
    parameters: Iterable[Tensor], loss: Callable[[], Tensor], steps: int, learning_rate: float, weight_decay: float
) -> None:
    """Minimise `loss`, drawn anew at every step, with AdamW and a rate that falls to zero as a half cosine."""
    trained = list(parameters)
    optimiser = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()


def jittered(blocks: Blocks, sigma: float, rng: np.random.Generator) -> Blocks:
    """Blocks with normal noise, so that no single workload is learned by heart."""
    return tuple(b + sigma * torch.from_numpy(rng.standard_normal(tuple(b.shape), dtype=np.float32)) for b in blocks)
