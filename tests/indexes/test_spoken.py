"""Typed words found in sound: by every utterance scored, and by what the index proposes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from octavo.indexes.sound.calibration import RIVALS, Calibration
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.keyword import Edges, Sought, places
from octavo.indexes.sound.spoken import PIECE_PHONES, SpokenHit, decide, pieces, propose, spoken, window_lengths
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.errors import FingerprintMismatch, ModelError
from octavo.pipeline.phones import phone_ids
from octavo.pipeline.posteriors import FRAME, window_grid

from .sound_world import CALIBRATION, LEXICON, FakePronouncer, FakeSpeech, Said, SoundSnapshot, phones_of

LINES = [
    "my router is broken",
    "please send the invoice again",
    "thank you",
    "the modem is my router",
    "router router please",
    "the supervisor is broken again please send my warranty",
    "the warranty is octavo",
    "send my invoice",
]


def world(slips: float = 0.0, copies: int = 1) -> SoundSnapshot:
    recordings: list[list[Said]] = []
    for copy in range(copies):
        for half in (LINES[:4], LINES[4:]):
            at, lines = 3200 * copy, []
            for text in half:
                lines.append(Said(len(recordings) + 1, text, at, slips))
                at += len(phones_of(text)) * 5 * FRAME + 16_000
            recordings.append(lines)
    return SoundSnapshot(recordings)


def hearing() -> Hearing:
    return Hearing(FakePronouncer(), FakeSpeech(), calibration=CALIBRATION, edges=Edges())


def ask(world: SoundSnapshot, word: str, **options: Any) -> list[SpokenHit]:
    ears = hearing()
    return spoken(ears.variants(word), cast(Snapshot, world), ears, **{"k": 10, **options})


def truth(world: SoundSnapshot, word: str) -> list[tuple[int, int, int]]:
    return [(line.content, start, stop) for line in world.lines for said, start, stop in line.words() if said == word]


@pytest.mark.parametrize("exhaustive", [True, False])
@pytest.mark.parametrize("word", ["router", "modem", "invoice", "supervisor", "warranty", "octavo"])
def test_a_word_is_found_where_it_is_said(word: str, exhaustive: bool) -> None:
    made = world()
    right = truth(made, word)
    hits = ask(made, word, exhaustive=exhaustive)
    assert len(hits) >= len(right)
    for hit in hits[: len(right)]:
        near = [(c, a, b) for c, a, b in right if c == hit.content and abs(a - hit.start) + abs(b - hit.stop) < 3200]
        assert near, f"{hit} is none of {right}"
        assert hit.heard in LEXICON[word]
        assert hit.asked in LEXICON[word]
    assert len({(hit.content, hit.start) for hit in hits[: len(right)]}) == len(right), "no place twice"
    assert all(a.probability >= b.probability for a, b in pairwise(hits))
    if len(hits) > len(right):
        assert hits[len(right) - 1].probability > 2 * hits[len(right)].probability


def test_edges_lie_within_a_frame_or_two() -> None:
    made = world()
    off = []
    for word in ("router", "invoice", "warranty"):
        right = truth(made, word)
        for hit in ask(made, word)[: len(right)]:
            _, start, stop = min(right, key=lambda one: abs(one[1] - hit.start) + (one[0] != hit.content) * 10**9)
            off += [abs(start - hit.start), abs(stop - hit.stop)]
    assert np.median(off) <= 2 * FRAME
    assert max(off) <= 4 * FRAME


def test_slips_of_the_ear_are_forgiven() -> None:
    made = world(slips=0.25, copies=2)
    for word in ("supervisor", "warranty", "invoice"):
        right = truth(made, word)
        hits = ask(made, word)[: len(right)]
        found = [
            (content, start)
            for content, start, _ in right
            if any(hit.content == content and abs(hit.start - start) < 3200 for hit in hits)
        ]
        assert len(found) >= len(right) - 1
        assert all(hit.score <= 0 and 0 < hit.probability < 1 for hit in hits)


def test_a_phrase_is_found_as_a_whole() -> None:
    made = world()
    hits = ask(made, "my router")
    assert (hits[0].content, hits[1].content) == (1, 1)
    assert {made.lines[hit.utterance - int(made.ids[0])].text for hit in hits[:2]} == {
        "my router is broken",
        "the modem is my router",
    }


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_long_phrase_is_chained_from_pieces(exhaustive: bool) -> None:
    made = world(copies=3)
    first = ask(made, "the supervisor is broken again please send", exhaustive=exhaustive)[:3]
    assert {made.lines[int(np.searchsorted(made.ids, hit.utterance))].text for hit in first} == {LINES[5]}
    assert all(hit.probability > 0.9 for hit in first)


def test_pieces_cover_a_keyword_in_order() -> None:
    for length in range(1, 40):
        phones = tuple(1 + (n % 39) for n in range(length))
        parts = pieces(phones)
        if length <= 11:
            assert parts == [phones]
            continue
        at = 0
        for part in parts:
            assert len(part) == PIECE_PHONES
            start = next(n for n in range(at, length) if phones[n : n + PIECE_PHONES] == part)
            assert start <= at + PIECE_PHONES
            at = start
        assert at + PIECE_PHONES == length


def test_several_places_in_one_utterance() -> None:
    made = world()
    utterance = int(made.ids[LINES.index("router router please")])
    hits = [hit for hit in ask(made, "router") if hit.utterance == utterance]
    assert len(hits) == 2
    assert hits[0].stop <= hits[1].start or hits[1].stop <= hits[0].start


def test_proposals_hold_what_scoring_everything_finds() -> None:
    made = world(slips=0.2, copies=12)
    ears = hearing()
    for word in LEXICON:
        variants = ears.variants(word)
        everything = spoken(variants, cast(Snapshot, made), ears, k=10, exhaustive=True)
        proposed = propose(variants, cast(Snapshot, made), ears, 64).utterances.tolist()
        if len(variants[0].phones) > 3:
            assert {hit.utterance for hit in everything[:5]} <= set(proposed)


def test_only_what_may_answer_answers() -> None:
    made = world()
    for exhaustive in (True, False):
        ranges = made.ranges()[1:]
        hits = ask(made, "router", ranges=ranges, exhaustive=exhaustive)
        assert {hit.content for hit in hits} == {2}


def test_nothing_is_fetched_twice_and_forgotten_with_the_generation() -> None:
    made, ears = world(), hearing()
    variants = ears.variants("router")
    for exhaustive in (True, False):
        made.fetched = 0
        for _ in range(3):
            spoken(variants, cast(Snapshot, made), ears, k=10, exhaustive=exhaustive)
        first = made.fetched
        assert 0 < first <= len(made.ids)
        made.generation += 1
        spoken(variants, cast(Snapshot, made), ears, k=10, exhaustive=exhaustive)
        assert made.fetched == 2 * first


def test_what_lies_nearer_is_likelier() -> None:
    made, ears = world(), hearing()
    variants = ears.variants("router")
    rows, frames = ears.heard_whole(cast(Snapshot, made), made.ranges())
    near = propose(variants, cast(Snapshot, made), ears, 64).nearness_of(rows.id)
    assert near.max() == 0
    best = decide(variants, rows, frames, ears, 1, near)[0]
    at = rows.id.tolist().index(best.utterance)
    near[at] -= 0.3
    assert decide(variants, rows, frames, ears, 50, near)[0].utterance != best.utterance
    (further,) = (
        hit
        for hit in decide(variants, rows, frames, ears, 50, near)
        if hit.start == best.start and hit.utterance == best.utterance
    )
    assert further.probability < best.probability
    assert further.score == best.score


def test_vectors_of_another_encoder_are_refused() -> None:
    made, ears = world(), hearing()
    cast(Any, ears.speech).phoneme_fingerprint = "other"
    with pytest.raises(FingerprintMismatch, match=r"fake-phoneme-1.*other"):
        spoken([Sought(phone_ids("R AW T ER"))], cast(Snapshot, made), ears, k=3, exhaustive=False)


def test_what_cannot_be_said_is_nowhere() -> None:
    assert ask(world(), "zzz") == []


def test_probability_rises_with_score_and_length_and_share() -> None:
    calibration = Calibration()

    def one(per_phone: float, phones: float, total: float) -> float:
        features = calibration.features(np.array([per_phone]), np.array([phones]), np.array([4.0 * phones]), total)
        return float(calibration.probabilities(features)[0])

    assert one(-0.5, 6, 1) > one(-1.5, 6, 1) > one(-3, 6, 1)
    assert one(-1, 9, 1) > one(-1, 4, 1)
    assert one(-1, 6, 1) > one(-1, 6, 20)


def test_a_calibration_survives_its_header() -> None:
    made = Calibration(bias=1.25, share=0.125)
    assert Calibration.from_json(made.to_json()) == made
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_json('{"slope": 3}')
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_json("[]")
    with pytest.raises(ValueError, match="above 0"):
        Calibration(phone_frames=0)


def test_a_place_of_a_variant_names_it() -> None:
    made = world()
    frames = hearing().heard_whole(cast(Snapshot, made), made.ranges())[1]
    router = [phone_ids(one) for one in LEXICON["router"]]
    assert all(place.variant == 0 for place in places(frames, router, least=-0.5, again=-0.5))


def test_a_fitted_calibration_is_calibrated() -> None:
    generator = np.random.default_rng(5)
    truth = Calibration(bias=1.0, per_phone=1.5, phones=0.7, haste=-0.8, share=0.4, nearness=0.9)
    features = generator.normal(size=(20_000, 5))
    said = generator.random(len(features)) < truth.probabilities(features)
    made = Calibration(prior=0.25).fitted(features, said)
    for name in ("bias", "per_phone", "phones", "haste", "share", "nearness"):
        assert getattr(made, name) == pytest.approx(getattr(truth, name), abs=0.1)
    assert made.prior == 0.25
    with pytest.raises(ValueError, match="both kinds"):
        Calibration().fitted(features, np.zeros(len(features), bool))


def test_a_doubtful_pronunciation_counts_less() -> None:
    made, ears = world(), hearing()
    router = phone_ids("R AW T ER")
    sure, doubtful = (
        spoken([Sought(router, chance)], cast(Snapshot, made), ears, k=1)[0].probability for chance in (0.0, -4.0)
    )
    assert sure > doubtful
    with pytest.raises(ValueError, match="at most 0"):
        Sought(router, 0.5)


@pytest.mark.parametrize("frames", [1, 13, 14, 15, 55, 56, 57, 100, 249, 750])
def test_lengths_of_windows_are_those_of_the_grid(frames: int) -> None:
    grid = window_grid(frames)
    numbers = np.arange(len(grid))
    assert window_lengths(numbers, np.full(len(grid), frames)).tolist() == (grid[:, 1] - grid[:, 0]).tolist()


def test_the_rest_of_a_collection_does_not_change_the_share_of_the_best() -> None:
    calibration = Calibration()
    proposed = -np.arange(RIVALS) / 4
    everything = np.concatenate((np.full(10_000, -8.0), proposed, np.full(500, -np.inf)))
    assert calibration.total(everything) == pytest.approx(calibration.total(proposed))
    assert calibration.total(proposed[:3]) == pytest.approx(np.exp(calibration.sharpness * proposed[:3]).sum())
