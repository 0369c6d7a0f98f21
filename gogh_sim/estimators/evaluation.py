"""How far estimates are from the truth on workloads of families that no network was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gogh_sim.estimators import p1
from gogh_sim.estimators.catalogue import Catalogue, situations_of
from gogh_sim.estimators.coordinates import norm_of
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.history import History
from gogh_sim.estimators.learning import LearningSettings, Refining
from gogh_sim.estimators.p2_training import truth_of
from gogh_sim.estimators.posterior import Measured
from gogh_sim.types import REFERENCE_GPU, BoolArray, FloatArray, IntArray

PARTNERS_TRIED = 6
"""Partners, evenly spread over the known workloads, beside which a new workload is first observed."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Errors of one method on the held-out families.

    `norm_mae` is the mean absolute error of normalised throughputs, `speed_mape` the mean relative error of speeds
    alone, away from the reference type. nan where there was nothing to judge.
    """

    method: str
    norm_mae: float
    speed_mape: float
    situations: int


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """Errors on held-out families, and which these were."""

    held_out: tuple[str, ...]
    rows: tuple[ErrorRow, ...]

    def __getitem__(self, method: str) -> ErrorRow:
        found = {row.method: row for row in self.rows}
        return found[method]

    def __str__(self) -> str:
        head = f"{'method':<38}{'norm MAE':>10}{'speed MAPE':>12}{'situations':>12}"
        body = [f"{r.method:<38}{r.norm_mae:>10.4f}{r.speed_mape:>12.2%}{r.situations:>12d}" for r in self.rows]
        return "\n".join([f"held-out families: {', '.join(self.held_out) or 'none'}", head, *body])


COPY, FIRST = "nearest-neighbour copy", "P1"
FIRST_UNTRIED, COPY_UNTRIED, REFINED_UNTRIED = "P1, untried", "nearest-neighbour copy, untried", "P2, untried"


def error_table(
    estimator: Estimator, full: History, held_out: tuple[str, ...], learning: LearningSettings | None = None
) -> ErrorTable:
    """Error table on the held-out families of the full history.

    The first rows judge P1 and the nearest-neighbour copy on every situation of a held-out workload. The rows "untried"
    judge what is believed of a held-out workload after a single stretch of measurement, alone or beside one known
    partner whose rate is measured, too: on other GPU types, alone and with other known partners than in that stretch.
    """
    new = np.flatnonzero([w.family in held_out for w in full.workloads])
    if not len(new):
        return ErrorTable(held_out, ())
    truth = truth_of(full)
    truth[[i for i, t in enumerate(full.gpu_types) if t.name == REFERENCE_GPU], :, len(full.workloads)] = np.nan
    first = estimator.estimate(full.workloads, full.gpu_types)
    copied = p1.copied_table(estimator.record, full.workloads, full.gpu_types)
    every = np.unique(np.vstack([situations_of(int(w), len(full.gpu_types), len(full.workloads)) for w in new]), axis=0)
    rows = [_judge(COPY, [(copied, every)], truth), _judge(FIRST, [(first.estimate, every)], truth)]
    refined = list(_after_one(estimator, full, first, learning or LearningSettings()))
    rows += [
        _judge(COPY_UNTRIED, [(copied, at) for _, at in refined], truth),
        _judge(FIRST_UNTRIED, [(first.estimate, at) for _, at in refined], truth),
        _judge(REFINED_UNTRIED, refined, truth),
    ]
    return ErrorTable(held_out, tuple(rows))


def _after_one(
    estimator: Estimator, full: History, first: Catalogue, learning: LearningSettings
) -> Iterator[tuple[FloatArray, IntArray]]:
    """For each first stretch of each new workload: the refined estimates, and the untried situations."""
    truth, alone = truth_of(full), len(full.workloads)
    known = np.append(estimator.record.known(full.workloads) >= 0, True)
    partners = np.flatnonzero(known[:alone])[:: max(int(known.sum()) // PARTNERS_TRIED, 1)]
    for w in np.flatnonzero(~known):
        every = situations_of(int(w), len(full.gpu_types), alone)
        other = np.where(every[:, 1] == w, every[:, 2], every[:, 1])
        for t in range(len(full.gpu_types)):
            for partner in (*partners, alone):
                if not np.isfinite(truth[t, w, partner]):
                    continue
                catalogue = first.copy()
                refining = Refining.of(estimator, full.workloads, full.gpu_types, catalogue=catalogue)
                for k, measured in enumerate(_stretch(truth, t, int(w), int(partner))):
                    refining.observe(measured, f"{k}", learning.job_sigma**2, learning.noise_sigma**2)
                yield catalogue.estimate, every[(every[:, 0] != t) & (other != partner) & known[other]]


def _stretch(truth: FloatArray, gpu_type: int, workload: int, partner: int) -> Iterator[Measured]:
    """Measurements, without noise, of a workload and of its partner, if any."""
    alone = truth.shape[2] - 1
    if partner == alone:
        nobody = np.zeros(0, dtype=np.int64)
        yield Measured(gpu_type, workload, nobody, np.zeros(0), float(truth[gpu_type, workload, alone]))
        return
    for a, b in ((workload, partner), (partner, workload)):
        rate = truth[gpu_type, a, alone] + np.log(norm_of(truth[gpu_type, a, b]))
        yield Measured(gpu_type, a, np.array([b]), np.ones(1), float(rate))


def _judge(method: str, found: list[tuple[FloatArray, IntArray]], truth: FloatArray) -> ErrorRow:
    """Errors of tables of estimates, each at its own (Q, 3) situations, as far as the truth is known there."""
    if not found:
        return ErrorRow(method, float("nan"), float("nan"), 0)
    believed = np.concatenate([table[tuple(at.T)] for table, at in found])
    real = np.concatenate([truth[tuple(at.T)] for _, at in found])
    alone = np.concatenate([at[:, 2] == truth.shape[2] - 1 for _, at in found])
    judged = np.isfinite(real)
    single: BoolArray = judged & alone
    pair: BoolArray = judged & ~alone
    return ErrorRow(
        method,
        norm_mae=_mean(np.abs(norm_of(believed[pair]) - norm_of(real[pair]))),
        speed_mape=_mean(np.abs(np.expm1(believed[single] - real[single]))),
        situations=int(judged.sum()),
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
