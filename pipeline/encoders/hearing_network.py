"""From samples to what the speech network makes of them: through log-mel frames, or through a trunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from ..blocks.layer_mix import LayerMix
from ..posteriors import FRAME
from .log_mel import level, log_mel
from .speech_network import STRIDES, Heard, SpeechNetwork, SpeechShape

if TYPE_CHECKING:
    from .speech_trunk import Trunk, TrunkIdentity

TRUNK_SHAPE: Final = SpeechShape(channels=(192, 192, 192, 192), blocks=(1, 1, 1, 0), levels=3, attention=False)
"""Our part on a trunk: what lies far apart was brought together below, so it is small, and reaches 1.7 s."""

_WHOLE: Final = STRIDES[-1] // STRIDES[0]
"""Frames of 20 ms in one of the coarsest: inputs are filled up to a multiple of it."""


def network_on(identity: TrunkIdentity | None, shape: SpeechShape) -> SpeechNetwork:
    """The part of ours: the whole speech network, or one whose stem takes the states of a trunk."""
    stem = LayerMix(identity.layers, identity.width, shape.channels[0]) if identity else None
    return SpeechNetwork(shape, stem)


class HearingNetwork(nn.Module):
    """A speech network with all that it takes to give it sound.

    Attributes:
        channels: Numbers of a frame of features.
        trunk: Under it, if it stands on one. Its weights are none of this module's parameters.
    """

    def __init__(self, network: SpeechNetwork, trunk: Trunk | None = None) -> None:
        super().__init__()
        self.network = network
        self.trunk = trunk
        self.channels = network.shape.channels[0]

    def forward(self, samples: Tensor) -> Heard:
        """A sound as a whole.

        *Shape:* (n,) samples at 16 kHz -> one row of ``n // 320`` frames of 20 ms.
        """
        if self.trunk:
            heard: Heard = self.network(*stacked([self.trunk.states(samples)]))
        else:
            heard = self._of_mel(samples)
        return _trimmed(heard, len(samples) // FRAME)

    def _of_mel(self, samples: Tensor) -> Heard:
        with torch.autocast(samples.device.type, enabled=False):  # filters in half precision would blur quiet bands
            mel = log_mel(samples)[None]
            levelled = nn.functional.pad(level(mel), (0, 0, 0, -mel.shape[1] % STRIDES[-1]))
        valid = torch.ones(1, levelled.shape[1], dtype=torch.bool, device=levelled.device)
        valid[:, mel.shape[1] :] = False
        heard: Heard = self.network(levelled, valid)
        return heard


def stacked(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """A trunk's states of some sounds, filled up with zeros, and which log-mel frames are none of these.

    *Shape:* of each (T, layers, width) -> (B, T', layers, width) and (B, 2 T').
    """
    longest = max(len(one) for one in states)
    longest += -longest % _WHOLE
    filled = torch.stack([nn.functional.pad(one, (0, 0, 0, 0, 0, longest - len(one))) for one in states])
    lengths = torch.tensor([STRIDES[0] * len(one) for one in states], device=filled.device)
    return filled, torch.arange(STRIDES[0] * longest, device=filled.device)[None] < lengths[:, None]


def _trimmed(heard: Heard, frames: int) -> Heard:
    """The same without padding at the end. ``frames``: of 20 ms."""
    return Heard(
        heard.features[:, :frames],
        heard.phones[:, :frames],
        heard.frames[:, :frames],
        heard.coarse_phones[:, : -(-frames // 2)],
        heard.rate[:, : -(-frames // 4)],
    )
