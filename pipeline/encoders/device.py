"""Where the encoders run."""

from __future__ import annotations

from ..errors import ModelError


def choose_device(wish: str) -> str:
    """Name of the torch device for ``wish``: ``auto`` takes a GPU where there is one.

    Raises:
        ModelError: ``wish`` names no device, or one that is not there.
    """
    import torch

    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise ModelError(f"{wish!r} is no device: choose auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device {wish} was asked for and torch sees {torch.cuda.device_count()} GPUs: use --device auto or cpu"
        )
    return wish
