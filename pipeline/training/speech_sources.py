"""Where the corpora of speech come from: recordings with transcripts, and three synthesisers."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.context
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..phones import phone_ids
from .espeak_speech import espeak
from .speech_corpus import CorpusWriter
from .speech_synthesis import (
    FESTIVAL_VOICES,
    FLITE_VOICES,
    SAMPLE_RATE,
    Spoken,
    UnknownPhone,
    festival,
    flite,
    resample,
)
from .speech_texts import Transcriber, read_cmudict, sentences, texts, word_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


def build_real(
    speech: Path, lexicon: Path, folder: Path, guess: Callable[[str], tuple[int, ...] | None] | None = None
) -> dict[str, Any]:
    """Recordings of people, phones from canonical phones where there are any, else from the dictionary; no times.

    Args:
        guess: Says the phones of a word that is not in the dictionary; espeak-ng if None.

    Returns:
        What was done, for people: hours, utterances, speakers, dropped by reason.
    """
    canonical = read_canonical(speech / "speechocean762_phones.txt")
    transcriber = Transcriber(read_cmudict(lexicon), guess or say_word)
    dropped: Counter[str] = Counter()
    speakers: set[str] = set()
    with CorpusWriter(folder) as writer:
        for line in (speech / "train" / "manifest.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            words = canonical.get(Path(row["audio"]).stem.rsplit("-", 1)[-1])
            if words is None or not row["speaker"].startswith("speechocean762"):
                words = transcriber.of_text(row["text"])
            if words is None:
                dropped["unpronounceable"] += 1
                continue
            pcm = _decode(speech / "train" / row["audio"])
            phones = tuple(phone for word in words for phone in word[0])
            if len(pcm) < len(phones) * SAMPLE_RATE // 40:
                dropped["more than 40 phones a second"] += 1
                continue
            writer.add(pcm, row["speaker"], row["text"], phones)
            speakers.add(row["speaker"])
    return _report(writer, speakers, dropped) | {"guessed": len(transcriber.guessed)}


def read_canonical(path: Path) -> dict[str, list[list[tuple[int, ...]]]]:
    """Canonical phones of speechocean762: ``000010011.1<tab>K_B AO0_I L_E`` a line, a line a word.

    Returns:
        Utterance -> word by word, each with its one pronunciation.
    """
    found: dict[str, list[list[tuple[int, ...]]]] = {}
    for line in path.read_text("utf-8").splitlines():
        key, phones = line.split(maxsplit=1)
        ids = phone_ids(phone.split("_")[0] for phone in phones.split())
        found.setdefault(key.split(".")[0], []).append([ids])
    return found


def say_word(word: str) -> tuple[int, ...] | None:
    """How espeak-ng says a word that is in no dictionary; None where it uses phones that we do not know."""
    try:
        return espeak().say(word).phones
    except UnknownPhone:
        return None


def _decode(path: Path) -> NDArray[np.int16]:
    import soundfile

    pcm, rate = soundfile.read(path, dtype="int16", always_2d=True)
    return resample(np.ascontiguousarray(pcm[:, 0]), rate)


class Task(NamedTuple):
    """What one process says in one go."""

    number: int
    texts: tuple[str, ...]


class Said(NamedTuple):
    """One utterance said, None as `spoken` where it had to be dropped."""

    speaker: str
    text: str
    spoken: Spoken | None


def _say_espeak(seed: int, task: Task) -> list[Said]:
    """Accent, variant, rate, pitch and range drawn anew for each text."""
    random = np.random.default_rng([seed, 2, task.number])
    said = []
    for text in task.texts:
        accent = ACCENTS[random.choice(len(ACCENTS), p=_ACCENT_CHANCES)]
        variant = VARIANTS[random.integers(len(VARIANTS))]
        rate = int(np.exp(random.uniform(np.log(110), np.log(300))))
        pitch, range_ = int(random.integers(15, 90)), int(random.integers(20, 90))
        try:
            spoken = espeak().say(text, f"gmw/{accent}+{variant}", rate, pitch, range_)
        except UnknownPhone:
            spoken = None
        said.append(Said(f"espeak:{accent}+{variant}", text, spoken))
    return said


ACCENTS = ("en-US", "en", "en-GB-x-rp", "en-GB-scotland", "en-029", "en-GB-x-gbcwmd", "en-GB-x-gbclan", "en-US-nyc")
_ACCENT_CHANCES = (0.4, 0.12, 0.12, 0.1, 0.06, 0.06, 0.06, 0.08)
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "klatt", "klatt2", "klatt3",
    "klatt4", "klatt5", "klatt6", "croak", "whisper", "whisperf", "Alex", "Alicia", "Andrea", "Andy", "Annie",
    "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike",
    "Nguyen", "Storm", "adam", "anika", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward",
    "edward2", "grandma", "grandpa", "gustave", "iven", "iven2", "iven3", "iven4", "john", "kaukovalta", "linda",
    "marcelo", "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro",
    "shelby", "steph", "steph2", "steph3", "travis", "victor", "zac",
)  # fmt: skip
"""Variants of espeak-ng that sound like somebody; robots and announcers are left out."""

_FLITE_PITCH = {"slt": 170.0, "rms": 105.0, "awb": 115.0, "kal16": 110.0}


def _say_flite(seed: int, task: Task) -> list[Said]:
    random = np.random.default_rng([seed, 1, task.number])
    said = []
    for text in task.texts:
        voice = FLITE_VOICES[random.choice(len(FLITE_VOICES), p=(0.32, 0.32, 0.24, 0.12))]
        stretch = float(np.exp(random.uniform(np.log(0.75), np.log(1.5))))
        pitch = _FLITE_PITCH[voice] * 2 ** random.uniform(-4 / 12, 4 / 12)
        try:
            spoken = flite(text, voice, stretch, pitch)
        except UnknownPhone:
            spoken = None
        said.append(Said(f"flite:{voice}", text, spoken))
    return said


def _say_festival(seed: int, task: Task) -> list[Said]:
    """One voice and one stretch a task: festival takes long to start. Most from ked, whom flite does not have."""
    random = np.random.default_rng([seed, 3, task.number])
    voice = FESTIVAL_VOICES[random.choice(3, p=(0.15, 0.25, 0.6))]
    stretch = float(np.exp(random.uniform(np.log(0.8), np.log(1.4))))
    results = festival(list(task.texts), voice, stretch)
    return [Said(f"festival:{voice}", text, spoken) for text, spoken in zip(task.texts, results, strict=True)]


SYNTHETIC = {"flite": _say_flite, "espeak": _say_espeak, "festival": _say_festival}
"""Corpora made by synthesisers."""

_TEXTS_A_TASK = 16
_SHORTEST, _LONGEST = SAMPLE_RATE // 2, 15 * SAMPLE_RATE


def build_synthetic(
    name: str, lexicon: Path, text: Path, folder: Path, hours: float, seed: int, workers: int
) -> dict[str, Any]:
    """Speech of a synthesiser with exact times of its phones, until there are `hours` of it.

    Args:
        name: One of :data:`SYNTHETIC`.
        workers: Processes; the result does not depend on it.

    Returns:
        What was done, for people: hours, utterances, speakers, dropped by reason.
    """
    stream = list(SYNTHETIC).index(name)
    said = texts(sentences(text), word_rows(read_cmudict(lexicon)), seed * 1000 + stream)
    dropped: Counter[str] = Counter()
    speakers: set[str] = set()
    with (
        CorpusWriter(folder) as writer,
        _processes().Pool(workers, _one_thread, maxtasksperchild=1) as pool,
    ):
        for result in pool.imap(_Speaker(name, seed), _tasks(iter(said), hours)):
            for speaker, line, spoken in result:
                if spoken is None:
                    dropped["unmapped phone"] += 1
                elif not spoken.times or not _SHORTEST <= len(spoken.pcm) <= _LONGEST:
                    dropped["not of 0.5 to 15 s"] += 1
                else:
                    writer.add(spoken.pcm, speaker, line, spoken.phones, times=spoken.times)
                    speakers.add(speaker)
            if writer.samples >= hours * 3600 * SAMPLE_RATE:
                break
        pool.terminate()
    return _report(writer, speakers, dropped)


def _tasks(said: Iterator[str], hours: float) -> Iterator[Task]:
    """Enough tasks for the hours even if an utterance is no longer than a second: a pool reads all of them at once."""
    for number in range(int(hours * 3600 / _TEXTS_A_TASK) + 1):
        yield Task(number, tuple(islice(said, _TEXTS_A_TASK)))


class _Speaker:
    """What processes are sent: which synthesiser, and the seed."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.seed = name, seed

    def __call__(self, task: Task) -> list[Said]:
        return SYNTHETIC[self.name](self.seed, task)


def _processes() -> multiprocessing.context.ForkServerContext:
    """Fresh processes at little cost, one a task: espeak-ng remembers what it said, and each task must start alike."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Spoken.__module__, "torchaudio.functional"])
    return context


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _report(writer: CorpusWriter, speakers: set[str], dropped: Counter[str]) -> dict[str, Any]:
    return {
        "hours": round(writer.samples / SAMPLE_RATE / 3600, 3),
        "utterances": writer.utterances,
        "speakers": len(speakers),
        "dropped": dict(dropped),
    }
