"""What synthesisers say and where their phones lie. Needs Debian's espeak-ng and flite; skipped without them."""

from __future__ import annotations

import ctypes.util
import gzip
import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.phones import phone_ids, phone_names
from octavo.pipeline.training import espeak_phones
from octavo.pipeline.training.espeak_speech import _closures_moved, _espeak_spans, espeak
from octavo.pipeline.training.speech_corpus import SpeechCorpus
from octavo.pipeline.training.speech_sources import ACCENTS, VARIANTS, build_synthetic
from octavo.pipeline.training.speech_synthesis import (
    SAMPLE_RATE,
    Spoken,
    TimedPhone,
    UnknownPhone,
    _segments_to_spans,
    flite,
    resample,
)

if TYPE_CHECKING:
    from pathlib import Path

needs_espeak = pytest.mark.skipif(
    ctypes.util.find_library("espeak-ng") is None, reason="espeak-ng is not installed: apt-get install espeak-ng"
)
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed: apt-get install flite")
TEXT = "She sells my new azure car; the hungry judge ordered many a choice boy's button at his own house."


def test_mnemonics() -> None:
    assert espeak_phones.phones_of("A@") == phone_ids("AA R")
    assert espeak_phones.phones_of("aI3") == phone_ids("AY ER")
    assert espeak_phones.phones_of("@L") == phone_ids("AH L")
    assert espeak_phones.phones_of("_:") == () == espeak_phones.phones_of(";")
    assert espeak_phones.phones_of("no such") is None


def test_spans_of_events() -> None:
    word, phone = 1, 7
    # "hearing over": a pause, R after a rhotic vowel, a British schwa before a linking R, two phones in one event
    events = [
        (word, 100, ""), (phone, 100, "h"), (phone, 200, "i@3"), (phone, 400, "r"), (phone, 450, "I"),
        (phone, 480, ";"), (phone, 500, "_:"), (word, 600, ""), (phone, 600, "a#"), (phone, 700, "r-"),
        (word, 750, ""), (phone, 750, "r"), (phone, 800, "_"),
    ]  # fmt: skip
    spans = _espeak_spans(events, 1000)
    assert phone_names([span.phone for span in spans]) == "HH IH R IH ER R"
    assert [(span.start, span.stop) for span in spans] == [
        (100, 200), (200, 362), (362, 450), (450, 500), (600, 750), (750, 800),
    ]  # fmt: skip
    with pytest.raises(UnknownPhone, match="'%%'"):
        _espeak_spans([(phone, 0, "%%")], 10)


def test_phones_on_one_sample_share_its_span() -> None:
    spans = _espeak_spans([(7, 10, "l"), (7, 10, "j"), (7, 110, "u:")], 300)
    assert [tuple(span) for span in spans] == [
        (*phone_ids("L"), 10, 60), (*phone_ids("Y"), 60, 110), (*phone_ids("UW"), 110, 300),
    ]  # fmt: skip


@given(
    loud=st.integers(200, 4000),
    silent=st.integers(0, 3000),
    kind=st.sampled_from(["T", "S"]),
)
def test_stops_get_their_closure(loud: int, silent: int, kind: str) -> None:
    pcm = np.concatenate([np.full(loud, 5000), np.zeros(silent), np.full(400, 5000)]).astype(np.int16)
    vowel, consonant = *phone_ids("AA"), *phone_ids(kind)
    burst = loud + silent
    before, after = _closures_moved(pcm, [TimedPhone(vowel, 0, burst), TimedPhone(consonant, burst, len(pcm))])
    assert before.stop == after.start
    if kind == "S":
        assert after.start == burst
    else:
        assert burst - after.start == pytest.approx(min(silent, 1120), abs=31)
        assert not pcm[after.start : burst].any()


def test_segments() -> None:
    spans = _segments_to_spans([("pau", 0.1), ("ax", 0.2), ("el", 0.3), ("pau", 0.5)], 8000)
    assert [tuple(span) for span in spans] == [
        (*phone_ids("AH"), 1600, 3200), (*phone_ids("AH"), 3200, 4000), (*phone_ids("L"), 4000, 4800),
    ]  # fmt: skip
    with pytest.raises(UnknownPhone):
        _segments_to_spans([("qq", 0.1)], 8000)


