"""A spoken question in, an answer out: understood as words of the knowledge base, and looked for as sound.

Documents are found through the words. The windows of the question propose terms by their pronunciation vectors, each
term's pronunciations are scored exactly on the question's own posteriors, and the terms that together explain most of
what was said are the words; they are then asked like typed ones. Recordings are found through the same words and,
where the question is no longer than a word or a phrase, by its sound itself (query by example), which needs no word to
be known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Utterance, Vectors
from ...pipeline.errors import EmptySource, QueryError
from ...pipeline.posteriors import FRAME, window_grid
from ...pipeline.recording import SAMPLE_RATE, Recording
from ...pipeline.scale import PHONEME, PRONUNCIATION
from ..confidence.assess import Beside, assessed_sound, settled
from ..hit import Answer, HeardWord, Hit, ranked
from ..retrieve import retrieve
from ..tracing import timed
from .frames import Frames
from .hits import NO_RECORDINGS, short, sound_hits
from .keyword import Alignment, Sought, best_phones, example, places
from .spoken import WINDOW_PHONES, SpokenHit, pieces, spoken

if TYPE_CHECKING:
    from ..filter import Filter
    from ..notes import Notes
    from ..ranges import Ranges
    from ..retrieve import Encoders
    from ..snapshot import Snapshot
    from .hearing import Hearing

QUESTION_SECONDS: Final = 60
"""A longer recording is refused: it is no question."""

TERMS_A_WINDOW: Final = 24
MOST_TERMS: Final = 400
"""Terms whose pronunciations are scored for an utterance of a question."""
TERM_VARIANTS: Final = 2

WORTH_A_PHONE: Final = 1.6
"""Nats that a phone of a word may cost before nothing explains that part of the question better than the word does."""
COST_OF_A_WORD: Final = 3.0
"""Nats that a word costs by itself, so that one long word is better than the short ones that sound like its parts. Of
0.5 to 6 the best on speech held out of training, asked of a collection of 6,000 words."""

SURE: Final = 0.5
"""Probability from which a place found by example joins the hits of the words."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of a spoken question.

    Attributes:
        query: The words, to be asked like typed ones; "" if none was understood.
        words: With their times in the question; those of a recogniser have none and are not here.
    """

    query: str
    words: tuple[HeardWord, ...]


def listen_to(path: Path, hearing: Hearing) -> tuple[Utterance, ...]:
    """The utterances of a recorded question.

    Raises:
        SourceError: The file cannot be read, or is no recording.
        QueryError: It is too long for a question.
    """
    from ...pipeline.reading import Reader

    with Reader() as reader:
        read = reader.read(path)
    if not isinstance(read, Recording):
        raise QueryError(f"{path} is a {read.source.media_type}, not a recording: ask it as text")
    with read as recording:
        if recording.seconds > QUESTION_SECONDS:
            raise QueryError(
                f"{path} lasts {recording.seconds:.0f} s, a question at most {QUESTION_SECONDS} s: cut the question"
                " out, or ingest the recording"
            )
        utterances = hearing.speech.hear(recording.read(0, recording.samples))
    if not utterances:
        raise EmptySource(f"no speech is heard in {path}: record the question again, nearer to the microphone")
    return utterances


def ask_aloud(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    encoders: Encoders,
    *,
    k: int = 5,
    budget: int | None = None,
    scales: Sequence[str] = (),
    where: Filter | None = None,
    sounds: Ranges | None = None,
    words: str | None = None,
    abstain_below: float | None = None,
    notes: Notes | None = None,
) -> Answer:
    """Answer a spoken question.

    Args:
        k, budget, scales, where, sounds: As for :func:`octavo.indexes.retrieve.retrieve`; with the scale ``phoneme``
            alone the question is an example, and every hit a place in a recording where it is said again.
        words: What a speech recogniser made of the question, where there is one.
        abstain_below: Confidence below which the answer abstains.
        notes: Gets what led to the answer.

    Raises:
        QueryError: An option makes no sense.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    hearing = encoders.hearing
    began = perf_counter()
    timings: dict[str, float] = {}
    ranges = snapshot.contents(where) if where and sounds is None else sounds
    if tuple(scales) == (PHONEME.name,):
        if budget is not None:
            raise QueryError(f"a budget of {budget} characters means nothing for places in recordings: ask with -k")
        answer = _by_sound(utterances, snapshot, hearing, k, where, ranges, began, notes)
        return assessed_sound(answer, snapshot, abstain_below)
    with timed(timings, "understand"):
        understood = understand(utterances, snapshot, hearing, words)
    examples: list[SpokenHit] = []
    if budget is None and (not scales or PHONEME.name in scales):
        with timed(timings, "example"):
            whole = not understood.query or _phones(utterances) <= WINDOW_PHONES
            examples = by_example(utterances, snapshot, hearing, k=k, ranges=ranges) if whole else []
        if notes is not None:
            notes.said = examples
    if not understood.query:
        hits = tuple(sound_hits(examples, snapshot, where))
        warning = "no word of the knowledge base was understood in the question: these places only sound like it"
        timings["total"] = (perf_counter() - began) * 1000
        answer = Answer("", snapshot.generation, hits, timings, warnings=(warning,))
        return assessed_sound(answer, snapshot, abstain_below)
    sure = [one for one in examples if one.probability >= SURE]
    answer = retrieve(
        understood.query,
        snapshot,
        encoders,
        k=k,
        budget=budget,
        scales=scales,
        where=where,
        sounds=sounds,
        beside=Beside(abstain_below, _certainty(understood), max((one.probability for one in sure), default=0.0)),
        notes=notes,
    )
    timings = {**answer.timings_ms, **timings, "total": (perf_counter() - began) * 1000}
    return replace(
        settled(answer, _merged(answer.hits, sound_hits(sure, snapshot, where), k) if sure else answer.hits),
        heard_words=understood.words,
        timings_ms=timings,
    )


