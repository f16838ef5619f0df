"""Recordings as utterances: phone posteriors, window vectors, prosody; typed and spoken words in one space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..embed import Utterance, Vectors
from ..errors import ModelError
from ..phones import BLANK, PHONES, SYMBOLS
from ..posteriors import FRAME, Posteriors, window_grid
from ..recording import SAMPLE_RATE, Recording
from ..utterances import cut_utterances
from ..voice.contour import CONTEXT, Contour, contour
from ..voice.functionals import functionals
from ..voice.measures import Baseline, measures
from .device import choose_device
from .one_thread import one_thread
from .prosody import ProsodyEncoder
from .speech_checkpoint import FORMAT, SpeechCheckpoint
from .speech_trunk import CORE as TRUNK_CORE
from .speech_trunk import MARGIN as TRUNK_MARGIN

if TYPE_CHECKING:
    from torch import Tensor

    from .hearing_network import HearingNetwork
    from .word_space import PhoneSequenceEncoder, WindowEncoder

__all__ = ["FORMAT", "STRETCH", "WEIGHTS", "SpeechEncoder", "Stretch"]

WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "speech.safetensors"
"""The shipped weights; their card lies beside them."""

STRETCH: Final = 600 * SAMPLE_RATE
"""Samples encoded before the next are read: ten minutes."""

_ALIGNED: Final = 256
"""Frames between two places at which all attention windows begin: 5.12 s."""
_CORE: Final = 24 * _ALIGNED
_MARGIN: Final = 4 * _ALIGNED
"""Frames that the network sees around what it is asked for: its reach is 17 s, see the tests."""

_CLIP: Final = 30 * SAMPLE_RATE
"""Samples that are too few to be divided among threads; for a trunk, which is a hundred times our size, none are."""

_HEARD: Final = 0.5
"""A phone is heard where the blank has less than half of the probability."""
_SURE: Final = 0.15
"""Where nowhere in an utterance it has less than this, noise was taken for phones: people are surer than that once."""

_PITCH_GRID: Final = 1_280
_VOWELS: Final = [number for number, phone in enumerate(PHONES, 1) if phone[0] in "AEIOU"]

Floats = npt.NDArray[np.float32]

_Cut = tuple[int, int, npt.NDArray[np.int64]]
"""Start, stop and phrases of an utterance, as :func:`cut_utterances` finds them."""

_Read = Callable[[int, int], Floats]
"""Samples ``[start, stop)`` of a sound, as :meth:`Recording.read` gives them."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some minutes of a recording, encoded.

    Attributes:
        utterances: That lie wholly in it.
        state: What the next stretch needs to know, as JSON: where to begin, and how the speaker usually speaks.
        stop: Samples of the recording that are done.
    """

    utterances: tuple[Utterance, ...]
    state: Mapping[str, Any]
    stop: int


class SpeechEncoder:
    """The trained speech encoder, with the space that spoken and written words share.

    Its networks are built with the first sound, or the first word, that needs them: what takes in documents alone has
    words and no sounds.

    Args:
        weights: A checkpoint of :mod:`octavo.pipeline.training.speech_recipe`.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        blank: Nats by which the network is too fond of hearing no phone; ``None`` for what the header says, see
            :mod:`octavo.indexes.sound.blank_fit`. They are taken off the posteriors that are kept, not off what decides
            where somebody speaks.

    Attributes:
        weights: As given.
        width: Numbers of a window vector.

    Raises:
        ModelError: The weights are missing or damaged, or the device is. With the first sound also: their trunk is
            missing, or another one.
    """

    def __init__(self, weights: Path = WEIGHTS, device: str = "auto", *, blank: float | None = None) -> None:
        import torch

        from .word_space import WIDTH

        self.device = torch.device(choose_device(device))
        self.weights = weights
        self._checkpoint = SpeechCheckpoint.open(weights)
        self._prosody = ProsodyEncoder()
        self.width = WIDTH
        self._blank = _stored_blank(self._checkpoint) if blank is None else blank
        self.phoneme_fingerprint = f"speech-{self._checkpoint.digest}" + (f"-{self._blank:g}" if self._blank else "")
        self.prosody_fingerprint = self._prosody.fingerprint

    @cached_property
    def _hearing(self) -> HearingNetwork:
        made = self._checkpoint.hearing().to(self.device)
        if made.trunk is not None:
            made.trunk.to(self.device)
        return made

    @cached_property
    def _windows(self) -> WindowEncoder:
        return self._checkpoint.windows(self._hearing.channels).to(self.device)

    @cached_property
    def _sequences(self) -> PhoneSequenceEncoder:
        return self._checkpoint.sequences().to(self.device)

    def encode(self, recording: Recording, state: Mapping[str, Any] | None = None) -> Iterator[Stretch]:
        """A recording's utterances, about ten minutes at a time.

        Args:
            state: Of the last stretch that is known already; encoding goes on behind it and gives what it would have
                given without the interruption.
        """
        at = int(state["at"]) if state else 0
        baseline = Baseline.from_json(state["baseline"]) if state else Baseline()
        end = recording.samples // FRAME * FRAME
        while at < end:
            stop = min(at + STRETCH // FRAME * FRAME, end)
            heard = self._hear(recording.read, at, stop, end)
            found = cut_utterances(heard.peaks, len(heard))
            done = stop
            if stop < end and found:
                done = at + found.pop()[0] * FRAME  # perhaps it goes on
            utterances = self._utterances(recording.read, heard, at, end, heard.spoken(found), baseline)
            at = done
            yield Stretch(utterances, {"at": at, "baseline": baseline.to_json()}, at if at < end else recording.samples)

    def hear(self, samples: Floats) -> tuple[Utterance, ...]:
        """A clip as a whole, for example a spoken question. *Shape:* (n,), float32 at 16 kHz."""

        def read(start: int, stop: int) -> Floats:
            return samples[start:stop]

        end = len(samples) // FRAME * FRAME
        heard = self._hear(read, 0, end, end)
        found = heard.spoken(cut_utterances(heard.peaks, len(heard)))
        return self._utterances(read, heard, 0, end, found, Baseline())

    def encode_pronunciations(self, pronunciations: Sequence[tuple[int, ...]]) -> Vectors:
        """Written words, by their phones, in the space of the windows. *Shape:* (n, width), unit rows."""
        import torch

        from .word_space import padded

        with torch.inference_mode():
            rows = [
                self._sequences(padded(list(pronunciations[at : at + 1024])).to(self.device)).float().cpu().numpy()
                for at in range(0, len(pronunciations), 1024)
            ]
        return np.concatenate(rows) if rows else np.empty((0, self.width), np.float32)

    def _hear(self, read: _Read, start: int, stop: int, end: int) -> _Heard:
        """What the network hears in samples ``[start, stop)`` of a sound of ``end`` samples, chunk by chunk.

        Chunks begin where attention windows do in the whole recording, so the same samples give the same numbers
        wherever a stretch begins.
        """
        import torch

        first, last, whole = start // FRAME, stop // FRAME, end // FRAME
        hearing = self._hearing
        features = [torch.empty(0, hearing.channels, device=self.device)]
        phones = [torch.empty(0, SYMBOLS, device=self.device)]
        step = _CORE if hearing.trunk is None else TRUNK_CORE
        core = first // step * step
        while core < last:
            begin, end_ = max(first, core), min(last, core + step)
            if hearing.trunk is None:
                low, high = begin // _ALIGNED * _ALIGNED - _MARGIN, end_ + _MARGIN
            else:  # a trunk's states depend on all that it is given, so it is always given the same
                low, high = core - TRUNK_MARGIN, core + step + TRUNK_MARGIN
            low, high = max(0, low), min(whole, high)
            feature, phone = self._run(read(low * FRAME, high * FRAME), slice(begin - low, end_ - low))
            features.append(feature)
            phones.append(phone)
            core += step
        joined = torch.cat(phones)
        return _Heard(torch.cat(features), joined, joined.cpu().numpy())

    def _run(self, samples: Floats, own: slice) -> tuple[Tensor, Tensor]:
        """Features and log-probabilities of some frames of a chunk. *Shape:* (T, C) and (T, SYMBOLS)."""
        import torch

        divided = len(samples) > _CLIP or self._hearing.trunk is not None
        with torch.inference_mode(), nullcontext() if divided else one_thread:
            given = torch.from_numpy(np.ascontiguousarray(samples)).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                heard = self._hearing(given)
            return heard.features[0, own].float(), heard.phones[0, own].float().log_softmax(-1)

    def _utterances(
        self,
        read: _Read,
        heard: _Heard,
        at: int,
        end: int,
        found: Sequence[_Cut],
        baseline: Baseline,
    ) -> tuple[Utterance, ...]:
        """Utterances of a stretch that begins at sample ``at``; the baseline takes in what it still wants."""
        contours = [_contour(read, at + start * FRAME, at + stop * FRAME, end) for start, stop, _ in found]
        for (start, stop, _), own in zip(found, contours, strict=True):
            if not baseline.settled:
                baseline.add(functionals(own), (stop - start) * FRAME / SAMPLE_RATE)
        return tuple(
            self._utterance(heard, at, start, stop, phrases, own, baseline)
            for (start, stop, phrases), own in zip(found, contours, strict=True)
        )

    def _utterance(
        self,
        heard: _Heard,
        at: int,
        start: int,
        stop: int,
        phrases: npt.NDArray[np.int64],
        own: Contour,
        baseline: Baseline,
    ) -> Utterance:
        import torch

        with torch.inference_mode(), one_thread:
            grid = torch.from_numpy(window_grid(stop - start).copy()).to(self.device)
            windows = self._windows(heard.features[start:stop], heard.phones[start:stop], grid).float().cpu().numpy()
        log_probabilities = heard.log_probabilities[start:stop]
        nuclei = np.exp(log_probabilities[:, _VOWELS]).sum(1)
        parts = [slice(0, stop - start), *(slice(low - start, high - start) for low, high in phrases.tolist())]
        return Utterance(
            start=at + start * FRAME,
            stop=at + stop * FRAME,
            posteriors=Posteriors.pack(log_probabilities, self._blank),
            windows=np.ascontiguousarray(windows),
            phrases=at + phrases * FRAME,
            manners=self._prosody.encode(np.stack([functionals(own.cut(part)) for part in parts]), baseline),
            measures=np.stack([measures(own.cut(part), nuclei[part], baseline) for part in parts]),
        )


def _stored_blank(checkpoint: SpeechCheckpoint) -> float:
    text = checkpoint.header.get("blank", "0")
    try:
        return float(text)
    except ValueError as error:
        raise ModelError(f"{checkpoint.path} takes {text!r} off the blank, which is no number: fit it anew") from error


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    features: Tensor
    phones: Tensor
    log_probabilities: Floats

    def __len__(self) -> int:
        return len(self.log_probabilities)

    @property
    def peaks(self) -> npt.NDArray[np.int64]:
        """Frames at which a phone is heard."""
        return np.flatnonzero(np.exp(self.log_probabilities[:, BLANK]) < _HEARD)

    def spoken(self, found: Sequence[_Cut]) -> list[_Cut]:
        """Those utterances in which somebody surely speaks."""
        blank = np.exp(self.log_probabilities[:, BLANK])
        return [one for one in found if blank[one[0] : one[1]].min() < _SURE]


def _contour(read: _Read, start: int, stop: int, end: int) -> Contour:
    """The prosodic contour of samples ``[start, stop)``, the same as if the whole recording had been measured."""
    low = max(0, (start - CONTEXT) // _PITCH_GRID * _PITCH_GRID)
    high = min(end, stop + CONTEXT)
    whole = contour(read(low, high))
    return whole.cut(slice((start - low) // FRAME, (stop - low) // FRAME))
