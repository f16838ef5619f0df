"""The axes along which the token states of a transformer are kept, see :mod:`octavo.pipeline.token_states`."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..token_states import TOKEN_WIDTH, Codes, rounded
from .weights_file import loading, read_weights, weights_digest

if TYPE_CHECKING:
    import torch

FORMAT: Final = "octavo-token-axes-1"
WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "token_axes.safetensors"


class TokenAxes:
    """Principal axes of the token states of one transformer.

    Args:
        axes: Orthonormal columns, widest spread first. *Shape:* (width, TOKEN_WIDTH)
        digest: Of the transformer.
    """

    def __init__(self, axes: torch.Tensor, digest: str) -> None:
        if axes.ndim != 2 or axes.shape[1] != TOKEN_WIDTH:
            raise ValueError(f"axes are {tuple(axes.shape)}, not (width, {TOKEN_WIDTH})")
        self.axes, self.digest = axes, digest

    @cached_property
    def fingerprint(self) -> str:
        """Names the transformer and the axes."""
        own = weights_digest(FORMAT, {"axes": self.axes.cpu()})
        return f"tokens-{hashlib.blake2b(f'{self.digest} {own}'.encode(), digest_size=8).hexdigest()}"

    def codes(self, states: torch.Tensor) -> Codes:
        """States as they are kept. *Shape:* (n, width) -> (n, TOKEN_WIDTH)"""
        import torch

        turned = states.float() @ self.axes.to(states.device)
        return rounded(torch.nn.functional.normalize(turned, dim=1).cpu().numpy())


def load_token_axes(path: Path = WEIGHTS) -> TokenAxes:
    """What ``python -m octavo.pipeline.training.token_axes`` made.

    Raises:
        ModelError: The file is missing or damaged, or holds something else.
    """
    with loading("token axes", path, "python -m octavo.pipeline.training.token_axes"):
        header, tensors = read_weights(path, {"format": FORMAT}, "give what that command makes")
        return TokenAxes(tensors["axes"], header["digest"])


def axes_for(digest: str, folder: Path | None = None) -> TokenAxes | None:
    """The axes of a transformer: those in its folder, or those that are shipped, if they are its own.

    Raises:
        ModelError: The file in the folder is damaged.
    """
    own = folder / WEIGHTS.name if folder is not None else WEIGHTS
    axes = load_token_axes(own if own.is_file() else WEIGHTS)
    return axes if axes.digest == digest else None
