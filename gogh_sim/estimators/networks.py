"""Networks over blocks of features, in three architectures of matched size, averaged in small ensembles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn

from gogh_sim.errors import InputError

Blocks: TypeAlias = tuple[Tensor, ...]
"""The parts of a batch of questions (job, similar job, partner, ...), each (rows, width of the part)."""

_HEADS = 2
_CHUNK = 32_768


class FeedForward(nn.Module):
    """All blocks side by side through two hidden layers."""

    def __init__(self, widths: Sequence[int], outputs: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(sum(widths), hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, outputs)
        )
        _start_at_zero(self.layers[-1])

    def forward(self, blocks: Blocks) -> Tensor:
        """(rows, outputs)."""
        answer: Tensor = self.layers(torch.cat(blocks, dim=1))
        return answer


class Recurrent(nn.Module):
    """The blocks as a sequence, each brought to one width, through a GRU; its last state answers."""

    def __init__(self, widths: Sequence[int], outputs: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)
        _start_at_zero(self.head)

    def forward(self, blocks: Blocks) -> Tensor:
        """(rows, outputs)."""
        states, _ = self.gru(_tokens(self.embed, blocks))
        answer: Tensor = self.head(states[:, -1])
        return answer


class Transformer(nn.Module):
    """The blocks as tokens, each with its own embedding, through one encoder layer; their mean answers."""

    def __init__(self, widths: Sequence[int], outputs: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.encoder = nn.TransformerEncoderLayer(
            hidden, _HEADS, dim_feedforward=2 * hidden, dropout=0.0, activation="gelu", batch_first=True
        )
        self.head = nn.Linear(hidden, outputs)
        _start_at_zero(self.head)

    def forward(self, blocks: Blocks) -> Tensor:
        """(rows, outputs)."""
        answer: Tensor = self.head(self.encoder(_tokens(self.embed, blocks)).mean(dim=1))
        return answer


ARCHITECTURES: Mapping[str, Callable[[Sequence[int], int, int], nn.Module]] = MappingProxyType(
    {"feed_forward": FeedForward, "gru": Recurrent, "transformer": Transformer}
)
"""Networks by the name that configs use: (widths of the blocks, outputs, hidden width) -> module."""


class Ensemble(nn.Module):
    """Several networks of one kind; their mean answers, their spread tells how sure it is."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, blocks: Blocks) -> Tensor:
        """(members, rows, outputs)."""
        return torch.stack([member(blocks) for member in self.members])

    def answer(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation over members, each (rows, outputs), without gradients."""
        with torch.inference_mode(), one_thread():
            parts = [self(tuple(b[i : i + _CHUNK] for b in blocks)) for i in range(0, max(len(blocks[0]), 1), _CHUNK)]
            every = torch.cat(parts, dim=1)
            mean = every.mean(dim=0)
            return mean, (every - mean).square().mean(dim=0).sqrt()


def scale_outputs(network: nn.Module, factors: Tensor) -> None:
    """Multiply each output of a network by a factor of its own, in place, by way of its last linear layer."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(factors[:, None])
        last.bias.mul_(factors)


def parameter_count(network: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in network.parameters())


def build(architecture: str, widths: Sequence[int], outputs: int, parameters: int, seed: int) -> nn.Module:
    """A network with about `parameters` parameters, initialised from `seed` alone.

    The hidden width is the one that comes closest, so architectures compare at equal size. The last layer starts at
    zero: an untrained network answers exactly what its caller falls back on.

    Raises
    ------
    InputError
        If the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        raise InputError(f"unknown architecture {architecture!r}, expected one of {sorted(ARCHITECTURES)}")
    make = ARCHITECTURES[architecture]
    with torch.device("meta"):
        sizes = {h: parameter_count(make(widths, outputs, h)) for h in range(_HEADS, 129, _HEADS)}
    hidden = min(sizes, key=lambda h: (abs(sizes[h] - parameters), h))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(widths, outputs, hidden)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside, so that results do not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start_at_zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _tokens(embed: nn.ModuleList, blocks: Blocks) -> Tensor:
    return torch.stack([layer(block) for layer, block in zip(embed, blocks, strict=True)], dim=1)
