"""Typed words against recordings in a real knowledge base: hits, citations, JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.expand import QueryTerm
from octavo.indexes.hit import Answer, Hit
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.sound.as_written import as_written
from octavo.indexes.sound.joined import LEAST_SHARE, HeardIn, Listened, listened_for, phrases
from octavo.indexes.sound.spoken import SpokenHit, spoken
from octavo.indexes.store.filter import Filter
from octavo.pipeline.errors import QueryError
from octavo.pipeline.posteriors import FRAME
from octavo.pipeline.scale import Medium

from .library import MANUAL, BagOfWords, document, encoded
from .sound_world import LEXICON, PHONE_FRAMES, encoders_of, kb_of, phones_of, recording_of

CALL = ["my router is broken", "please send the invoice again", "thank you"]
MEMO = ["the modem is my router", "send my warranty"]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "answer.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("sound")
    return kb_of(
        folder / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        recording_of(folder, "call", CALL, start_us=2_500_000),
        recording_of(folder, "memo", MEMO, transcribed=True),
    )


def ask(kb: KnowledgeBase, question: str, encoders: Encoders | None = None, **options: Any) -> Answer:
    with kb.snapshot() as snapshot:
        return retrieve(question, snapshot, encoders or encoders_of(), **options)


def test_a_word_is_cited_by_its_time(kb: KnowledgeBase) -> None:
    answer = ask(kb, "invoice", scales=("phoneme",))
    hit = answer.hits[0]
    start = 16_000 + len(phones_of(CALL[0])) * PHONE_FRAMES * FRAME + 16_000
    start += len(phones_of("please send the")) * PHONE_FRAMES * FRAME
    stop = start + len(phones_of("invoice")) * PHONE_FRAMES * FRAME
    assert Path(hit.citation.source.uri).name == "call.wav"
    assert abs(hit.citation.start - start) <= 3 * FRAME
    assert abs(hit.citation.stop - stop) <= 3 * FRAME
    place = hit.citation.places[0]
    assert place.start_seconds == pytest.approx(2.5 + hit.citation.start / 16_000)
    assert place.stop_seconds == pytest.approx(2.5 + hit.citation.stop / 16_000)
    assert hit.scale == "phoneme"
    assert hit.heard == LEXICON["invoice"][0]
    assert hit.text == ""
    assert hit.citation.medium is Medium.AUDIO
    assert hit.contributions == {"phoneme": hit.score}
    assert 0.5 < hit.score <= 1


def test_words_of_a_transcript_come_along(kb: KnowledgeBase) -> None:
    hits = ask(kb, "router", scales=("phoneme",)).hits
    assert {Path(hit.citation.source.uri).name for hit in hits[:2]} == {"call.wav", "memo.wav"}
    texts = {Path(hit.citation.source.uri).name: hit.text for hit in hits[:2]}
    assert texts["call.wav"] == ""
    assert "router" in texts["memo.wav"]


def test_places_are_listed_once_best_first(kb: KnowledgeBase) -> None:
    hits = ask(kb, "router", scales=("phoneme",), k=50).hits
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    by_source: dict[str, list[tuple[int, int]]] = {}
    for hit in hits:
        by_source.setdefault(hit.citation.source.uri, []).append((hit.citation.start, hit.citation.stop))
    assert all(len(spans) == len(set(spans)) for spans in by_source.values())


def test_json_fits_the_schema(kb: KnowledgeBase) -> None:
    for question, options in (
        ("router", {"scales": ("phoneme",), "k": 9}),
        ("is", {"scales": ("phoneme",)}),
        ("zzz", {"scales": ("phoneme",)}),
        ("send warranty", {"scales": ("sentence",)}),
    ):
        jsonschema.validate(json.loads(json.dumps(ask(kb, question, **options).to_json())), SCHEMA)
    hit = ask(kb, "router", scales=("phoneme",)).to_json()["hits"][0]
    assert set(hit["place"]) == {"start_seconds", "stop_seconds"}


def test_a_transcript_is_cited_by_time(kb: KnowledgeBase) -> None:
    hit = ask(kb, "send my warranty", scales=("sentence",)).hits[0]
    assert hit.text == "Send my warranty."
    assert hit.citation.medium is Medium.TEXT
    place = hit.citation.places[0]
    assert place.start_seconds is not None
    assert place.stop_seconds is not None
    said = len(phones_of(MEMO[0])) * PHONE_FRAMES * FRAME
    assert place.start_seconds == pytest.approx((32_000 + said) / 16_000)
    assert place.page is None


def test_short_words_come_with_a_warning(kb: KnowledgeBase) -> None:
    answer = ask(kb, "is", scales=("phoneme",))
    assert answer.hits
    assert "only 2" in answer.warnings[0]
    assert ask(kb, "router", scales=("phoneme",)).warnings == ()


def test_what_cannot_be_said_is_said(kb: KnowledgeBase) -> None:
    answer = ask(kb, "zzz", scales=("phoneme",))
    assert answer.hits == ()
    assert "no pronunciation" in answer.warnings[0]


def test_filters_hold_for_sound(kb: KnowledgeBase) -> None:
    hits = ask(kb, "router", scales=("phoneme",), where=Filter(sources=("*memo*",)), k=20).hits
    assert {Path(hit.citation.source.uri).name for hit in hits} == {"memo.wav"}


def test_without_recordings_nothing_is_found_and_it_says_why(tmp_path: Path) -> None:
    kb = kb_of(tmp_path / "kb", encoded(document("manual.md", MANUAL), BagOfWords()))
    answer = ask(kb, "router", scales=("phoneme",))
    assert answer.hits == ()
    assert "no recordings" in answer.warnings[0]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"scales": ("phoneme",), "budget": 0}, "budget is 0"),
        ({"scales": ("prosody",)}, "--like"),
        ({"scales": ("phoneme",), "k": 0}, "0 hits"),
    ],
)
def test_nonsense_is_refused(kb: KnowledgeBase, options: dict[str, Any], what: str) -> None:
    with pytest.raises(QueryError, match=what):
        ask(kb, "router", **options)


def test_the_text_model_is_not_loaded_for_a_word_in_recordings(kb: KnowledgeBase) -> None:
    only_ears = Encoders(hearing=encoders_of().hearing, model="/nowhere")
    assert ask(kb, "router", only_ears, scales=("phoneme",)).hits
    assert "text" not in vars(only_ears)


# Text and sound in one list


def test_an_utterance_ranks_beside_text(kb: KnowledgeBase) -> None:
    answer = ask(kb, "supervisor invoice", k=10)
    sound = [hit for hit in answer.hits if hit.scale == "phoneme"]
    assert Path(sound[0].citation.source.uri).name == "call.wav"
    assert sound[0].heard == LEXICON["invoice"][0]
    text = [hit for hit in answer.hits if hit.scale != "phoneme"]
    assert "invoice" in text[0].text
    assert "listen" in answer.timings_ms


def test_a_word_that_no_text_holds_comes_before_text(kb: KnowledgeBase) -> None:
    answer = ask(kb, "is the router broken", k=10)
    call = answer.hits[0]
    assert call.scale == "phoneme"
    assert Path(call.citation.source.uri).name == "call.wav"
    assert call.heard == "R AW T ER … B R OW K AH N"
    best = max(hit.score - hit.contributions.get("phoneme", 0) for hit in answer.hits if hit.scale != "phoneme")
    assert best < call.score <= 2 * best + 1e-6
    for hit in answer.hits:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
    assert [hit.rank for hit in answer.hits] == list(range(1, len(answer.hits) + 1))


def test_words_side_by_side_are_listened_for_as_one(tmp_path: Path) -> None:
    words = [Listened(text, 1.0, at=at) for text, at in (("invoice", 3), ("send", 1), ("modem", 4), ("router", 6))]
    assert [[word.text for word in run] for run in phrases(words)] == [["invoice", "modem"]]
    kb = kb_of(tmp_path / "kb", recording_of(tmp_path, "call", ["the broken modem is my router", "thank you"]))
    together, apart = (
        next(hit.heard for hit in ask(kb, question, k=10).hits if hit.scale == "phoneme")
        for question in ("broken modem", "modem of the broken")
    )
    assert together == "B R OW K AH N M OW D AH M"
    assert apart == "B R OW K AH N … M OW D AH M"


def test_a_code_is_listened_for_as_a_whole_and_its_neighbour_is_written(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        alone = listened_for("what does lk-44l0 mean?", snapshot)
        near = listened_for("what does lk-44l0 mean?", snapshot, [QueryTerm("lk-44l0", ((1, 0.9),), exact=False)])
    assert [word.text for word in alone] == [word.text for word in near] == ["lk-44l0", "mean"]
    assert not alone[0].written
    assert near[0].written


def test_a_transcribed_utterance_is_one_hit(kb: KnowledgeBase) -> None:
    answer = ask(kb, "modem", k=10)
    memo = [hit for hit in answer.hits if Path(hit.citation.source.uri).name == "memo.wav"]
    said = [hit for hit in memo if "modem" in hit.text]
    assert len(said) == 1
    assert said[0].contributions["phoneme"] > 0
    assert said[0].citation.medium is Medium.TEXT
    assert sum(said[0].contributions.values()) == pytest.approx(said[0].score, abs=1e-5)


def test_text_alone_is_answered_as_before(tmp_path: Path) -> None:
    kb = kb_of(tmp_path / "kb", encoded(document("manual.md", MANUAL), BagOfWords()))
    answer = ask(kb, "router invoice")
    assert "listen" not in answer.timings_ms
    assert all(hit.scale != "phoneme" for hit in answer.hits)


def test_pinned_text_scales_leave_sound_out(kb: KnowledgeBase) -> None:
    for options in ({"budget": 400, "scales": ("paragraph",)}, {"scales": ("sentence",)}):
        assert all(hit.scale != "phoneme" for hit in ask(kb, "router invoice", **options).hits)
    both = ask(kb, "router broken", scales=("sentence", "phoneme"))
    assert "phoneme" in {hit.scale for hit in both.hits}


def characters(hit: Hit) -> int:
    """What a hit takes of a budget: its text, else 15 characters a second."""
    cited = hit.citation
    return len(hit.text) or int(as_written(cited.stop) - as_written(cited.start))


@pytest.mark.parametrize("budget", [10, 30, 60, 150, 1000])
@pytest.mark.parametrize("scales", [(), ("phoneme",), ("sentence", "phoneme"), ("paragraph", "phoneme")])
def test_utterances_share_a_budget_with_text(kb: KnowledgeBase, budget: int, scales: tuple[str, ...]) -> None:
    hits = ask(kb, "is the router broken", budget=budget, scales=scales).hits
    assert sum(map(characters, hits)) <= budget
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    for hit in hits:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
    if budget == 1000:
        call = next(hit for hit in hits if Path(hit.citation.source.uri).name == "call.wav")
        assert (call.citation.start, call.citation.medium) == (16_000, Medium.AUDIO)
        assert call.citation.stop == 16_000 + len(phones_of(CALL[0])) * PHONE_FRAMES * FRAME
        assert call.heard.startswith("R AW T ER")
        assert scales == ("phoneme",) or {hit.scale for hit in hits} > {"phoneme"}
    cited = [(hit.citation.source.uri, hit.citation.medium, hit.citation.start) for hit in hits]
    assert len(set(cited)) == len(cited)


def test_what_is_heard_speaks_for_the_sentence_that_has_it(kb: KnowledgeBase) -> None:
    hits = ask(kb, "modem", budget=100).hits
    memo = [hit for hit in hits if Path(hit.citation.source.uri).name == "memo.wav"]
    assert [hit.citation.medium for hit in memo if "modem" in hit.text] == [Medium.TEXT]
    assert memo[0].contributions["phoneme"] > 0


def test_filters_hold_for_sound_under_a_budget(kb: KnowledgeBase) -> None:
    for scales in ((), ("phoneme",)):
        hits = ask(kb, "router", budget=500, scales=scales, where=Filter(sources=("*memo*",))).hits
        assert {Path(hit.citation.source.uri).name for hit in hits} == {"memo.wav"}


def test_sound_alone_answers_a_question(tmp_path: Path) -> None:
    kb = kb_of(tmp_path / "kb", recording_of(tmp_path, "call", CALL))
    answer = ask(kb, "is my router broken")
    assert answer.hits[0].heard == "R AW T ER … B R OW K AH N"
    jsonschema.validate(json.loads(json.dumps(answer.to_json())), SCHEMA)


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("broken", True),  # all that is asked, and no text holds it
        ("broken warranty", False),  # text answers for the other word
        ("invoice", False),
    ],
)
def test_a_lone_word_that_no_text_holds_is_shown_where_it_may_be_said(
    kb: KnowledgeBase, question: str, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsure(*given: Any, **named: Any) -> list[SpokenHit]:
        return [replace(hit, probability=0.26) for hit in spoken(*given, **named)]

    monkeypatch.setattr("octavo.indexes.sound.joined.spoken", unsure)
    answer = ask(kb, question)
    if alone:
        assert Path(answer.hits[0].citation.source.uri).name == "call.wav"
        assert answer.confidence == pytest.approx(0.26, abs=0.06)
        assert answer.handoff is not None
        assert answer.handoff.nearest[0].heard == LEXICON["broken"][0]
    else:
        assert all(hit.scale != "phoneme" for hit in answer.hits)


def test_how_an_utterance_scores_beside_text() -> None:
    def score(share: float, unwritten: float = 0.0) -> float:
        return HeardIn(1, 1, share, unwritten, ()).score(0.8)

    assert score(1.0) == pytest.approx(0.8)
    assert score(LEAST_SHARE) == pytest.approx(0.8 * LEAST_SHARE)
    assert score(LEAST_SHARE - 0.01) == 0
    assert score(0.15, 0.15) == pytest.approx(0.92)
