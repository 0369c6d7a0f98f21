"""Weights files: save and load an estimator, versioned, without ever running code from the file."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gogh_sim.errors import InputError, require
from gogh_sim.estimators import p1, p2
from gogh_sim.estimators.doubt import ROLES, Doubt
from gogh_sim.estimators.estimator import Estimator
from gogh_sim.estimators.features import Encoder
from gogh_sim.estimators.history import History
from gogh_sim.estimators.networks import Ensemble, build
from gogh_sim.estimators.record import Record
from gogh_sim.limits import check_size, too_large
from gogh_sim.outputs import write_whole

FORMAT = "gogh_sim estimator"
VERSION = 2
LARGEST_BYTES = 256 << 20
"""Bytes of the largest weights file, and of all its tensors together; the shipped one has under 4 MiB."""

_LARGEST_SHAPE = 10**7
_MOST_MEMBERS = 64
SHIPPED = "shipped"
"""Name of the weights that come with the package."""
_SHIPPED_FILE = "calibrated.pt"


def save(estimator: Estimator, path: Path) -> None:
    """Write the estimator whole: to a temporary name first, then renamed; `InputError` if it cannot be written."""
    buffer = io.BytesIO()
    torch.save(_payload(estimator), buffer)
    write_whole(path, lambda file: file.write_bytes(buffer.getvalue()))


def load(path: Path | str = SHIPPED) -> Estimator:
    """Read an estimator; `SHIPPED` names the one in the package.

    Raises
    ------
    InputError
        If the file is missing, is no weights file, was written for another version or other networks, or is or claims
        to be larger than `LARGEST_BYTES`.
    """
    if path == SHIPPED:
        with resources.as_file(resources.files("gogh_sim.estimators") / "shipped" / _SHIPPED_FILE) as file:
            return load(file)
    payload = _content(Path(path))
    if not isinstance(payload, Mapping) or payload.get("format") != FORMAT:
        raise InputError("expected weights written by `gogh-sim train`, found another torch file", file=path)
    if payload.get("version") != VERSION:
        found = f"{payload.get('version')!r:.20}"
        raise InputError(f"expected weights of version {VERSION}, found {found}: train them anew", file=path)
    try:
        return _estimator(payload)
    except InputError as error:
        raise InputError(error.message, file=path) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError, OverflowError) as error:
        raise InputError(f"weights do not match the networks they name ({type(error).__name__})", file=path) from None


def _content(path: Path) -> Any:
    """What `torch.save` put into a file, if it is of a size that weights have."""
    try:
        _check_archive(path)
        content = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise InputError(f"cannot read weights: {error.strerror}", file=path) from None
    except InputError:
        raise
    except Exception:  # whatever torch and pickle make of bytes that are no weights
        raise InputError("expected weights written by `gogh-sim train`, found something else", file=path) from None
    tensors = list(_tensors(content))
    # Each as if written out: few stored numbers can stand for many.
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors) > LARGEST_BYTES:
        raise too_large(path, LARGEST_BYTES, settable=False)
    if any(tensor.is_complex() for tensor in tensors):
        raise InputError("expected weights of real numbers, found complex ones", file=path)
    return content


def _check_archive(path: Path) -> None:
    """Refuse what `torch.save` does not write today, before torch looks at it.

    That is a zip archive whose members are stored as they are. torch would also read packed members, which can be
    bombs, and its older formats, whose reader could be made to run code (CVE-2025-32434, up to torch 2.5.1).
    """
    check_size(path, LARGEST_BYTES)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise InputError("expected weights written by `gogh-sim train`, found a packed archive", file=path)
    if sum(member.file_size for member in members) > LARGEST_BYTES:
        raise too_large(path, LARGEST_BYTES, settable=False)


def _tensors(content: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested containers, of which every one is entered once, however often it occurs."""
    seen, ahead = set[int](), [content]
    while ahead:
        item = ahead.pop()
        if isinstance(item, torch.Tensor):
            yield item
        elif isinstance(item, Mapping | list | tuple | set) and id(item) not in seen:
            seen.add(id(item))
            ahead.extend(item.values() if isinstance(item, Mapping) else item)


