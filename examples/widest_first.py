"""A policy of one's own, in one file outside the package: of those waiting, the widest job that fits starts first.

Run it beside the others from the folder of this file (any class on the Python path will do)::

    PYTHONPATH=. gogh-sim run scheduler=fifo scheduler.name=widest_first scheduler._target_=widest_first.WidestFirst

A parameter of its own is added with ``+``: ``+scheduler.most_gpus=4``. Whether it plays by the rules::

    from gogh_sim.testing import CHECKS, check

    for name in CHECKS:
        check(name, lambda context, source: WidestFirst(context))
"""

from __future__ import annotations

from gogh_sim.policy import ClusterView, Decision, PolicyContext
from gogh_sim.schedulers.capacity import Capacity, start_who_fits


class WidestFirst:
    """Starts pending jobs in order of their GPUs, widest first.

    Parameters
    ----------
    most_gpus
        Jobs wider than this go last.
    """

    def __init__(self, context: PolicyContext, most_gpus: int = 8) -> None:
        self._context = context
        self._most_gpus = most_gpus

    def decide(self, view: ClusterView) -> Decision:
        """Answer one wake-up: who starts where."""
        late = [active for active in view.pending.values() if active.job.num_gpus > self._most_gpus]
        soon = [active for active in view.pending.values() if active.job.num_gpus <= self._most_gpus]
        soon.sort(key=lambda active: -active.job.num_gpus)
        return start_who_fits(Capacity(self._context, view), [*soon, *late])
