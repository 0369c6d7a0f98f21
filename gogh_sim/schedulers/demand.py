"""What jobs ask of the optimiser: speeds that keep their SLAs, and what it costs to leave them queued or to move them.

For a job with R reference seconds left, believed relative speeds ``v[t]`` and costs ``c[t]`` alone on type t:

required speed
    ``R / (deadline - now - restart[t])``, where a job that ran before pays a restart on every type but its present
    one; a job without a deadline requires its `floor`. Asked for is more, where any type can give it: away from the
    present type `safety` times as much, and everywhere so much that the speed, as far as it is in doubt, keeps the
    requirement with probability `confidence`: ``exp(z * sd)`` times as much, with the normal quantile z and the
    standard deviation of the log speed. On its present type too a job asks for what would make up for a restart, as
    far as it gives that to it alone: of two that come to share GPUs one restarts. A job that no type can bring home in
    time requires nothing any more.
queue cost
    ``min(c) * (1 + margin + growth * u)``: a little more than its cheapest run, so that it may wait for the GPU that
    makes it cheap, and the more the longer it waited. u is the share of the job's slack that is gone, from 0 when it
    was submitted to 1 when it must run on its fastest type without a break. A job without a deadline is given the
    slack ``patience * (its own fastest duration)``. A job that missed its deadline goes on past u = 1, up to 10.
    Where energy costs less at some hours, min(c) takes in the runs that a job could start at a later full hour and
    still end in time, with safety: it waits for one that is cheaper by more than the margin, and the less willingly
    the less slack is left. Jobs that run are not sent away for it.
    Running jobs: at least ``c[present type] * (1 + margin)``, and per GPU at least what the dearest waiting job that
    is not urgent costs, plus the move cost: nobody is sent away for nothing, or because another job is longer. Urgent
    jobs, whom one more round in the queue would make late, and services that some type can keep in their latency SLO,
    as their requests are lost while they wait: `urgency` times, per GPU, what the dearest
    other job or the job's own dearest run costs, so that they go before everyone.
move cost
    ``c`` for the seconds of a restart, plus `threshold` times the cost of staying: moves need a real gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from gogh_sim.errors import InputError
from gogh_sim.policy import ActiveJob
from gogh_sim.types import BoolArray, FloatArray, IntArray

_MOST_LATE = 10.0


@dataclass(frozen=True, slots=True)
class DemandSettings:
    """Patience and prudence.

    Attributes
    ----------
    round_s
        Seconds until a queued job surely gets its next chance.
    restart_s
        Seconds that a job loses when it is placed again.
    safety
        Speed asked for over speed required; believed speeds err by several percent, and jobs of one workload differ.
    confidence
        Probability, from 0.5 up, with which a speed in doubt has to keep what is required; 0.5 takes it at its mean.
    patience
        Slack of a job without a deadline, in multiples of its fastest duration.
    margin, growth
        How much dearer than its cheapest run the queue is at first, and by how much more once its slack is gone.
    urgency
        Weight of jobs whom waiting would make late, over everyone else.
    threshold
        Gain that a move must bring, as a share of the cost of staying.
    """

    round_s: float = 300.0
    restart_s: float = 60.0
    safety: float = 1.1
    confidence: float = 0.5
    patience: float = 1.0
    margin: float = 0.05
    growth: float = 1.0
    urgency: float = 3.0
    threshold: float = 0.15

    def __post_init__(self) -> None:
        for name in ("round_s", "patience"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, found {getattr(self, name)}")
        for name in ("restart_s", "margin", "growth", "threshold"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must not be negative, found {getattr(self, name)}")
        for name in ("safety", "urgency"):
            if not getattr(self, name) >= 1:
                raise InputError(f"{name} must be at least 1, found {getattr(self, name)}")
        if not 0.5 <= self.confidence < 1:
            raise InputError(f"confidence must be from 0.5 to under 1, found {self.confidence}")

    @property
    def quantile(self) -> float:
        """Standard deviations below the mean that keep the confidence."""
        return NormalDist().inv_cdf(self.confidence)


@dataclass(frozen=True, eq=False)
class Later:
    """What N jobs alone on T types cost if they start later: at ``starts_s[h]`` from now, `cost[h]` (N, T).

    `seconds` (N, T) is how long they then take.
    """

    starts_s: tuple[float, ...]
    seconds: FloatArray
    cost: Sequence[FloatArray]

    def cheapest(self, left_s: FloatArray, allowance_s: FloatArray, safety: float) -> FloatArray:
        """(N,) least cost of a start from which the job ends within `left_s` (N,); infinite where there is none.

        `allowance_s` (N,) is lost in the restart, and a run may take `safety` times as long as believed.
        """
        least = np.full(len(self.seconds), np.inf)
        for start_s, cost in zip(self.starts_s, self.cost, strict=True):
            in_time = start_s + allowance_s[:, np.newaxis] + safety * self.seconds <= left_s[:, np.newaxis]
            least = np.minimum(least, np.where(in_time, cost, np.inf).min(axis=1, initial=np.inf))
        return least


@dataclass(frozen=True, eq=False)
class Offer:
    """What N jobs could get alone on T types, as far as believed; `PENDING` (-1) as present type of one that waits.

    `speed` (N, T) is nan where a job cannot or must not run, `cost` (N, T) infinite there; `speed_sd` (N, T) is the
    standard deviation of the log of `speed`, None where nothing is in doubt; `later` is what later starts cost, None
    where time does not matter.
    """

    speed: FloatArray
    cost: FloatArray
    present_type: IntArray
    speed_sd: FloatArray | None = None
    later: Later | None = None

    def doubt(self, quantile: float) -> FloatArray:
        """(N, T) factor by which the believed speed must exceed one that it is to keep, `quantile` deviations off."""
        return np.ones_like(self.speed) if self.speed_sd is None else np.exp(quantile * self.speed_sd)


@dataclass(frozen=True, eq=False)
class Demand:
    """Per job: (N, T) allowed types and floors; (N,) queue cost, move cost, share of slack gone, urgency."""

    allowed: BoolArray
    floor: FloatArray
    queue_cost: FloatArray
    move_cost: FloatArray
    slack_gone: FloatArray
    urgent: BoolArray


def demand(jobs: Sequence[ActiveJob], offer: Offer, now_s: float, settings: DemandSettings) -> Demand:
    """Work out what every job asks for; formulas above."""
    facts = _Facts.of(jobs, offer)
    can_run = np.asarray(offer.speed > 0)
    restart_s = np.where(facts.ran_before, settings.restart_s, 0.0)[:, np.newaxis]
    required = facts.required(now_s, np.where(facts.present, 0.0, restart_s))
    doubt = offer.doubt(settings.quantile)
    padded = required * np.where(facts.present, doubt, np.maximum(settings.safety, doubt))
    # Who shares its GPUs may have to move for it; a job that is alone where it is may stay with less to spare.
    spare = facts.required(now_s, restart_s) * np.maximum(settings.safety, doubt)
    alone = np.maximum(padded, np.minimum(spare, np.nan_to_num(offer.speed)))
    padded = np.where(facts.present, alone, padded)
    comfortable = np.any(can_run & (padded <= offer.speed), axis=1, keepdims=True)
    keeps_sla = np.any(can_run & (required <= offer.speed), axis=1)
    asked = np.where(comfortable, padded, required)
    floor = np.where(keeps_sla[:, np.newaxis], asked, 0.0)
    after_wait = facts.required(now_s + settings.round_s, restart_s)
    can_wait = (can_run & (after_wait * np.maximum(settings.safety, doubt) <= offer.speed)).any(axis=1)
    serves = np.array([active.job.service is not None for active in jobs], dtype=np.bool_)
    urgent = keeps_sla & (serves | (facts.has_deadline & ~can_wait))
    slack_gone = facts.slack_gone(now_s, settings)
    cheapest = np.where(can_run & (floor <= offer.speed), offer.cost, np.inf).min(axis=1, initial=np.inf)
    if offer.later is not None:
        left_s = facts.due_s(settings) - now_s
        cheapest = np.minimum(cheapest, offer.later.cheapest(left_s, restart_s[:, 0], settings.safety))
    queue_cost, move_cost = _costs(facts, offer, cheapest, slack_gone, urgent, settings)
    return Demand(
        allowed=can_run & np.isfinite(floor),
        floor=np.where(np.isfinite(floor), floor, 0.0),
        queue_cost=queue_cost,
        move_cost=move_cost,
        slack_gone=slack_gone,
        urgent=urgent,
    )


@dataclass(frozen=True, eq=False)
class _Facts:
    """Columns of the jobs; `present` (N, T) marks the type that a job runs on, `best` (N,) is its top speed."""

    submit_s: FloatArray
    deadline_s: FloatArray
    least: FloatArray
    remaining_s: FloatArray
    reference_s: FloatArray
    width: FloatArray
    ran_before: BoolArray
    present: BoolArray
    best: FloatArray

    @classmethod
    def of(cls, jobs: Sequence[ActiveJob], offer: Offer) -> _Facts:
        rows = [
            (a.job.submit_s, a.job.deadline_s, a.job.floor, a.remaining_s, a.job.reference_s, a.job.num_gpus)
            for a in jobs
        ]
        submit_s, deadline_s, least, remaining_s, reference_s, width = np.array(rows, dtype=np.float64).reshape(-1, 6).T
        return cls(
            submit_s=submit_s,
            deadline_s=deadline_s,
            least=least,
            remaining_s=remaining_s,
            reference_s=reference_s,
            width=width,
            ran_before=~np.isnan([a.first_start_s for a in jobs]),
            present=offer.present_type[:, np.newaxis] == np.arange(offer.speed.shape[1]),
            best=np.nan_to_num(offer.speed, nan=0.0).max(axis=1, initial=0.0),
        )

    @property
    def has_deadline(self) -> BoolArray:
        return np.isfinite(self.deadline_s)

    def required(self, start_s: float, restart_s: FloatArray) -> FloatArray:
        """(N, T) speed that ends the job by its deadline if it goes on at `start_s`; infinite when it is too late."""
        left_s = self.deadline_s[:, np.newaxis] - start_s - restart_s
        with np.errstate(divide="ignore"):
            by_deadline = np.where(left_s > 0, self.remaining_s[:, np.newaxis] / np.maximum(left_s, 0.0), np.inf)
        return np.where(self.has_deadline[:, np.newaxis], by_deadline, self.least[:, np.newaxis])

    def due_s(self, settings: DemandSettings) -> FloatArray:
        """(N,) when it should end: its deadline, or when its patience is over."""
        with np.errstate(divide="ignore", invalid="ignore"):
            patient_s = self.submit_s + (1 + settings.patience) * (self.reference_s / self.best)
        return np.where(self.has_deadline, self.deadline_s, patient_s)

    def slack_gone(self, now_s: float, settings: DemandSettings) -> FloatArray:
        """(N,) share of the slack that is gone."""
        with np.errstate(divide="ignore", invalid="ignore"):
            fastest_s = self.reference_s / self.best
            due_s = self.due_s(settings)
            slack_s = np.maximum(due_s - self.submit_s - fastest_s, settings.round_s)
            gone = 1 - (due_s - now_s - self.remaining_s / self.best) / slack_s
        return np.clip(np.nan_to_num(gone, nan=0.0), 0.0, _MOST_LATE)


def _costs(
    facts: _Facts,
    offer: Offer,
    cheapest: FloatArray,
    slack_gone: FloatArray,
    urgent: BoolArray,
    settings: DemandSettings,
) -> tuple[FloatArray, FloatArray]:
    """(N,) queue costs and move costs, given the cheapest runs; 0 for jobs that can run nowhere."""
    queue_cost = np.where(np.isfinite(cheapest), cheapest, 0.0) * (1 + settings.margin + settings.growth * slack_gone)
    stay = np.where(facts.present & np.isfinite(offer.cost), offer.cost, 0.0).sum(axis=1)
    share = settings.restart_s * np.where(facts.present & (offer.speed > 0), offer.speed, 0.0).sum(axis=1)
    move_cost = stay * (share / np.maximum(facts.remaining_s, 1e-9) + settings.threshold)
    running = facts.present.any(axis=1)
    waiting = facts.width * (queue_cost / facts.width)[~running & ~urgent].max(initial=0.0)
    held = np.maximum.reduce([queue_cost, stay * (1 + settings.margin), waiting]) + move_cost
    queue_cost = np.where(running, held, queue_cost)
    dearest = np.where(np.isfinite(offer.cost), offer.cost, 0.0).max(axis=1, initial=0.0) + move_cost
    others = (queue_cost / facts.width)[~urgent].max(initial=0.0)
    first = settings.urgency * facts.width * np.maximum(others, (dearest / facts.width)[urgent].max(initial=0.0))
    return np.where(urgent, np.maximum(first, queue_cost), queue_cost), move_cost
