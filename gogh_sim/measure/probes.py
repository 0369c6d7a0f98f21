"""What the probes compute: the one module here that imports torch.

Weights and inputs are random; nothing is learned, only time passes. Training steps run forward, backward and an
optimiser step, in mixed precision where the device has it, as users of such GPUs do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from gogh_sim.errors import InputError
from gogh_sim.measure.catalogue import Probe, Size

GIB = 2**30
_ACTOR_STEPS = 32
"""Environment steps per update of the small-kernel probe, each a chain of kernels too small to fill a GPU."""


@dataclass(frozen=True)
class Running:
    """A probe on a device: `step` does one iteration, `finish` waits until the device is done with it."""

    step: Callable[[], None]
    finish: Callable[[], None]
    parameters_m: float
    gflop_per_sample: float
    peak_memory_gib: Callable[[], float]


@dataclass(frozen=True)
class _Work:
    """A module, and what one iteration computes with it: a loss to descend, or any output.

    `flop` is the work of an iteration where torch's own counter does not see it, as inside fused recurrent kernels.
    """

    module: nn.Module
    forward: Callable[[], Tensor]
    flop: float | None = None


Builder = Callable[[Size, int, torch.device], _Work]


def check_device(device: str) -> None:
    """`InputError` unless torch can compute on this device."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"torch {torch.__version__} cannot compute on device {device!r}: {said}") from error


def versions(device: str) -> dict[str, str]:
    """Versions and device name, to be kept beside measurements."""
    found = {"torch": str(torch.__version__), "cuda": str(torch.version.cuda)}
    if device.startswith("cuda"):
        found |= {"device": torch.cuda.get_device_name(device), "cudnn": str(torch.backends.cudnn.version())}  # type: ignore[no-untyped-call]
    return found


def start(probe: Probe, batch: int, size: Size, device: str) -> Running:
    """Build a probe on a device; nothing has run yet but what counts its operations."""
    torch.manual_seed(0)
    place = torch.device(device)
    if place.type == "cpu":
        torch.set_num_threads(1)  # probes at once get a core each, instead of waiting for each other's threads
    work = _BUILDERS[probe.model](size, batch, place)
    step = _training_step(work, place) if probe.kind == "training" else _inference_step(work, place)
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    return Running(
        step=step,
        finish=(lambda: torch.cuda.synchronize(place)) if place.type == "cuda" else lambda: None,
        parameters_m=sum(p.numel() for p in work.module.parameters()) / 1e6,
        gflop_per_sample=(counter.get_total_flops() if work.flop is None else work.flop) / batch / 1e9,
        peak_memory_gib=lambda: _peak_gib(work.module, place),
    )


def _precision(device: torch.device) -> Any:
    return torch.autocast("cuda", dtype=torch.float16) if device.type == "cuda" else nullcontext()


def _training_step(work: _Work, device: torch.device) -> Callable[[], None]:
    optimiser = torch.optim.SGD(work.module.parameters(), lr=1e-6, momentum=0.9)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with _precision(device):
            loss = work.forward()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def _inference_step(work: _Work, device: torch.device) -> Callable[[], None]:
    work.module.eval()

    def step() -> None:
        with torch.inference_mode(), _precision(device):
            work.forward()

    return step


def _peak_gib(module: nn.Module, device: torch.device) -> float:
    """Most memory that torch reserved on a GPU; elsewhere weights, and in training gradients and momenta."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_reserved(device)) / GIB
    copies = [(3 if p.grad is not None else 1) * p.numel() * p.element_size() for p in module.parameters()]
    return sum(copies) / GIB


class _Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


def _convolution(size: Size, batch: int, device: torch.device) -> _Work:
    """Residual network of four stages, images of 224 pixels, about 15 million parameters."""
    widths, blocks, pixels = ((64, 128, 256, 512), 2, 224) if size is Size.FULL else ((8, 16), 1, 16)
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 7, stride=2, padding=3), nn.MaxPool2d(2)]
    for narrow, wide in zip((widths[0], *widths), widths, strict=False):
        layers += [nn.Conv2d(narrow, wide, 3, stride=1 if narrow == wide else 2, padding=1)]
        layers += [_Residual(wide) for _ in range(blocks)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 1000)).to(device)
    images = torch.randn(batch, 3, pixels, pixels, device=device)
    labels = torch.randint(0, 1000, (batch,), device=device)
    return _Work(module, lambda: functional.cross_entropy(module(images), labels))


def _attention(size: Size, batch: int, device: torch.device) -> _Work:
    """Transformer encoder of BERT-base's shape over 128 tokens."""
    width, heads, depth, tokens = (768, 12, 12, 128) if size is Size.FULL else (32, 2, 1, 8)
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True)
    module = nn.Sequential(nn.TransformerEncoder(layer, depth, enable_nested_tensor=False), nn.Linear(width, width))
    module = module.to(device)
    words = torch.randn(batch, tokens, width, device=device)
    return _Work(module, lambda: functional.mse_loss(module(words).float(), words))