def _certainty(understood: Understood) -> float:
    """Share of the words that are those that were said; 1 for what a recogniser wrote, which says nothing of itself."""
    words = understood.query.split()
    doubt = sum(1 - word.probability for word in understood.words if word.text in words)
    return max(0.0, 1 - doubt / max(len(words), 1))


def by_example(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    hearing: Hearing,
    *,
    k: int,
    ranges: Ranges | None = None,
    exhaustive: bool | None = None,
) -> list[SpokenHit]:
    """Places where a spoken example is said again; of a long one, where parts of it are.

    The likeliest phone sequences of the example are the keyword; its windows are looked for beside them.
    """
    found: list[SpokenHit] = []
    for utterance in utterances:
        ways = example(utterance.posteriors)
        if not ways:
            continue
        if len(ways[0].phones) > WINDOW_PHONES:
            ways = [Sought(piece) for piece in pieces(ways[0].phones)]
        windows = telling_windows(utterance)
        found += spoken(ways, snapshot, hearing, k=k, ranges=ranges, exhaustive=exhaustive, example=windows)
    return _distinct(found)[:k]


def telling_windows(utterance: Utterance) -> Vectors:
    """The windows that hold what is said in an example and little else: of a longer one, all that are full of speech.

    *Shape:* (n, width)
    """
    grid = window_grid(len(utterance.posteriors))
    peaks = np.flatnonzero(utterance.posteriors.symbols[:, 0] != 0)
    if not len(peaks):
        return utterance.windows[:0]
    first, last = int(peaks[0]), int(peaks[-1]) + 1
    inside = np.minimum(grid[:, 1], last) - np.maximum(grid[:, 0], first)
    union = np.maximum(grid[:, 1], last) - np.minimum(grid[:, 0], first)
    overlap = inside / union
    # The last of the longest windows may be the whole example, cut off by its end; others of its kind are then too.
    telling: Vectors = utterance.windows[overlap >= 0.9 * overlap.max()]
    return telling


def understand(
    utterances: Sequence[Utterance], snapshot: Snapshot, hearing: Hearing, words: str | None = None
) -> Understood:
    """The words of the knowledge base that are said in a question, and those that a recogniser heard beside them."""
    heard: list[HeardWord] = []
    if snapshot.holds(PRONUNCIATION):
        for utterance in utterances:
            heard += _words(utterance, snapshot, hearing)
    known = (words or "").split()
    have = {word.strip(".,;:?!").casefold() for word in known}
    further = [word.text for word in heard if word.text.casefold() not in have]
    return Understood(" ".join([*known, *further]), tuple(heard))


def _words(utterance: Utterance, snapshot: Snapshot, hearing: Hearing) -> list[HeardWord]:
    terms = _proposed(utterance, snapshot)
    if not terms:
        return []
    frames = Frames.of([utterance.posteriors])
    spoken_as = hearing.pronouncer.variants_of([text for text, _ in terms], TERM_VARIANTS)
    found: list[tuple[Alignment, int]] = []
    for number, variants in enumerate(spoken_as):
        if variants:
            least = -WORTH_A_PHONE
            ways = [one.phones for one in variants]
            found += [(place, number) for place in places(frames, ways, least=least, again=least)]
    if not found:
        return []
    frequency = snapshot.document_frequency([stem for _, stem in terms])
    chosen = cover([place for place, _ in found], [int(frequency[number]) for _, number in found])
    probabilities = _probabilities([place for place, _ in found], hearing)
    start = utterance.start
    return [
        HeardWord(
            terms[found[at][1]][0],
            (start + found[at][0].start * FRAME) / SAMPLE_RATE,
            (start + found[at][0].stop * FRAME) / SAMPLE_RATE,
            float(probabilities[at]),
        )
        for at in chosen
    ]


