"""The weights of our small networks as a file: 16-bit floats, and a header that says what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import ModelError


def write_weights(tensors: Mapping[str, Tensor], path: Path, header: Mapping[str, str]) -> None:
    """Write weights, rounded to 16 bits, behind a header."""
    halves = {name: one.detach().cpu().half().contiguous() for name, one in tensors.items()}
    path.write_bytes(save(halves, metadata=dict(header)))


def read_weights(path: Path, expected: Mapping[str, str], advice: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Header and weights, as 32-bit floats; to be called within :func:`loading`.

    Args:
        expected: What the header has to say, ``format`` at least.
        advice: For whoever named a file of another format.

    Raises:
        ModelError: The header says something else.
    """
    with safe_open(path, framework="pt") as file:
        header = dict(file.metadata() or {})
        if any(header.get(key) != value for key, value in expected.items()):
            raise ModelError(f"{path} is of format {header.get('format')!r}, not {expected['format']}: {advice}")
        return header, {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 no mapping


@contextmanager
def loading(what: str, path: Path, command: str) -> Iterator[None]:
    """Whatever is wrong with a file of weights comes out as one error.

    Args:
        what: The network, for people.
        command: Trains it.

    Raises:
        ModelError: The file is not there, is damaged, or holds another network.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"the {what} {path} cannot be loaded ({type(error).__name__}: {error}): "
            f"reinstall Octavo, or train it with `{command}`"
        ) from error


def weights_digest(shape: str, tensors: Mapping[str, Tensor]) -> str:
    """Of a network's shape and weights; not of the file, where the order of the header's entries is left to chance."""
    digest = hashlib.blake2b(shape.encode(), digest_size=8)
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()
