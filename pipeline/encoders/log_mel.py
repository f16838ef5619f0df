"""From samples to log-mel frames, the same for a whole recording and for a stretch of it."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
import torchaudio
from torch import Tensor

from ..recording import SAMPLE_RATE

HOP: Final = 160
"""Samples of a log-mel frame: 10 ms."""

BANDS: Final = 80
_WINDOW: Final = 400
_FLOOR: Final = 1e-6
_SPREAD: Final = 3.0
"""About the standard deviation of natural-log mel energies of speech, so that inputs are about 1."""

MEAN_REACH: Final = 300
"""Frames on either side over which a band's mean is taken and removed: 3 s, so that a channel or a room that colours
the sound does not count, and so that a frame depends on no more than that."""


@cache
def _filters(device: str) -> torchaudio.transforms.MelSpectrogram:
    return torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE, n_fft=512, win_length=_WINDOW, hop_length=HOP, f_min=20, f_max=7600, n_mels=BANDS, center=False
    ).to(device)


def log_mel(samples: Tensor) -> Tensor:
    """Natural logarithms of mel energies, frame ``t`` centred on samples ``[160 t, 160 (t + 1))``.

    *Shape:* (..., 160 T + rest) -> (..., T, 80).
    """
    frames = samples.shape[-1] // HOP
    side = (512 - HOP) // 2
    samples = torch.nn.functional.pad(samples[..., : frames * HOP], (side, side))
    energies: Tensor = _filters(str(samples.device))(samples)
    return (energies + _FLOOR).log().transpose(-1, -2)


def level(mel: Tensor, valid: Tensor | None = None) -> Tensor:
    """Takes off each band's mean over 3 s to either side, and scales to about unit spread.

    Args:
        mel: *Shape:* (B, T, 80).
        valid: Frames that are no padding. *Shape:* (B, T), bool.
    """
    here = torch.ones_like(mel[..., :1]) if valid is None else valid.unsqueeze(-1).to(mel.dtype)
    sums = torch.nn.functional.pad((mel * here).double().cumsum(1), (0, 0, 1, 0))
    counts = torch.nn.functional.pad(here.double().cumsum(1), (0, 0, 1, 0))
    at = torch.arange(mel.shape[1], device=mel.device)
    low, high = (at - MEAN_REACH).clamp(min=0), (at + MEAN_REACH + 1).clamp(max=mel.shape[1])
    mean = (sums[:, high] - sums[:, low]) / (counts[:, high] - counts[:, low]).clamp(min=1)
    return (mel - mean.to(mel.dtype)) / _SPREAD * here
