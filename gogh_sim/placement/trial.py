"""What a column costs if one may think again after a round: trying it, learning how fast it is, and choosing anew.

A column's plain cost takes beliefs at their mean and lets jobs run there to the end. But a placement can be changed
after a round, and by then rates have been measured. With the belief that log speeds are jointly normal, one measured
rate on type x moves the log speed on type t by ``s_xt Z``, Z standard normal (Frazier, Powell and Dayanik, "The
knowledge-gradient policy for correlated normal beliefs", INFORMS Journal on Computing 21(4), 2009):

    s_xt = cov_xt / sqrt(cov_xx + noise)

and the cost left to be paid on t, which goes with one over speed, by the factor ``exp(-s_xt Z - s_xt^2 / 2)``, whose
mean is 1: what one expects to pay does not change by looking. So with c_t the cost of running on t from now to the
end, D the length of a round, and r_x the share of the work that is left after a round on x,

alone
    the plan to run a round on x and then where it is cheapest costs ``c_x (1 - r_x) + E min_t (c_t r_x exp(-s_xt Z -
    s_xt^2 / 2) + m_xt)``, with m_xt the cost of changing over: 0 where t is x, else a restart on t and the gain that
    the optimiser asks of moves, `threshold` times ``c_x r_x``.
shared
    Measured is how much the members slow each other. The plan costs ``W D + E min (c' exp(s Z - s^2 / 2), K)``, with
    W D the round's cost, ``c' = c - W D``, s the deviation of its log by what a round reveals, and K the cost of
    parting: each member's cheapest run alone of what it then has left, one restart, and `threshold` times the lesser.

The gain V of a trial is by how much the expectation lies below the same least cost without looking, at Z = s = 0. Its
risk is what the plan costs without looking, P, beyond the cheapest run alone of all members, ``min_t c_t``. Where the
gain exceeds the risk, the column counts ``P - V`` in place of its plain cost, though P no less than the cheapest plain
cost, so that nothing but looking makes it cheaper. Elsewhere it counts its plain cost.

Services are never tried, as their cost does not hang on their speed, nor are jobs whom a lost round would make late
(`Trial.may`). Floors hold for trials as for any column, by the beliefs at their mean.

Left out: that others learn from a trial, that two trials of one workload teach little more than one, and that the
better type may be taken by the time that it is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from gogh_sim.placement.problem import Problem, Trial
from gogh_sim.placement.running import Running
from gogh_sim.types import FloatArray

_NODES = np.linspace(-6.0, 6.0, 64)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()
"""Trapezoids for means over Z; the least of several costs has kinks, which cost quadrature by polynomials its edge."""
_GAIN = 1e-9
"""Least relative gain of a trial, so that rounding makes none."""


def with_trials(problem: Problem, trial: Trial, alone: FloatArray, pair: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(G, T) and (T, G, G) costs of columns where trials count; from their plain costs, which they never exceed."""
    runs = _Runs.of(problem, trial, alone)
    may = trial.may & ~problem.groups.timed
    best = alone.min(axis=1, initial=np.inf)
    plan, gain = _alone(problem, trial, alone, runs)
    found = np.where(may[:, np.newaxis], _tried(alone, plan, gain, best[:, np.newaxis]), alone)
    return found, _pairs(problem, trial, pair, best, runs)


def _tried(cost: FloatArray, plan: FloatArray, gain: FloatArray, best: FloatArray) -> FloatArray:
    """Costs of columns by those of a plan without looking, and what looking gains, against the `best` run alone."""
    base = np.maximum(plan, np.minimum(cost, best))
    with np.errstate(invalid="ignore"):
        pays = (gain > _GAIN * base) & (base - gain < best)
        return np.where(pays & np.isfinite(cost), base - gain, cost)


@dataclass(frozen=True, eq=False)
class _Runs:
    """Running alone: (G, T) costs to completion without moves, costs per second, and speeds.

    Infinite or 0 where it is not allowed. `price` is what a joule costs now.
    """

    cost: FloatArray
    rate: FloatArray
    speed: FloatArray
    price: float

    @classmethod
    def of(cls, problem: Problem, trial: Trial, alone: FloatArray) -> _Runs:
        everyone = np.arange(len(problem.groups))
        running = [Running(problem, t) for t in range(len(problem.supply))]
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.stack([run.to_completion([everyone]) for run in running], axis=1)
        price = float(problem.tariff.between(0.0, np.asarray(trial.round_s))) / trial.round_s
        rate = price * np.stack([run.node_w([everyone]) for run in running], axis=1)
        allowed = np.isfinite(alone) & np.isfinite(cost)
        speed = np.where(allowed, problem.knowledge.speed, 0.0)
        return cls(np.where(allowed, cost, np.inf), np.where(allowed, rate, 0.0), speed, price)


