"""The network that hears phones: a U-Net over log-mel frames with a head at every scale.

::

    log-mel 10 ms (B, T, 80)
      stem: inception branches, stride 2                   20 ms ----------------+ skip
        down: stride 2, parallel dilations 1 2 4 8         40 ms ------------+   |
          down: stride 2, windowed attention               80 ms --------+   |   |
            down: stride 2, windowed attention            160 ms         |   |   |
          up                                               80 ms <-------+   |   |   head: phone rate
        up                                                 40 ms <-----------+   |   head: CTC
      up                                                   20 ms <---------------+   heads: CTC, frame phones
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from torch import Tensor, nn

from ..blocks.attention import WindowedAttention
from ..blocks.dilated import Dilated
from ..blocks.inception import Inception
from ..blocks.pyramid import Lateral
from ..phones import SYMBOLS
from .log_mel import BANDS

STRIDES: Final = (2, 4, 8, 16)
"""Log-mel frames of a frame of each level: 20, 40, 80 and 160 ms."""


@dataclass(frozen=True, slots=True)
class SpeechShape:
    """The size and the parts of a speech network; every part can be left out, for ablation.

    Attributes:
        channels: Of the levels, finest first.
        widths: Of the inception branches of the stem; one width is a plain convolution.
        dilations: Of the parallel convolutions; ``(1,)`` is a plain convolution.
        blocks: Blocks of a level on the way down, finest first.
        window: Frames of an attention window.
        attention: Windowed attention at 80 and 160 ms; else dilated blocks.
        skips: Lateral connections carry the finer level's own features.
        levels: Levels in use, 2 to 4. With 2 nothing is coarser than 40 ms.
    """

    channels: tuple[int, ...] = (128, 192, 256, 256)
    widths: tuple[int, ...] = (3, 5, 9)
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    blocks: tuple[int, ...] = (1, 4, 2, 2)
    window: int = 32
    attention: bool = True
    skips: bool = True
    levels: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= len(STRIDES) or len(self.channels) != 4 or len(self.blocks) != 4:
            raise ValueError(f"a speech network has 2 to 4 levels and four sizes, not {self}")

    @classmethod
    def from_json(cls, stated: Mapping[str, object]) -> SpeechShape:
        """As stated in a checkpoint's header."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the network makes of log-mel frames.

    Attributes:
        features: Finest level of the pyramid. *Shape:* (B, T / 2, channels[0]).
        phones: Logits at 20 ms, blank first. *Shape:* (B, T / 2, SYMBOLS).
        frames: Logits of the phone, or silence, that each frame belongs to. *Shape:* (B, T / 2, SYMBOLS).
        coarse_phones: Logits at 40 ms. *Shape:* (B, T / 4, SYMBOLS).
        rate: Phones and vowels a second at 80 ms, logarithms of 1 more. *Shape:* (B, T / 8, 2).
    """

    features: Tensor
    phones: Tensor
    frames: Tensor
    coarse_phones: Tensor
    rate: Tensor


class SpeechNetwork(nn.Module):
    """See the picture above. Log-mel frames come levelled, see :func:`.log_mel.level`.

    Args:
        stem: In place of the inception branches, for other inputs at 20 ms. *Shape:* -> (B, T / 2, channels[0]).
    """

    def __init__(self, shape: SpeechShape, stem: nn.Module | None = None) -> None:
        super().__init__()
        self.shape = shape
        channels, levels = shape.channels, shape.levels
        self.stem = stem or Inception(BANDS, channels[0], shape.widths, stride=2, pooled=len(shape.widths) > 1)
        self.narrow = nn.ModuleList(nn.Conv1d(fine, coarse, 4, 2, 1) for fine, coarse in pairwise(channels[:levels]))
        self.down = nn.ModuleList(_Chain(_blocks(shape, level)) for level in range(levels))
        self.lateral = nn.ModuleList(
            Lateral(fine, coarse, skip=shape.skips) for fine, coarse in pairwise(channels[:levels])
        )
        self.up = nn.ModuleList(Dilated(channels[level], shape.dilations, shape.dropout) for level in range(levels - 1))
        self.norms = nn.ModuleList(nn.LayerNorm(channels[level]) for level in range(levels))
        self.phones = nn.Linear(channels[0], SYMBOLS)
        self.frames = nn.Linear(channels[0], SYMBOLS)
        self.coarse_phones = nn.Linear(channels[1], SYMBOLS)
        self.rate = nn.Linear(channels[min(2, levels - 1)], 2)

    def forward(self, mel: Tensor, valid: Tensor) -> Heard:
        """
        Args:
            mel: Levelled, or what another stem takes. *Shape:* (B, T, 80), T a multiple of 16.
            valid: Frames that are no padding. *Shape:* (B, T), bool.
        """
        present = [valid[:, stride - 1 :: stride] for stride in STRIDES]
        x = self.stem(mel)
        levels = []
        for level, blocks in enumerate(self.down):
            if level:
                # What lies behind the end is silence to a convolution, not what a norm makes of silence.
                x = x * present[level - 1].unsqueeze(-1)
                x = self.narrow[level - 1](x.transpose(1, 2)).transpose(1, 2)
            x = blocks(x, present[level])
            levels.append(x)
        pyramid = [levels[-1]]
        for level in reversed(range(len(levels) - 1)):
            y = self.lateral[level](levels[level], pyramid[0], present[level + 1])
            pyramid.insert(0, self.up[level](y, present[level]))
        pyramid = [norm(level) for norm, level in zip(self.norms, pyramid, strict=True)]
        return Heard(
            features=pyramid[0],
            phones=self.phones(pyramid[0]),
            frames=self.frames(pyramid[0]),
            coarse_phones=self.coarse_phones(pyramid[1]),
            rate=self.rate(pyramid[min(2, len(pyramid) - 1)]),
        )


class _Chain(nn.ModuleList):
    """Blocks one after another, each told which frames are no padding."""

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        for block in self:
            x = block(x, valid)
        return x


def _blocks(shape: SpeechShape, level: int) -> list[nn.Module]:
    channels = shape.channels[level]
    if level >= 2 and shape.attention:
        return [
            WindowedAttention(
                channels, channels // 64, window=shape.window, shifted=number % 2 == 1, dropout=shape.dropout
            )
            for number in range(shape.blocks[level])
        ]
    return [Dilated(channels, shape.dilations, shape.dropout) for _ in range(shape.blocks[level])]
