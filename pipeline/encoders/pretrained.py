"""Models that others trained: loaded from the disk where they are there, else from the hub, and told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ModelError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


def quiet() -> None:
    """Keeps ``transformers`` from writing about what it loads."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def from_disk_or_hub(model: str, load: Callable[[bool], T], *, what: str, files: str) -> T:
    """A model; nothing is downloaded if the hub's cache holds it.

    Args:
        model: Local folder or hub id.
        load: Loads it; told whether to look on the disk alone.
        what: It is, for people.
        files: A folder must hold, for people.

    Raises:
        ModelError: It cannot be loaded.
    """
    quiet()
    try:
        try:
            return load(True)
        except OSError:
            if Path(model).is_dir():
                raise
            return load(False)  # a hub id that is not in the cache
    except ModelError:
        raise
    except Exception as error:  # transformers raises OSError, ValueError, safetensors and json errors alike
        raise ModelError(
            f"the {what} {model!r} cannot be loaded ({type(error).__name__}: {error}): name a folder that holds "
            f"{files}, or a hub id"
        ) from error


def digest_of(model: torch.nn.Module, tokenizer: Any) -> str:
    """Of weights and vocabulary; the same whatever device the model is on."""
    import torch

    digest = hashlib.blake2b(digest_size=8)
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weights.cpu().contiguous().flatten().view(torch.uint8).numpy())
    for word, number in sorted(tokenizer.get_vocab().items()):
        digest.update(f"{word}\0{number}\0".encode())
    return digest.hexdigest()