def _alone(problem: Problem, trial: Trial, alone: FloatArray, runs: _Runs) -> tuple[FloatArray, FloatArray]:
    """(G, T) cost of a round there and the best that follows without looking, and what looking gains."""
    remaining_s = problem.groups.remaining_s[:, np.newaxis]
    left = np.clip(1 - runs.speed * trial.round_s / np.maximum(remaining_s, 1e-9), 0.0, 1.0)
    staying = runs.cost * left
    # Rows: the type tried; columns: the type that follows.
    with np.errstate(invalid="ignore"):
        later = left[:, :, np.newaxis] * runs.cost[:, np.newaxis, :]
    leave = trial.threshold * np.where(np.isfinite(staying), staying, 0.0)
    move = leave[:, :, np.newaxis] + trial.restart_s * runs.rate[:, np.newaxis, :]
    move[:, np.arange(move.shape[1]), np.arange(move.shape[1])] = 0.0
    own = np.einsum("gtt->gt", trial.speed)
    shift = trial.speed / np.sqrt(np.maximum(own + trial.noise, 1e-300))[:, :, np.newaxis]
    factor = np.exp(-shift[..., np.newaxis] * _NODES - 0.5 * shift[..., np.newaxis] ** 2)
    # The nodes' own mean of a factor is 1 but for rounding.
    factor = factor / (factor @ _WEIGHTS)[..., np.newaxis]
    with np.errstate(invalid="ignore"):
        paid = np.nan_to_num(later[..., np.newaxis] * factor + move[..., np.newaxis], nan=np.inf, posinf=np.inf)
        expected = paid.min(axis=2, initial=np.inf) @ _WEIGHTS
        unseen = np.nan_to_num(later + move, nan=np.inf, posinf=np.inf).min(axis=2, initial=np.inf)
        return alone - staying + unseen, unseen - expected


def _pairs(problem: Problem, trial: Trial, pair: FloatArray, best: FloatArray, runs: _Runs) -> FloatArray:
    groups, found = problem.groups, pair.copy()
    everyone = np.arange(len(groups))
    one, other = everyone[:, np.newaxis], everyone[np.newaxis, :]
    may = trial.may & ~groups.timed
    for t in range(len(problem.supply)):
        running = Running(problem, t)
        rate = running.rates([one, other])
        flow = runs.price * running.node_w([one, other])
        ends_s = [groups.remaining_s[g] / np.maximum(r, 1e-12) for g, r in zip((one, other), rate, strict=True)]
        lasts = np.minimum(*ends_s) > trial.round_s
        worth = may[one] & may[other] & lasts & np.isfinite(pair[t])
        if not worth.any():
            continue
        spent = flow * trial.round_s
        with np.errstate(divide="ignore", invalid="ignore"):
            steady = running.to_completion([one, other])
            rest = steady - spent
            deviation = _deviation(problem, trial, t, rate, flow, ends_s, runs) / rest
            left = [1 - trial.round_s / e for e in ends_s]
            own = [best[g] * share for g, share in zip((one, other), left, strict=True)]
            restart = trial.restart_s * np.minimum(runs.rate[one, t], runs.rate[other, t])
            part = own[0] + own[1] + restart + trial.threshold * np.minimum(*own)
            unseen = np.minimum(rest, part)
            gain = unseen - _least_mean(rest, part, deviation)
            tried = _tried(pair[t], pair[t] - rest + unseen, gain, best[one] + best[other])
            # The same read either way, also where both end at once; plain costs read either way differ by rounding.
            either = np.minimum(np.maximum(tried, tried.T), pair[t])
            found[t] = np.where(worth & (rest > 0), either, pair[t])
    return found


def _deviation(
    problem: Problem,
    trial: Trial,
    t: int,
    rate: tuple[FloatArray, ...],
    flow: FloatArray,
    ends_s: list[FloatArray],
    runs: _Runs,
) -> FloatArray:
    """(G, G) standard deviation of a pair's cost by what a round reveals, to first order in the two log norms.

    Until the first of them ends after d seconds at a cost of W per second, the other saves ``p = a v d`` of its later
    run, a being its cost alone per unit of work. If the first gets faster by a small share, ``W d - p`` of it is saved;
    if the other does, p.
    """
    share_s = np.minimum(*ends_s)
    per_work = runs.cost[:, t] / np.maximum(problem.groups.remaining_s, 1e-9)
    per_work = np.where(np.isfinite(per_work), per_work, 0.0)
    saved = [per_work[:, np.newaxis] * rate[0] * share_s, per_work[np.newaxis, :] * rate[1] * share_s]
    shared = flow * share_s
    first = ends_s[0] <= ends_s[1]
    by_one = np.where(first, shared - saved[1], saved[0])
    by_other = np.where(first, saved[1], shared - saved[0])
    total = np.zeros(shared.shape)
    for slope, variance in ((by_one, trial.norm[t]), (by_other, trial.norm[t].T)):
        told = variance / np.maximum(variance + trial.noise, 1e-300)
        total = total + slope**2 * variance * told
    return np.asarray(np.sqrt(total))


def _least_mean(mean: FloatArray, bound: FloatArray, deviation: FloatArray) -> FloatArray:
    """Mean of ``min(X, bound)`` for log-normal X of this mean and this deviation of its log.

    ``mean ndtr(-u) + bound ndtr(u - s)`` with ``u = log(mean / bound) / s + s / 2``, as in the price of an option
    (Black and Scholes, Journal of Political Economy 81(3), 1973).
    """
    spread = np.maximum(np.nan_to_num(deviation), 1e-12)
    ratio = np.log(np.maximum(mean, 1e-300) / np.maximum(bound, 1e-300))
    upper = ratio / spread + spread / 2
    return np.asarray(mean * ndtr(-upper) + bound * ndtr(upper - spread))