class _Recommender(nn.Module):
    """Sums of embeddings from several tables into a small perceptron."""

    def __init__(self, tables: int, rows: int, width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(rows, width, mode="sum") for _ in range(tables))
        self.top = nn.Sequential(nn.Linear(tables * width, 512), nn.ReLU(), nn.Linear(512, 1))

    def forward(self, indices: Tensor) -> Tensor:
        found = [table(indices[:, k]) for k, table in enumerate(self.tables)]
        scores: Tensor = self.top(torch.cat(found, dim=1))
        return scores


def _embedding(size: Size, batch: int, device: torch.device) -> _Work:
    """Eight tables of 200,000 rows, 64 wide, 16 lookups each."""
    tables, rows, width, lookups = (8, 200_000, 64, 16) if size is Size.FULL else (2, 100, 8, 4)
    module = _Recommender(tables, rows, width).to(device)
    indices = torch.randint(0, rows, (batch, tables, lookups), device=device)
    clicks = torch.rand(batch, 1, device=device)
    return _Work(module, lambda: functional.binary_cross_entropy_with_logits(module(indices), clicks))


class _Recurrent(nn.Module):
    """Embedding, two LSTM layers, and a projection to the vocabulary."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True)
        self.out = nn.Linear(width, words)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.out(self.lstm(self.embed(tokens))[0])
        return logits


def _recurrent(size: Size, batch: int, device: torch.device) -> _Work:
    """LSTM language model, 650 wide, 35 steps, 10,000 words: the medium model of Zaremba et al. (arXiv:1409.2329)."""
    words, width, steps = (10_000, 650, 35) if size is Size.FULL else (50, 8, 4)
    module = _Recurrent(words, width).to(device)
    tokens = torch.randint(0, words, (batch, steps), device=device)
    weights = sum(p.numel() for part in (module.lstm, module.out) for p in part.parameters() if p.dim() > 1)
    return _Work(
        module,
        lambda: functional.cross_entropy(module(tokens).flatten(0, 1), tokens.flatten()),
        # Two operations a weight and token, forward and twice that backward.
        flop=6.0 * weights * batch * steps,
    )


def _small_kernels(size: Size, batch: int, device: torch.device) -> _Work:
    """A small actor network applied step after step, as a reinforcement learner's roll-out does."""
    width, steps = (256, _ACTOR_STEPS) if size is Size.FULL else (8, 2)
    module = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()).to(device)
    state = torch.randn(batch, width, device=device)

    def forward() -> Tensor:
        now = state
        for _ in range(steps):
            now = 0.5 * (now + module(now))
        return now.float().square().mean()

    return _Work(module, forward)


class _DecoderLayer(nn.Module):
    """One new token per sequence against a cache of keys and values."""

    def __init__(self, width: int, heads: int, batch: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width, bias=False), nn.SiLU(), nn.Linear(4 * width, width))
        self.cache: Tensor
        self.register_buffer("cache", torch.randn(2, batch, heads, context, width // heads))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, width = x.shape
        q, k, v = (
            part.view(batch, 1, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        keys, values = (torch.cat([old, new], dim=2) for old, new in zip(self.cache, (k, v), strict=True))
        seen = functional.scaled_dot_product_attention(q, keys, values)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, 1, width))
        after: Tensor = x + self.mlp(x)
        return after


def _decode(size: Size, batch: int, device: torch.device) -> _Work:
    """Token generation of a language model of about a billion parameters, context 512, half precision on a GPU."""
    width, heads, depth, context = (2048, 16, 20, 512) if size is Size.FULL else (32, 2, 1, 8)
    kind = torch.float16 if device.type == "cuda" else torch.float32
    layers = [_DecoderLayer(width, heads, batch, context) for _ in range(depth)]
    module = nn.Sequential(*layers).to(device=device, dtype=kind)
    token = torch.randn(batch, 1, width, device=device, dtype=kind)
    return _Work(module, lambda: module(token))


_BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "probe-convolution": _convolution,
        "probe-attention": _attention,
        "probe-embedding": _embedding,
        "probe-recurrent": _recurrent,
        "probe-small-kernels": _small_kernels,
        "probe-decode": _decode,
    }
)
