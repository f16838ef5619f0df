"""Rooms, noise, telephones, throats and tempi, made on log-mel frames: cheap enough to be new for every batch."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ..encoders.log_mel import BANDS

TEMPO: Final = (0.82, 1.25)
"""How much longer an utterance becomes."""

THROAT: Final = (0.86, 1.16)
"""How much higher the spectrum lies: shorter or longer vocal tracts (Jaitly and Hinton, 2013)."""

_TAIL: Final = 48
_FLOOR: Final = 1e-6


def stretched(mel: Tensor, lengths: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each utterance at another tempo and of another vocal tract.

    Args:
        mel: *Shape:* (B, T, 80). What lies behind an utterance's length is padding.
        lengths: *Shape:* (B,), frames.

    Returns:
        Frames, padded to a multiple of 16, and the tempo of each utterance. *Shape:* (B, T', 80), (B,).
    """
    batch, frames, bands = mel.shape
    tempo = _between(TEMPO, batch, generator)
    longest = int((lengths * tempo).max().ceil())
    longest += -longest % 16
    at = (torch.arange(longest) + 0.5)[None] / tempo[:, None] - 0.5
    throat = _between(THROAT, batch, generator)
    band = (torch.arange(bands) + 0.5)[None] / throat[:, None] - 0.5
    # grid_sample puts -1 and 1 at the outer edges of the first and the last cell
    grid = torch.stack(
        (
            ((2 * band + 1) / bands - 1)[:, None, :].expand(-1, longest, -1),
            ((2 * at + 1) / frames - 1)[:, :, None].expand(-1, -1, bands),
        ),
        -1,
    )
    warped = torch.nn.functional.grid_sample(mel[:, None], grid, padding_mode="border", align_corners=False)
    return warped[:, 0], tempo


def in_rooms_and_noise(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Reverberation, stationary and babble noise, narrow channels and other levels, each for some utterances.

    *Shape:* (B, T, 80), natural logarithms of energies -> the same.
    """
    batch, frames, _ = mel.shape
    energy = mel.exp()
    energy = torch.where(_some(0.4, batch, generator), _reverberant(energy, generator), energy)
    power = energy.mean((1, 2), keepdim=True)
    babble = energy.roll(1, 0).roll(int(torch.randint(frames, (1,), generator=generator)), 1)
    babble = babble * power / babble.mean((1, 2), keepdim=True) * _decibels(-20, -6, batch, generator)
    energy = energy + babble * _some(0.15, batch, generator)
    colour = torch.randn(batch, 1, BANDS, generator=generator).cumsum(2) * 0.25
    colour = colour + torch.randn(batch, 1, 1, generator=generator) * torch.linspace(-1.5, 1.5, BANDS)
    noise = torch.softmax(colour, 2) * BANDS * power * _decibels(-35, -6, batch, generator)
    # The energy of noise in one band of one frame is spread as a chi-squared variable of a few degrees of freedom.
    noise = noise * (0.35 * torch.randn(batch, frames, BANDS, generator=generator)).exp()
    energy = energy + noise * _some(0.5, batch, generator)
    highest = torch.randint(48, BANDS, (batch, 1, 1), generator=generator)
    lowest = torch.randint(0, 9, (batch, 1, 1), generator=generator)
    band = torch.arange(BANDS)[None, None]
    narrow = ((band <= highest) & (band >= lowest)).float()
    energy = energy * torch.where(_some(0.25, batch, generator), narrow.clamp(min=1e-4), torch.ones(()))
    return (energy * _decibels(-25, 10, batch, generator) + _FLOOR).log()


def masked(mel: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """SpecAugment (Park et al., 2019): some bands and some moments of levelled frames are set to the mean, 0."""
    batch, frames, bands = mel.shape
    keep = torch.ones(batch, frames, bands, dtype=torch.bool)
    for _ in range(2):
        width = torch.randint(0, 15, (batch, 1), generator=generator)
        start = torch.randint(0, bands, (batch, 1), generator=generator)
        at = torch.arange(bands)[None]
        keep &= ~((at >= start) & (at < start + width))[:, None, :]
    for _ in range(max(2, frames // 64)):
        width = torch.randint(0, 18, (batch, 1), generator=generator)
        start = (torch.rand(batch, 1, generator=generator) * lengths[:, None]).long()
        at = torch.arange(frames)[None]
        keep &= ~((at >= start) & (at < start + width))[:, :, None]
    return mel * keep


def _reverberant(energy: Tensor, generator: torch.Generator) -> Tensor:
    """Energy that dies away exponentially after each frame: a diffuse tail without its fine structure."""
    batch = len(energy)
    decay = 0.06 * 10 ** (torch.rand(batch, 1, generator=generator) * 0.9)  # time constant 0.06 to 0.48 s of energy
    tail = torch.exp(-torch.arange(1, _TAIL + 1)[None] / (100 * decay))
    tail = tail / tail.sum(1, keepdim=True) * _decibels(-12, 3, batch, generator)[:, 0]
    kernel = torch.cat((torch.ones(batch, 1), tail), 1).flip(1)[:, None]
    sound = torch.nn.functional.pad(energy.permute(2, 0, 1), (_TAIL, 0))
    return torch.nn.functional.conv1d(sound, kernel, groups=batch).permute(1, 2, 0)


def _between(limits: tuple[float, float], batch: int, generator: torch.Generator) -> Tensor:
    low, high = limits
    return low * (high / low) ** torch.rand(batch, generator=generator)


def _decibels(low: float, high: float, batch: int, generator: torch.Generator) -> Tensor:
    """Factors of energy. *Shape:* (B, 1, 1)."""
    return 10 ** ((low + (high - low) * torch.rand(batch, 1, 1, generator=generator)) / 10)


def _some(share: float, batch: int, generator: torch.Generator) -> Tensor:
    return torch.rand(batch, 1, 1, generator=generator) < share
