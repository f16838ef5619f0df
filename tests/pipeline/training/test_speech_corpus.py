"""A corpus of speech on disk, transcripts as phones, and recordings made into a corpus."""

from __future__ import annotations

import gzip
import json
import zipfile
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import SYMBOLS, phone_ids, phone_names
from octavo.pipeline.training.speech_corpus import SAMPLES, SYNTHESISERS, CorpusWriter, SpeechCorpus, Utterance
from octavo.pipeline.training.speech_sources import SYNTHETIC, build_real, read_canonical
from octavo.pipeline.training.speech_synthesis import TimedPhone
from octavo.pipeline.training.speech_texts import Transcriber, read_cmudict, sentences, texts, word_rows

if TYPE_CHECKING:
    from pathlib import Path

_IDS = st.lists(st.integers(1, SYMBOLS - 1), min_size=1, max_size=20).map(tuple)


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "cmudict.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "cmudict/cmudict",
            "A 1 AH0\nA 2 EY1\nBUS 1 B AH1 S\nCAT 1 K AE1 T\nDOG 1 D AO1 G\nTWENTY 1 T W EH1 N T IY0\n"
            "TWENTY 2 T W EH1 N IY0\nTWO 1 T UW1\nTHE 1 DH AH0\nTHE 2 DH AH1\nO'CLOCK 1 AH0 K L AA1 K\n",
        )
        archive.writestr("cmudict/README", "from somewhere")
    return path


@given(
    start=st.integers(0, 10**9),
    lengths=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 900)), max_size=12),
    phones=_IDS,
    text=st.text(),
)
def test_line_comes_back(
    start: int,
    lengths: list[tuple[int, int]],
    phones: tuple[int, ...],
    text: str,
) -> None:
    times, end = [], 0
    for gap, length in lengths:
        times.append(TimedPhone(1 + length % 39, end + gap, end + gap + length))
        end += gap + length
    utterance = Utterance(start, end + 1, "made:up", text, phones, tuple(times) or None)
    line = utterance.to_json()
    assert "\n" not in line
    assert Utterance.from_json(line) == utterance


def test_line_of_an_older_corpus_is_read() -> None:
    utterance = Utterance(3, 40, "made:up", "a", phone_ids("AH"))
    assert Utterance.from_json(json.dumps(json.loads(utterance.to_json()) | {"variants": ["EY"]})) == utterance


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": 0},
        {"phones": ()},
        {"phones": (0,)},
        {"phones": (SYMBOLS,)},
        {"times": (TimedPhone(1, 0, 101),)},
        {"times": (TimedPhone(1, 10, 20), TimedPhone(2, 19, 30))},
    ],
)
def test_utterance_checks_itself(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"start": 0, "samples": 100, "speaker": "a:b", "text": "x", "phones": (1,)}
    with pytest.raises(ValueError, match=r"utterance|phones are|does not lie"):
        Utterance(**(right | wrong))  # type: ignore[arg-type]


def test_synthesisers_are_known_by_their_names() -> None:
    assert set(SYNTHESISERS) == set(SYNTHETIC)
    assert Utterance(0, 1, "flite:slt", "", (1,)).synthetic
    assert not Utterance(0, 1, "ljspeech:LJ", "", (1,)).synthetic


def test_corpus_comes_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    spoken = [random.integers(-9000, 9000, size=n).astype(np.int16) for n in (400, 1, 977)]
    with CorpusWriter(tmp_path / "corpus") as writer:
        for number, pcm in enumerate(spoken):
            assert not (tmp_path / "corpus" / ".done").exists()
            writer.add(pcm, "made:up", f"text {number}", (number + 1,), times=(TimedPhone(number + 1, 0, 1),))
    corpus = SpeechCorpus(tmp_path / "corpus")
    assert (tmp_path / "corpus" / ".done").exists()
    assert len(corpus) == 3
    assert corpus.seconds == pytest.approx((400 + 1 + 977) / 16000)
    for number, pcm in enumerate(spoken):
        np.testing.assert_array_equal(corpus.pcm(number), pcm)
    assert (tmp_path / "corpus" / SAMPLES).read_bytes() == b"".join(pcm.tobytes() for pcm in spoken)