def test_spoken_checks_itself() -> None:
    with pytest.raises(ValueError, match="does not lie in order"):
        Spoken(np.zeros(10, np.int16), (TimedPhone(1, 0, 11),))


def test_resampling_keeps_a_tone() -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)).astype(np.int16)
    brought = resample(tone, 22050)
    assert len(brought) == SAMPLE_RATE
    wanted = 8000 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    assert np.abs(brought - wanted)[100:-100].max() < 80


def _crossings(spoken: Spoken, phones: str) -> float:
    """Mean zero crossings a second inside phones."""
    ids = set(phone_ids(phones))
    parts = [spoken.pcm[timed.start : timed.stop].astype(float) for timed in spoken.times if timed.phone in ids]
    return float(np.mean([np.mean(np.diff(np.sign(part)) != 0) * SAMPLE_RATE / 2 for part in parts]))


def _silent_share(spoken: Spoken) -> float:
    """Power where no phone is, over the power of the whole."""
    silent = np.ones(len(spoken.pcm), bool)
    for timed in spoken.times:
        silent[timed.start : timed.stop] = False
    power = spoken.pcm.astype(float) ** 2
    return float(power[silent].mean() / power.mean())


def _plausible(spoken: Spoken) -> None:
    assert _crossings(spoken, "S SH") > 2000 > 1000 > _crossings(spoken, "M N")
    assert _silent_share(spoken) < 0.02
    lengths = [timed.stop - timed.start for timed in spoken.times]
    assert 0.05 < np.median(lengths) / SAMPLE_RATE < 0.15


@needs_espeak
def test_espeak_times_fit_its_audio() -> None:
    spoken = espeak().say(TEXT)
    _plausible(spoken)
    assert phone_names(spoken.phones).startswith("SH IY S EH L Z M AY")
    again = espeak().say(TEXT)
    assert spoken.phones == again.phones
    assert len(spoken.pcm) == pytest.approx(len(again.pcm), rel=0.01)


@needs_espeak
@pytest.mark.parametrize("accent", ACCENTS)
def test_every_accent_is_mapped(accent: str) -> None:
    _plausible(espeak().say(TEXT, f"gmw/{accent}+f2", rate=200, pitch=60, range_=70))


@needs_espeak
def test_every_variant_speaks() -> None:
    plain = len(espeak().say("Hi.").times)
    for variant in VARIANTS:
        assert len(espeak().say("Hi.", f"gmw/en-US+{variant}").times) == plain


@needs_espeak
def test_too_fast_is_refused() -> None:
    with pytest.raises(ValueError, match="words a minute"):
        espeak().say("hello", rate=500)


@needs_flite
def test_flite_times_fit_its_audio() -> None:
    spoken = flite(TEXT, "rms")
    _plausible(spoken)
    np.testing.assert_array_equal(spoken.pcm, flite(TEXT, "rms").pcm)
    slow = flite(TEXT, "rms", stretch=1.4)
    assert spoken.phones == slow.phones
    assert len(slow.pcm) / len(spoken.pcm) == pytest.approx(1.4, abs=0.1)


@needs_espeak
def test_corpus_does_not_depend_on_processes(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    with gzip.open(tmp_path / "text" / "book.txt.gz", "wt") as file:
        file.write("She was here at last. He went away to the sea. They never saw the two of them again.\n")
    with zipfile.ZipFile(tmp_path / "cmudict.zip", "w") as archive:
        archive.writestr("cmudict/cmudict", "DOG 1 D AO1 G\nCAT 1 K AE1 T\n")
    lexicon, text = tmp_path / "cmudict.zip", tmp_path / "text"
    reports = [
        build_synthetic("espeak", lexicon, text, tmp_path / str(workers), hours=0.03, seed=1, workers=workers)
        for workers in (1, 2)
    ]
    assert reports[0] == reports[1]
    assert "unmapped phone" not in reports[0]["dropped"]
    one, two = (SpeechCorpus(tmp_path / name) for name in "12")
    assert one.utterances == two.utterances
    assert one.seconds >= 108
    for number in range(len(one)):
        np.testing.assert_array_equal(one.pcm(number), two.pcm(number))
