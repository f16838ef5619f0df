"""Speech of espeak-ng with exact times of its phones, by its library and ctypes: no package, no process per text.

Formants, no recordings: hundreds of voices and accents, all with one set of formant targets. espeak-ng is under the
GPL, which binds neither the audio nor weights trained on it; nothing of a knowledge base loads it from here.

An utterance depends a little (its length by a hundredth, the phones never) on what the process said before it, because
espeak-ng keeps the state of its wave generator. A process that says the same texts in the same order says the same.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ModelError
from ..phones import phone_ids
from .espeak_phones import SILENCES, phones_of
from .speech_synthesis import SAMPLE_RATE, Spoken, TimedPhone, UnknownPhone, resample

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of espeak-ng's speak_lib.h; ``string`` is a union, and holds the mnemonic of a phone event."""

    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONE_EVENTS, _UTF8, _CHARACTERS = 2, 1, 1, 1
_STAY = 0x8000
"""``espeakINITIALIZE_DONT_EXIT``: without data the library would end the process, not say so."""
_WORD, _PHONE = 1, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_FASTEST = 450
"""Words a minute. Above it espeak-ng 1.51 squeezes the finished audio and its events no longer lie where they say."""

_STOPS = frozenset(phone_ids("B CH D G JH K P T"))
_LONGEST_CLOSURE = int(0.070 * SAMPLE_RATE)
_R, _ER, _AH = phone_ids("R ER AH")


class Espeak:
    """espeak-ng in this process. Its library keeps one state a process, so there is one object: :func:`espeak`."""

    def __init__(self) -> None:
        found, data = _installed()
        try:
            self._library = ctypes.CDLL(found)
        except OSError as error:
            raise ModelError(
                "espeak-ng is not installed: pip install espeakng-loader, or apt-get install espeak-ng"
            ) from error
        self._rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONE_EVENTS | _STAY))
        if self._rate <= 0:
            raise ModelError(f"espeak-ng did not start (code {self._rate}); are its data installed?")
        if hasattr(self._library, "espeak_ng_SetRandSeed"):  # from 1.52 on, which else begins with the time of day
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._pcm: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, int, str]] = []
        self._callback = _CALLBACK(self._heard)
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def _heard(self, pcm: Any, count: int, events: Any) -> int:
        if count > 0:
            self._pcm.append(np.ctypeslib.as_array(pcm, (count,)).copy())
        number = 0
        while events[number].type:
            event = events[number]
            if event.type in (_WORD, _PHONE):
                name = event.string.decode("utf-8", "replace") if event.type == _PHONE else ""
                self._events.append((event.type, event.sample, name))
            number += 1
        return 0

    def say(self, text: str, voice: str = "gmw/en-US", rate: int = 175, pitch: int = 50, range_: int = 50) -> Spoken:
        """Speak a text.

        Args:
            voice: File of a language and, after ``+``, of a variant: ``gmw/en-GB-scotland+f3``.
            rate: Words a minute, at most 450.
            pitch: Base pitch, 0 to 99.
            range_: Pitch range, 0 to 99.

        Raises:
            ModelError: No such voice.
            UnknownPhone: It said something that is in no table of ours.
        """
        if not 80 <= rate <= _FASTEST:
            raise ValueError(f"{rate} words a minute: give 80 to {_FASTEST}")
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ModelError(f"espeak-ng has no voice {voice!r}; `ls` its data's lang/gmw and voices/!v")
            self._voice = voice
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, range_)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pcm, self._events = [], []
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._pcm:
            raise UnknownPhone(f"espeak-ng says nothing for {text!r}")
        pcm = resample(np.concatenate(self._pcm), self._rate)
        scale = SAMPLE_RATE / self._rate
        spans = _espeak_spans(
            [(kind, min(round(sample * scale), len(pcm)), name) for kind, sample, name in self._events], len(pcm)
        )
        return Spoken(pcm, tuple(_closures_moved(pcm, spans)))


def _installed() -> tuple[str, bytes | None]:
    """The library, and the folder of its data where it does not know that itself: the wheel's, else the system's."""
    try:
        import espeakng_loader
    except ImportError:
        return ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1", None
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path().encode()


@cache
def espeak() -> Espeak:
    """The one espeak-ng of this process."""
    return Espeak()


def _espeak_spans(events: list[tuple[int, int, str]], samples: int) -> list[TimedPhone]:
    """Spans of phones: until the next event, R after a rhotic vowel joined to it, two phones of one event split."""
    starts: list[tuple[int, tuple[int, ...], str]] = []
    word_starts = True
    for kind, sample, name in events:
        if kind == _WORD:
            word_starts = True
            continue
        ids = phones_of(name)
        if ids is None:
            raise UnknownPhone(f"espeak-ng's {name!r} is in no table")
        if not ids and name not in SILENCES:
            continue
        if ids == (_R,) and starts and starts[-1][1] and (name == "r-" or not word_starts):
            begun, before, last = starts[-1]
            # "hearing", "fire and": the vowel brought its R already; British "over a": its schwa is ER before an R.
            if before[-1] in (_R, _ER):
                continue
            if name == "r-" and before == (_AH,):
                starts[-1] = (begun, (_ER,), last)
                continue
        starts.append((sample, ids, name))
        word_starts = False
    spans: list[TimedPhone] = []
    begun = 0
    held: tuple[int, ...] = ()
    for (start, ids, _), (stop, _, _) in pairwise([*starts, (samples, (), "")]):
        if not held:
            begun = start
        held += ids
        if stop > begun and held:  # phones that begin on one sample share the span
            edges = np.linspace(begun, stop, len(held) + 1).round().astype(int).tolist()
            if len(held) > 1 and held[-1] == _R:  # a vowel is longer than its R
                edges[-2] = round(begun + 0.65 * (stop - begun))
            if stop - begun < len(held):
                raise UnknownPhone("phones without room")
            spans.extend(TimedPhone(phone, *edge) for phone, edge in zip(held, pairwise(edges), strict=True))
            held = ()
    return spans


def _closures_moved(pcm: NDArray[np.int16], spans: list[TimedPhone]) -> list[TimedPhone]:
    """Give a stop its closure, which espeak-ng's events leave to the phone before: frames below 2 % of the peak."""
    level = 0.02 * float(np.abs(pcm).max(initial=0))
    hop = SAMPLE_RATE // 500
    moved = list(spans)
    for number, span in enumerate(spans):
        if span.phone not in _STOPS:
            continue
        earliest = max(0, span.start - _LONGEST_CLOSURE)
        if number:
            earliest = max(earliest, moved[number - 1].start + hop)
        start = span.start
        while start - hop >= earliest and np.abs(pcm[start - hop : start]).max(initial=0) < level:
            start -= hop
        moved[number] = span._replace(start=start)
        if number and moved[number - 1].stop > start:
            moved[number - 1] = moved[number - 1]._replace(stop=start)
    return moved