def test_cut_short_corpus_is_refused(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path) as writer:
        writer.add(np.zeros(100, np.int16), "made:up", "x", (1,))
    (tmp_path / SAMPLES).write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match="build it again"):
        SpeechCorpus(tmp_path)
    with pytest.raises(ModelError, match="holds no corpus"):
        SpeechCorpus(tmp_path / "nowhere")


def test_failed_build_is_not_done(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), CorpusWriter(tmp_path):
        raise ZeroDivisionError
    assert not (tmp_path / ".done").exists()


def test_dictionary_drops_stress_and_keeps_order(lexicon: Path) -> None:
    words = read_cmudict(lexicon)
    assert words["A"] == [phone_ids("AH"), phone_ids("EY")]
    assert words["THE"] == [phone_ids("DH AH")]


def test_transcripts_as_phones(lexicon: Path) -> None:
    asked = []

    def guess(word: str) -> tuple[int, ...] | None:
        asked.append(word)
        return phone_ids("Z IH P") if word == "zip" else None

    transcriber = Transcriber(read_cmudict(lexicon), guess)
    assert transcriber.tokens("The cat's 22 dogs’, o’clock!") == [
        "THE", "CAT'S", "TWENTY", "TWO", "DOGS'", "O'CLOCK",
    ]  # fmt: skip

    def first(text: str) -> str:
        words = transcriber.of_text(text)
        assert words is not None
        return phone_names([phone for word in words for phone in word[0]])

    assert first("the cat's dog's bus's") == "DH AH K AE T S D AO G Z B AH S IH Z"
    assert first("'cat' dog'") == "K AE T D AO G"
    assert first("Zip zip") == "Z IH P Z IH P"
    assert asked == ["zip"]
    assert transcriber.of_text("the qqq") is None
    assert transcriber.of_text("... !") is None
    assert transcriber.guessed == {"QQQ": "", "ZIP": "Z IH P"}


def test_texts_repeat_with_their_seed(tmp_path: Path) -> None:
    book = 'She was here. "Go away!" he said to\nher at once. TITLE OF IT ALL. Page [3] of it. One. Mr. Dog sat.\n'
    with gzip.open(tmp_path / "book.txt.gz", "wt") as file:
        file.write(book)
    found = sentences(tmp_path)
    assert "She was here." in found
    assert not any("[" in sentence or sentence.isupper() or len(sentence.split()) < 3 for sentence in found)
    rows = word_rows(["DOG", "CAT'S", "A", "CAT"])
    assert rows == ["Cat", "Dog"]
    drawn = list(islice(texts(found, rows, 7), 200))
    assert drawn == list(islice(texts(found, rows, 7), 200))
    assert drawn != list(islice(texts(found, rows, 8), 200))
    assert 5 < sum(text not in found for text in drawn) < 60


def test_folder_without_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no sentences"):
        sentences(tmp_path)


def test_recordings_become_a_corpus(tmp_path: Path, lexicon: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    speech = tmp_path / "speech"
    (speech / "train").mkdir(parents=True)
    (speech / "speechocean762_phones.txt").write_text("000010011.0\tDH_B AH0_E\n000010011.1\tK_B AA1_I T_E\n")
    random = np.random.default_rng(0)
    rows = []
    for audio, text in [("speechocean762_train/0001-000010011", "THE CAT"), ("other/x", "A cat"), ("other/y", "Qx %%")]:
        path = speech / "train" / f"{audio}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, random.integers(-999, 999, size=16000).astype(np.int16), 16000)
        rows.append({"audio": f"{audio}.wav", "speaker": f"{audio.split('/')[0]}:one", "text": text})
    rows.append(rows[1] | {"text": "a cat " * 40})
    (speech / "train" / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_canonical(speech / "speechocean762_phones.txt")["000010011"][1] == [phone_ids("K AA T")]

    report = build_real(speech, lexicon, tmp_path / "real", guess=lambda word: None)
    assert report["dropped"] == {"unpronounceable": 1, "more than 40 phones a second": 1}
    corpus = SpeechCorpus(tmp_path / "real")
    assert [phone_names(utterance.phones) for utterance in corpus.utterances] == ["DH AH K AA T", "AH K AE T"]
    assert corpus.utterances[0].times is None
    np.testing.assert_array_equal(corpus.pcm(0), np.random.default_rng(0).integers(-999, 999, size=16000))