def _payload(estimator: Estimator) -> dict[str, Any]:
    encoder = estimator.record.encoder
    return {
        "format": FORMAT,
        "version": VERSION,
        "shape": asdict(Shape.of(estimator)),
        "history": estimator.record.history.to_payload(),
        "words": list(encoder.words),
        "encoder": {f.name: torch.from_numpy(getattr(encoder, f.name).copy()) for f in _encoder_arrays()},
        "doubt": {"covariance": torch.from_numpy(estimator.doubt.covariance.copy()), "pair": estimator.doubt.pair},
        "p1": estimator.p1.state_dict(),
        "p2": estimator.p2.state_dict(),
    }


@dataclass(frozen=True, slots=True)
class Shape:
    """What it takes to build the networks before their weights are filled in."""

    p1: str
    p2: str
    parameters: int
    p1_members: int
    p2_members: int

    def __post_init__(self) -> None:
        bounds = {"parameters": _LARGEST_SHAPE, "p1_members": _MOST_MEMBERS, "p2_members": _MOST_MEMBERS}
        for name, most in bounds.items():
            found = getattr(self, name)
            if type(found) is not int or not 1 <= found <= most:
                raise InputError(f"expected {name} from 1 to {most}, found {found!r:.20}")

    @classmethod
    def of(cls, estimator: Estimator) -> Shape:
        """Shape of these networks."""
        names = estimator.architectures
        return cls(*names, estimator.parameters, len(estimator.p1.members), len(estimator.p2.members))


def _estimator(payload: Mapping[str, Any]) -> Estimator:
    shape = Shape(**payload["shape"])
    arrays = {name: _array(value) for name, value in payload["encoder"].items()}
    require(all(np.isfinite(array).all() for array in arrays.values()), "encoder: expected finite numbers")
    words = tuple(payload["words"])
    require(all(isinstance(word, str) for word in words), "words: expected text")
    record = Record(History.from_payload(payload["history"]), Encoder(words=words, **arrays))
    return Estimator(
        record=record,
        p1=_filled(shape.p1, p1.widths(record), p1.OUTPUTS, shape.parameters, shape.p1_members, payload["p1"]),
        p2=_filled(shape.p2, p2.widths(record.encoder), 1, shape.parameters, shape.p2_members, payload["p2"]),
        doubt=_doubt(payload["doubt"], ROLES * len(record.history.gpu_types)),
        architectures=(shape.p1, shape.p2),
        parameters=shape.parameters,
    )


def _filled(
    architecture: str,
    widths: Sequence[int],
    outputs: int,
    parameters: int,
    members: int,
    state: Mapping[str, Any],
) -> Ensemble:
    networks: list[nn.Module] = [build(architecture, widths, outputs, parameters, seed=0) for _ in range(members)]
    ensemble = Ensemble(networks)
    ensemble.load_state_dict(state)
    finite = all(bool(torch.isfinite(values).all()) for values in ensemble.state_dict().values())
    require(finite, f"{architecture}: expected finite weights")
    return ensemble


def _doubt(payload: Mapping[str, Any], size: int) -> Doubt:
    covariance, pair = _array(payload["covariance"]), float(payload["pair"])
    shaped = covariance.shape == (size, size) and np.isfinite(covariance).all() and (np.diag(covariance) >= 0).all()
    require(bool(shaped), f"doubt: expected a finite covariance of shape {(size, size)}")
    require(math.isfinite(pair) and pair >= 0, f"doubt: expected a variance of pairs, found {pair}")
    return Doubt(covariance, pair)


def _array(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.numpy().astype(np.float64)


def _encoder_arrays() -> list[Any]:
    return [f for f in fields(Encoder) if f.name != "words"]