def _proposed(utterance: Utterance, snapshot: Snapshot) -> list[tuple[str, int]]:
    """Terms that sound like some window of the question, with their stems."""
    near = snapshot.index(PRONUNCIATION).search(utterance.windows, TERMS_A_WINDOW)
    ids, row = np.unique(near.ids[near.ids >= 0], return_inverse=True)
    nearest = np.full(len(ids), -1.0)
    np.maximum.at(nearest, row, near.scores[near.ids >= 0])
    return snapshot.terms(ids[np.argsort(-nearest, kind="stable")[:MOST_TERMS]])


def cover(candidates: Sequence[Alignment], frequency: Sequence[int]) -> list[int]:
    """The candidates that do not overlap and together explain most of what was said, in order of time.

    A candidate is worth the phones that it explains, less what they cost: a sum over words, so the best choice follows
    from the best choice for every shorter beginning of the question (weighted interval scheduling). Of two that are
    worth the same, such as words that sound alike, the more frequent one is taken.
    """
    order = sorted(range(len(candidates)), key=lambda at: candidates[at].peaks[-1][1])
    ends = [candidates[at].peaks[-1][1] for at in order]
    best: list[tuple[float, int, tuple[int, ...]]] = [(0.0, 0, ())]
    for position, at in enumerate(order):
        one = candidates[at]
        worth = one.score + WORTH_A_PHONE * one.phones - COST_OF_A_WORD
        before = best[bisect_right(ends, one.peaks[0][0], hi=position)]
        taken = (round(before[0] + worth, 6), before[1] + frequency[at], (*before[2], at))
        best.append(max(best[-1], taken, key=lambda way: way[:2]))
    return list(best[-1][2])


def _probabilities(found: Sequence[Alignment], hearing: Hearing) -> npt.NDArray[np.float64]:
    """That each candidate was said, rather than those that overlap it. *Shape:* (n,)"""
    calibration = hearing.calibration
    per_phone = np.array([one.per_phone for one in found])
    phones = np.array([float(one.phones) for one in found])
    start = np.array([one.peaks[0][0] for one in found])
    stop = np.array([one.peaks[-1][1] for one in found])
    frames = np.array([float(one.peaks[-1][0] - one.peaks[0][0]) for one in found])
    evidence = calibration.evidence(per_phone)
    made = np.empty(len(found))
    for at in range(len(found)):
        # A part of the same length or more speaks against; a short word inside a long one does not.
        rivals = (start < stop[at]) & (start[at] < stop) & (phones >= phones[at])
        total = float(evidence[rivals].sum())
        features = calibration.features(per_phone[at : at + 1], phones[at : at + 1], frames[at : at + 1], total)
        made[at] = calibration.probabilities(features)[0]
    return made


def _by_sound(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    hearing: Hearing,
    k: int,
    where: Filter | None,
    ranges: Ranges | None,
    began: float,
    notes: Notes | None,
) -> Answer:
    found = by_example(utterances, snapshot, hearing, k=k, ranges=ranges)
    if notes is not None:
        notes.said = found
    warnings: tuple[str, ...] = () if snapshot.holds(PHONEME) else (NO_RECORDINGS,)
    keywords = [best_phones(one.posteriors) for one in utterances]
    if not warnings and any(keywords):
        warnings = short("the example", [max(keywords, key=len)])
    hits = tuple(sound_hits(found, snapshot, where))
    return Answer("", snapshot.generation, hits, {"total": (perf_counter() - began) * 1000}, warnings=warnings)


def _phones(utterances: Iterable[Utterance]) -> int:
    return sum(len(best_phones(one.posteriors)) for one in utterances)


def _distinct(found: Iterable[SpokenHit]) -> list[SpokenHit]:
    """Each place once, the likeliest first."""
    chosen: list[SpokenHit] = []
    for one in sorted(found, key=lambda hit: (-hit.probability, hit.utterance, hit.start)):
        beside = (other for other in chosen if other.utterance == one.utterance)
        if all(one.stop <= other.start or other.stop <= one.start for other in beside):
            chosen.append(one)
    return chosen


def _merged(hits: Sequence[Hit], examples: Sequence[Hit], k: int) -> tuple[Hit, ...]:
    """Hits of the words and of the sound itself; a place that both found is the words'."""
    best = max((hit.score for hit in hits), default=1.0)
    made = list(hits)
    for one in examples:
        if not any(_same(one, hit) for hit in hits):
            score = one.score * best
            made.append(replace(one, score=score, contributions={PHONEME.name: score}))
    return ranked(made, k)


def _same(one: Hit, other: Hit) -> bool:
    """Whether two hits cite the same time of a recording."""
    if one.citation.source.sha256 != other.citation.source.sha256:
        return False
    a, b = (next(iter(hit.citation.places), None) for hit in (one, other))
    if a is None or b is None or a.start_seconds is None or b.start_seconds is None:
        return False
    return a.start_seconds < (b.stop_seconds or 0) and b.start_seconds < (a.stop_seconds or 0)
