"""The fundamental frequency of speech, frame by frame: the only import of swift_f0.

Nieradzik, "SwiftF0" (2025, arXiv 2508.18440): 14,000 parameters, MIT, the model lies in the wheel. It runs on the
CPU through onnxruntime.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

Floats = npt.NDArray[np.float32]

FRAME = 320
"""Samples of one frame: 20 ms at 16 kHz, the step of the speech encoder."""

ALIGNMENT = 1280
"""The tracker steps by 256 samples and a frame is 320: both grids meet every 1,280 samples."""

LOWEST, HIGHEST = 55.0, 650.0
"""Hz. From a deep creak to a shout of a child; a wider band only invites octave errors."""

VOICED = 0.5
"""From this confidence on a frame is voiced, as the tracker calibrates it."""

_RATE = 16_000
_HOP = 256
# What the tracker declares of its receptive field: frames seen before and after a frame.
_BEFORE, _AFTER = 11, 10
# Hops tracked in one run: 4 s. The network's largest activation is 8 kB a hop, and a run that stays in the
# processor's cache is a third faster than one over 30 s.
_RUN = 256
# Two neighbouring hops further apart than half an octave are an octave error or a new voice, not a glide.
_JUMP = np.log(2) / 2


@cache
def _tracker() -> SwiftF0:
    from swift_f0 import SwiftF0

    # One thread, as several recordings are read side by side; no spinning between the short runs.
    return SwiftF0(threads=1, spin=False)


def fundamental(samples: Floats) -> tuple[Floats, Floats]:
    """Track F0 and voicing of a stretch of speech.

    Args:
        samples: 16 kHz mono in [-1, 1). *Shape:* (n,)

    Returns:
        F0 in Hz, 0 where unvoiced, and the confidence of voicing in [0, 1], at the middle of each frame of 20 ms.
        *Shape:* (n // 320,) each. A frame is the same as in a longer stretch if both start a multiple of 1,280
        samples apart and 3,840 samples around it are in both.
    """
    frames = len(samples) // FRAME
    if frames == 0:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    pitch, confidence = _hops(np.ascontiguousarray(samples, np.float32))
    # Hop k is centred on sample 256 k, frame n on sample 320 n + 160.
    position = (np.arange(frames) * FRAME + FRAME / 2) / _HOP
    left = np.minimum(position.astype(np.int64), len(pitch) - 1)
    right = np.minimum(left + 1, len(pitch) - 1)
    share = position - left
    voicing = (1 - share) * confidence[left] + share * confidence[right]
    near = np.where(share < 0.5, left, right)
    sure = np.where(confidence[left] >= confidence[right], left, right)
    glide = (1 - share) * pitch[left] + share * pitch[right]
    both = (confidence[left] >= VOICED) & (confidence[right] >= VOICED)
    apart = np.abs(pitch[left] - pitch[right]) > _JUMP
    logarithm = np.where(both, np.where(apart, pitch[near], glide), pitch[sure])
    f0 = np.where(voicing >= VOICED, np.exp(logarithm), 0.0)
    return f0.astype(np.float32), np.clip(voicing, 0, 1).astype(np.float32)


def _hops(samples: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Logarithm of F0, and confidence, one a hop of 256 samples."""
    count = max(1, len(samples) // _HOP)
    pitch = np.empty(count)
    confidence = np.empty(count)
    for start in range(0, count, _RUN):
        stop = min(start + _RUN, count)
        begin = max(0, start - _BEFORE)
        end = len(samples) if stop == count else (stop + _AFTER) * _HOP
        found = _tracker().detect(samples[begin * _HOP : end], _RATE, LOWEST, HIGHEST)
        keep = slice(start - begin, stop - begin)
        pitch[start:stop] = np.log(found.pitch_hz[keep])
        confidence[start:stop] = found.confidence[keep]
    return pitch, confidence
