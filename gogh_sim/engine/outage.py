"""Which GPUs are out, how often and how long: a GPU may be out by itself, with its node and with its rack at once."""

from __future__ import annotations


class Outages:
    """Account of every GPU's outages; those that overlap count as one.

    Attributes
    ----------
    down
        Per GPU: how many outages it is in now.
    failures, down_s
        Per GPU: how often it went out, and for how many seconds in all up to the last end.
    """

    def __init__(self, num_gpus: int) -> None:
        self.down = [0] * num_gpus
        self.failures = [0] * num_gpus
        self.down_s = [0.0] * num_gpus
        self._since_s = [0.0] * num_gpus

    def begin(self, gpu: int, now_s: float) -> bool:
        """An outage begins; whether the GPU worked until now."""
        self.down[gpu] += 1
        if self.down[gpu] > 1:
            return False
        self.failures[gpu] += 1
        self._since_s[gpu] = now_s
        return True

    def end(self, gpu: int, now_s: float) -> bool:
        """An outage ends; whether the GPU works from now on."""
        self.down[gpu] -= 1
        if self.down[gpu]:
            return False
        self.down_s[gpu] += now_s - self._since_s[gpu]
        return True

    def close(self, now_s: float) -> None:
        """Count outages that go on up to the end of the run."""
        for gpu, count in enumerate(self.down):
            if count:
                self.down_s[gpu] += now_s - self._since_s[gpu]
                self._since_s[gpu] = now_s
