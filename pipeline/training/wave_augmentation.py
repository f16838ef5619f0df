"""Rooms, noise, telephones and tempi, made on samples: for a trunk, which hears sound and not log-mel frames.

The same as :mod:`.speech_augmentation`, at its frequencies and levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torchaudio
from torch import Tensor

from ..recording import SAMPLE_RATE

SPEEDS: Final = ((10, 10), (10, 9), (10, 11))
"""Old and new rate: as spoken, a tenth faster and higher, a tenth slower and lower (Ko et al., 2015)."""

_TAIL: Final = SAMPLE_RATE // 2


def augmented(sounds: Sequence[Tensor], generator: torch.Generator) -> tuple[list[Tensor], Tensor]:
    """Each at another tempo, and some in rooms, noise, babble, narrow channels, all at other levels.

    *Shape:* of each (n,) -> (n',), and how much longer it became (B,).
    """
    spoken = [_at_another_speed(one, generator) for one in sounds]
    tempo = torch.tensor([len(new) / len(old) for new, old in zip(spoken, sounds, strict=True)])
    made = []
    for number, one in enumerate(spoken):
        if _chance(0.4, generator):
            one = _reverberant(one, generator)
        if _chance(0.15, generator):
            one = _with(one, _fitted(spoken[number - 1], len(one), generator), 6 + 14 * _uniform(generator))
        if _chance(0.5, generator):
            one = _with(one, _coloured_noise(len(one), generator), 6 + 29 * _uniform(generator))
        if _chance(0.25, generator):
            one = _narrow(one, generator)
        made.append((one * 10 ** ((-25 + 35 * _uniform(generator)) / 20)).clamp(-1, 1))
    return made, tempo


def masked_states(states: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """SpecAugment (Park et al., 2019) on a trunk's states: some moments and some numbers of all layers are set to 0.

    Args:
        states: *Shape:* (B, T, layers, width).
        lengths: Log-mel frames, two for each of a trunk's. *Shape:* (B,).
    """
    batch, frames, _, width = states.shape
    keep = torch.ones(batch, frames, width, dtype=torch.bool)
    for _ in range(2):
        keep &= ~_stretches(width, max(1, width // 6), torch.full((batch,), width), generator)[:, None, :]
    for _ in range(max(2, frames // 32)):
        keep &= ~_stretches(frames, 9, lengths // 2, generator)[:, :, None]
    return states * keep[:, :, None].to(states.device)


def _stretches(count: int, longest: int, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """A stretch of each row, shorter than ``longest``, that begins within its length. *Shape:* (B, count), bool."""
    wide = torch.randint(0, longest, (len(lengths), 1), generator=generator)
    start = (torch.rand(len(lengths), 1, generator=generator) * lengths[:, None]).long()
    at = torch.arange(count)[None]
    return (at >= start) & (at < start + wide)


def _at_another_speed(samples: Tensor, generator: torch.Generator) -> Tensor:
    old, new = SPEEDS[int(torch.randint(len(SPEEDS), (1,), generator=generator))]
    heard: Tensor = torchaudio.functional.resample(samples, old, new)
    return heard


def _reverberant(samples: Tensor, generator: torch.Generator) -> Tensor:
    """With a diffuse tail: noise that dies away exponentially."""
    seconds = 0.12 * 10 ** (0.9 * _uniform(generator))  # time constant of the amplitude, twice that of the energy
    tail = torch.randn(_TAIL, generator=generator) * torch.exp(-torch.arange(_TAIL) / (SAMPLE_RATE * seconds))
    tail = tail / tail.norm() * 10 ** ((-12 + 15 * _uniform(generator)) / 20)
    room = torch.cat((torch.ones(1), tail))
    heard: Tensor = torchaudio.functional.fftconvolve(samples, room)[: len(samples)]
    return heard


def _coloured_noise(count: int, generator: torch.Generator) -> Tensor:
    """Stationary noise whose spectrum falls by up to 9 dB or rises by up to 3 dB an octave."""
    spectrum = torch.fft.rfft(torch.randn(count, generator=generator))
    at = torch.linspace(0, 1, len(spectrum)).clamp(min=0.005)
    noise: Tensor = torch.fft.irfft(spectrum * at ** (-1.5 + 2 * _uniform(generator)), n=count)
    return noise


def _narrow(samples: Tensor, generator: torch.Generator) -> Tensor:
    """Through a channel that lets pass from at most 300 Hz to at least 3,400 Hz."""
    spectrum = torch.fft.rfft(samples)
    at = torch.linspace(0, SAMPLE_RATE / 2, len(spectrum))
    low, high = 300 * _uniform(generator), 3_400 + 4_600 * _uniform(generator)
    heard: Tensor = torch.fft.irfft(spectrum * ((at >= low) & (at <= high)), n=len(samples))
    return heard


def _fitted(samples: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """A sound repeated or cut to a length, from anywhere in it."""
    turned = samples.roll(int(torch.randint(len(samples), (1,), generator=generator)))
    return turned.repeat(-(-count // len(turned)))[:count]


def _with(samples: Tensor, other: Tensor, decibels: float) -> Tensor:
    """Another sound added, so many decibels below."""
    loud = samples.square().mean().sqrt() / other.square().mean().sqrt().clamp(min=1e-9)
    return samples + other * loud * 10 ** (-decibels / 20)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _chance(share: float, generator: torch.Generator) -> bool:
    return _uniform(generator) < share
