"""The layers of a large transformer as one sequence: each weighed, by a weight that is learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerMix(nn.Module):
    """A weighted mean of all layers' states, then a projection.

    After Peters et al., Deep contextualized word representations (2018); Yang et al., SUPERB (2021) found it the way
    to use frozen speech models, whose phones are clearest somewhere in the middle.

    *Shape:* (B, T, layers, width) -> (B, T, channels).
    """

    def __init__(self, layers: int, width: int, channels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.project = nn.Linear(width, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, states: Tensor) -> Tensor:
        # Layers differ in scale by orders of magnitude; the weights shall say what counts, not the scale.
        even = nn.functional.layer_norm(states, states.shape[-1:])
        mixed = torch.einsum("l,btlc->btc", self.weights.softmax(0).to(even.dtype), even)
        out: Tensor = self.norm(self.project(mixed))
        return out
