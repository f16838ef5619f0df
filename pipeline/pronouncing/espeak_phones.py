"""Pronunciations of the optional espeak-ng, in our phones.

The packages ``phonemizer`` and ``espeakng-loader`` are under the GPL, so nothing here is imported unless they are
installed (``pip install "octavo[espeak]"``), and everything works without them. With them, words of other scripts are
pronounced too, by the voice most usual for the script, and their sounds taken for the nearest English ones.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ..errors import ModelError
from ..phones import phone_ids

ENGLISH: Final = "en-us"

_VOICES: Final = {
    "GREEK": "el", "CYRILLIC": "ru", "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta",
    "TELUGU": "te", "GUJARATI": "gu", "GURMUKHI": "pa", "KANNADA": "kn", "MALAYALAM": "ml", "SINHALA": "si",
    "THAI": "th", "GEORGIAN": "ka", "ARMENIAN": "hy", "ETHIOPIC": "am", "HANGUL": "ko", "HIRAGANA": "ja",
    "KATAKANA": "ja", "CJK": "cmn",
}  # fmt: skip
"""Script, as Unicode names letters, to voice. A script of several languages gets the one most written in it."""

_SOUNDS: Final = {
    # vowels
    "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "e": "EY", "eɪ": "EY", "ei": "EY", "ɛ": "EH", "ɛɪ": "EY",
    "æ": "AE", "a": "AA", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "o": "OW", "oʊ": "OW", "əʊ": "OW", "ou": "OW",
    "ʊ": "UH", "u": "UW", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɘ": "AH", "ɤ": "AH", "ɚ": "ER", "ɝ": "ER", "ɜ": "ER",
    "aɪ": "AY", "ai": "AY", "aʊ": "AW", "au": "AW", "ɔɪ": "OY", "oi": "OY", "ɔø": "OY", "y": "UW", "ʏ": "UH",
    "ø": "ER", "œ": "ER", "ɯ": "UH", "ɵ": "UH", "ʉ": "UW", "ɶ": "AE",
    # consonants
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "tʃ": "CH", "dʒ": "JH", "f": "F",
    "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "ɦ": "HH", "m": "M",
    "n": "N", "ŋ": "NG", "l": "L", "ɫ": "L", "ɬ": "L", "ɹ": "R", "r": "R", "ɾ": "R", "ʁ": "R", "ʀ": "R", "ɻ": "R",
    "ɽ": "R", "j": "Y", "w": "W", "ɲ": "N Y", "ʎ": "L Y", "c": "K", "ɟ": "G", "ɣ": "G", "x": "K", "χ": "K",
    "c\u0327": "HH", "ʝ": "Y", "ħ": "HH", "β": "V", "ɸ": "F", "ʋ": "V", "ʂ": "SH", "ɕ": "SH", "ʐ": "ZH", "ʑ": "ZH",
    "tɕ": "CH", "tʂ": "CH", "dʑ": "JH", "dʐ": "JH", "q": "K", "ɢ": "G", "ɭ": "L", "ɳ": "N", "ɱ": "M", "ɴ": "NG",
    "ʈ": "T", "ɖ": "D", "ɥ": "W", "ʍ": "W", "ʔ": "", "ʕ": "", "n\u0329": "AH N", "l\u0329": "AH L", "m\u0329": "AH M",
    "ɹ\u0329": "ER",
}  # fmt: skip
"""International phonetic alphabet to the nearest of our phones; lengths, tones and other marks are dropped before."""

_ENGLISH_SOUNDS: Final = {"ɾ": "T", "ʔ": "T"}
"""American t in "little" and "button"."""

_MEANT: Final = ("\u0329", "\u0327")
"""Combining marks that make another sound: of a syllabic consonant, of the ch in German "ich"."""

_KEPT = re.compile("|".join(sorted(map(re.escape, _SOUNDS), key=len, reverse=True)))


def is_installed() -> bool:
    """Whether the extra ``espeak`` is there; imports nothing."""
    return all(importlib.util.find_spec(name) is not None for name in ("phonemizer", "espeakng_loader"))


def phones_of_ipa(sounds: str, *, english: bool = True) -> tuple[int, ...]:
    """Ids of the phones nearest to ``sounds`` of the international phonetic alphabet; unknown signs are left out."""
    # The ties of affricates and the marks of length, stress and tone go; what makes another sound stays.
    signs = unicodedata.normalize("NFD", re.sub("[ːˑˈˌʰʲʷˠˤ˞\\d]", "", sounds))
    plain = "".join(sign for sign in signs if sign in _MEANT or not unicodedata.combining(sign))
    found: list[str] = []
    for match in _KEPT.finditer(plain):
        sound = match[0]
        phones = (_ENGLISH_SOUNDS.get(sound) if english else None) or _SOUNDS[sound]
        for phone in phones.split():
            if not (english and phone == "R" and found and found[-1] == "ER"):  # CMUdict has HH ER IY for "hurry"
                found.append(phone)
    return phone_ids(found)


def voice_of(word: str) -> str:
    """Name of the voice for the script of ``word``; English for Latin and unknown ones."""
    for letter in word:
        script = unicodedata.name(letter, "").partition(" ")[0]
        if script in _VOICES:
            return _VOICES[script]
    return ENGLISH


def espeak_version() -> str:
    """Version of the library, for fingerprints."""
    return ".".join(map(str, _backend(ENGLISH).version()))


def espeak_pronunciations(words: Sequence[str]) -> list[tuple[int, ...]]:
    """Phones of each word, by the voice of its script; empty where espeak-ng has no voice or says nothing.

    Raises:
        ModelError: The extra is not installed, or its library cannot be loaded.
    """
    from phonemizer.separator import Separator

    separator = Separator(phone=" ", word="|", syllable="")
    result: list[tuple[int, ...]] = [()] * len(words)
    voices = [voice_of(word) for word in words]
    for voice in sorted(set(voices)):
        backend = _backend(voice)
        if backend is None:
            continue
        places = [place for place, name in enumerate(voices) if name == voice]
        said = backend.phonemize([words[place] for place in places], separator=separator, strip=True)
        for place, sounds in zip(places, said, strict=True):
            result[place] = phones_of_ipa(sounds, english=voice == ENGLISH)
    return result


@lru_cache(maxsize=8)
def _backend(voice: str) -> Any:
    if not is_installed():
        raise ModelError('espeak-ng is not installed: pip install "octavo[espeak]", or leave espeak out')
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    quiet = logging.getLogger("octavo.espeak")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False  # it warns of every word that changes its language
    try:
        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        if not EspeakBackend.is_supported_language(voice):
            return None
        return EspeakBackend(voice, with_stress=False, language_switch="remove-flags", logger=quiet)
    except (RuntimeError, OSError) as error:
        raise ModelError(f"espeak-ng cannot be loaded ({error}): reinstall it, or leave espeak out") from error
