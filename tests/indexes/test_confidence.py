"""Confidence of answers in a small world: features, reasons, packets, abstention."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.assess import Beside, assessed_sound, looked_up, said_there
from octavo.indexes.confidence.features import FEATURES, AskedWord, Signs, asked_words, signs
from octavo.indexes.confidence.handoff import KEPT_OUT, Handoff, ScaleChoice
from octavo.indexes.confidence.model import ConfidenceModel, fit_curves, shipped, sigmoid
from octavo.indexes.confidence.reasons import reasons
from octavo.indexes.expand import QueryTerm
from octavo.indexes.hit import Answer, Citation, Hit
from octavo.indexes.retrieve import Encoders, find, retrieve
from octavo.indexes.sound.joined import HeardIn, Listened
from octavo.indexes.store.filter import Filter
from octavo.indexes.view import answer_html, answer_text
from octavo.pipeline.document import Place, Source
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import ModelError, QueryError
from octavo.pipeline.scale import Medium
from octavo.pipeline.terms import query_stems
from rich.console import Console

from .library import MANUAL, NOTES, BagOfWords, document, shelf

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "answer.schema.json").read_text(encoding="utf-8"))
ENCODERS = Encoders(BagOfWords(), CharacterEncoder())
GOOD = "What does the warranty cover: pump, valve and boiler?"
ABSURD = "Which zebra conquered the moons of Quaxwell?"


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path = tmp_path_factory.mktemp("shelf") / "kb"
    return shelf(path, document("manual.md", MANUAL), document("notes.md", NOTES))


def ask(kb: KnowledgeBase, question: str, **options: object) -> Answer:
    with kb.snapshot() as snapshot:
        return retrieve(question, snapshot, ENCODERS, **options)  # type: ignore[arg-type]


def seen(kb: KnowledgeBase, question: str) -> Signs:
    with kb.snapshot() as snapshot:
        return signs(question, find(question, snapshot, ENCODERS, {}))


def test_confidence_tells_an_answer_from_nonsense(kb: KnowledgeBase) -> None:
    good, absurd = ask(kb, GOOD), ask(kb, ABSURD)
    assert good.confidence is not None
    assert absurd.confidence is not None
    assert 0 <= absurd.confidence < 0.2 < 0.6 < good.confidence <= 1
    assert absurd.abstain
    assert not good.abstain
    assert good.handoff is None


def test_packet_holds_all_that_a_person_needs(kb: KnowledgeBase) -> None:
    answer = ask(kb, ABSURD)
    packet = answer.handoff
    assert packet is not None
    assert packet.question == ABSURD
    assert packet.nearest == answer.hits[:5]
    assert set(packet.unknown_words) >= {"zebra", "conquered", "quaxwell"}
    assert {one.scale for one in packet.searched} == {"sentence", "paragraph", "section", "document", "lexical"}
    assert all(0 < one.candidates <= one.units for one in packet.searched)
    assert {one.scale for one in packet.by_scale} >= {"sentence", "paragraph", "section", "document"}
    texts = {"/shelf/manual.md": MANUAL, "/shelf/notes.md": NOTES}
    for one in packet.by_scale:
        assert texts[one.citation.source.uri][one.citation.start : one.citation.stop] == one.citation.quote
    assert packet.reasons
    assert "zebra" in " ".join(packet.reasons)
    assert packet.confidence == answer.confidence
    assert packet.confidence < packet.threshold


def test_answers_and_packets_fit_the_schema(kb: KnowledgeBase) -> None:
    for question in (GOOD, ABSURD):
        made = json.loads(json.dumps(ask(kb, question).to_json()))
        jsonschema.validate(made, SCHEMA)
        assert (made["handoff"] is not None) == made["abstain"]
    packet = json.loads(json.dumps(ask(kb, ABSURD).to_json()))["handoff"]
    for name, one in (
        ("handoff", packet),
        ("searched", packet["searched"][0]),
        ("scale_choice", packet["by_scale"][0]),
    ):
        described = SCHEMA["$defs"][name]
        assert set(described["properties"]) == set(described["required"]) == set(one)


def test_the_threshold_is_the_callers(kb: KnowledgeBase) -> None:
    assert ask(kb, GOOD, beside=Beside(1.0)).abstain
    assert not ask(kb, ABSURD, beside=Beside(0.0)).abstain
    with pytest.raises(QueryError, match="probability"):
        kb.search("x", abstain_below=1.5)


def test_what_is_not_there_is_not_trusted(kb: KnowledgeBase) -> None:
    """The same question, from the source that answers it and from the other."""
    with_it, without = (ask(kb, GOOD, where=Filter((name,))) for name in ("*manual.md", "*notes.md"))
    assert (with_it.confidence or 0) > 0.3 + (without.confidence or 0)


def test_pinned_scales_and_budgets_have_confidence(kb: KnowledgeBase) -> None:
    usual = ask(kb, GOOD).confidence
    for options in ({"scales": ("sentence",)}, {"scales": ("document",)}, {"budget": 300}, {"scales": ("character",)}):
        assert ask(kb, GOOD, **options).confidence == pytest.approx(usual, abs=0.1)


def test_nothing_found_is_no_answer(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb", create=True) as empty, empty.snapshot() as snapshot:
        answer = retrieve("anything", snapshot, ENCODERS)
    assert answer.confidence == 0
    assert answer.abstain
    assert answer.handoff is not None
    assert answer.handoff.reasons == ("nothing was found that shares a word or a meaning with the question",)
    jsonschema.validate(json.loads(json.dumps(answer.to_json())), SCHEMA)


def test_features_are_what_they_say(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = find(GOOD, snapshot, ENCODERS, {})
        made = signs(GOOD, found)
        values = made.values
        question = BagOfWords().encode_one(GOOD)
        universe = found.universe
        texts = snapshot.texts(universe.spans.take(universe.sentence))
        cosines = np.array([float(BagOfWords().encode_one(text) @ question) for text in texts])
        assert values["cosine sentence"] == pytest.approx(cosines.max(), abs=2e-3)
        assert texts[made.best].startswith("The warranty covers")
        row = int(universe.paragraph[made.best])
        (paragraph,) = snapshot.texts(universe.spans.take(np.array([row])))
        held = {stem for term in query_stems(paragraph, {"en"}) for stem in term.stems}
        weights, there = [], []
        for term in query_stems(GOOD, {"en"}):
            if not term.stop_word:
                ids = [one for one in snapshot.stem_ids(sorted(term.stems)) if one is not None]
                n = max(snapshot.document_frequency(ids).tolist(), default=0)
                weights.append(math.log(1 + (snapshot.paragraphs - n + 0.5) / (n + 0.5)))
                there.append(bool(held & term.stems))
        covered = sum(weight for weight, is_there in zip(weights, there, strict=True) if is_there) / sum(weights)
        assert values["covered paragraph"] == pytest.approx(covered)
        assert made.missing == ()
        best_of: dict[int, float] = {}
        for content, score in zip(universe.content.tolist(), found.fused.total.tolist(), strict=True):
            best_of[content] = max(best_of.get(content, 0.0), score)
        first, second = sorted(best_of.values(), reverse=True)[:2]
        assert values["fused margin source"] == pytest.approx(first - second, abs=1e-6)
    assert set(values) == set(FEATURES)
    assert all(math.isfinite(value) for value in values.values())


def test_unknown_words_count_by_their_weight(kb: KnowledgeBase) -> None:
    assert seen(kb, ABSURD).values["unknown words"] > 0.9
    assert seen(kb, "warranty pump").values["unknown words"] == 0
    assert 0.4 < seen(kb, "warranty zebra").values["unknown words"] < 1
    assert seen(kb, "the").values["unknown words"] >= 0


@pytest.mark.parametrize("question", ["the of and", "?x", "E-4304", "a" * 5000, "日本語の質問", "pump " * 300])
def test_odd_questions_have_a_confidence(kb: KnowledgeBase, question: str) -> None:
    confidence = ask(kb, question).confidence
    assert confidence is not None
    assert 0 <= confidence <= 1


def test_reasons_name_what_pulls_down(kb: KnowledgeBase) -> None:
    made = seen(kb, ABSURD)
    assert 1 <= len(reasons(made, shipped())) <= 3
    pulls = shipped().shortfalls(made.values)
    assert sum(pulls.values()) < 0


def words_of(kb: KnowledgeBase, question: str) -> dict[str, AskedWord]:
    with kb.snapshot() as snapshot:
        found = find(question, snapshot, ENCODERS, {})
        return {word.text: word for word in asked_words(question, found)}


def test_parts_of_a_code_that_is_known_are_not_asked_for(kb: KnowledgeBase) -> None:
    """A slip in a code must not count as four missing words, nor its parts as words that are there."""
    slipped = words_of(kb, "What does E-43O4 mean?")
    assert {"what", "does", "e-43o4", "mean"} == set(slipped)
    assert slipped["e-43o4"].share > 0
    assert {"e-4304", "mean"} < set(words_of(kb, "What does E-4304 mean?"))
    assert {"x-9999", "9999"} <= set(words_of(kb, "What is X-9999?"))  # stands for nothing: each part may


def test_words_before_the_part_that_asks_count_less(kb: KnowledgeBase) -> None:
    plain = words_of(kb, "How long is the warranty of the boiler?")
    talked = words_of(kb, "Thanks, the boiler is booked. How long is the warranty?")
    assert talked["warranty"].weight == plain["warranty"].weight
    assert 0 < talked["boiler"].weight < plain["boiler"].weight
    assert talked["warranty"].asks
    assert not talked["boiler"].asks
    assert talked["booked"].weight < plain["warranty"].weight * 2
    assert words_of(kb, "how many boilers")["many"].stop_word
    assert plain["long"].stop_word
    assert not words_of(kb, "Do not run it dry for long")["long"].stop_word


def test_abstaining_is_said_first() -> None:
    hit = Hit(1, 0.4, "sentence", Citation(Source("/a.md", "text/markdown", "0" * 64), 0, 4, "some"), {"sentence": 0.4})
    elsewhere = ScaleChoice("document", 0.3, False, hit.citation)
    why = ("it is <script>", "because", "and so on")
    packet = Handoff("q <script>", 0.1, 0.5, (), (hit,) * 5, (elsewhere,), (), why)
    answer = Answer("q", 1, (hit,) * 5, {"total": 1.0}, 0.1, abstain=True, handoff=packet)
    with StringIO() as out:
        Console(width=100, file=out).print(answer_text(answer))
        lines = out.getvalue().splitlines()
    assert 3 <= len(lines) <= 6
    assert lines[0].startswith("No answer: only 10% sure")
    assert lines[1:3] == ["It is <script>.", "Because."]
    assert lines[3] == "Nearest: a.md: some"
    assert "--json" in lines[-1]
    assert "No answer" in answer_html(answer)
    assert "<script>" not in answer_html(answer)


# Sound


def heard_answer(*scores: float) -> Answer:
    source, place = Source("/call.wav", "audio/wav", "0" * 64), Place(start_seconds=1.0, stop_seconds=1.5)
    hits = tuple(
        Hit(
            rank,
            score,
            "phoneme",
            Citation(source, 16_000, 24_000, "", (place,), medium=Medium.AUDIO),
            {"phoneme": score},
        )
        for rank, score in enumerate(scores, 1)
    )
    return Answer("router", 1, hits, {"total": 1.0}, warnings=() if hits else ("no recordings",))


def test_sound_alone_keeps_its_probability(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        sure, unsure, nothing = (assessed_sound(heard_answer(*one), snapshot) for one in ((0.8, 0.2), (0.3,), ()))
    assert (sure.confidence, sure.abstain, sure.handoff) == (0.8, False, None)
    assert unsure.confidence == 0.3
    assert unsure.handoff is not None
    assert "30%" in unsure.handoff.reasons[0]
    assert nothing.confidence == 0
    assert nothing.handoff is not None
    assert nothing.handoff.reasons[-1] == "no recordings"
    for one in (sure, unsure, nothing):
        jsonschema.validate(json.loads(json.dumps(one.to_json())), SCHEMA)


def test_sound_beside_text_can_only_help(kb: KnowledgeBase) -> None:
    text = ask(kb, GOOD).confidence or 0
    assert ask(kb, GOOD, beside=Beside(heard=0.9)).confidence == pytest.approx(1 - (1 - text) * 0.1)
    assert (ask(kb, GOOD, beside=Beside(understood=0.5)).confidence or 0) == pytest.approx(0.5 * text)


def test_one_word_of_a_long_question_says_little() -> None:
    words = [Listened(name, 1.0) for name in "abcd"]
    one = HeardIn(1, 1, 0.225, 0.0, ())
    assert said_there(words, [one]) == pytest.approx(0.225**4)
    assert said_there(words[:1], [replace(one, share=0.9)]) == pytest.approx(0.9)
    assert said_there(words, []) == 0


# The model


def test_shipped_model_is_whole() -> None:
    model = shipped()
    again = ConfidenceModel.from_json(json.loads(json.dumps(model.to_json())))
    rows = np.random.default_rng(0).normal(size=(5, len(FEATURES)))
    assert np.allclose(model.logits(rows), again.logits(rows), atol=1e-3)
    for row in rows:
        values = dict(zip(FEATURES, row.tolist(), strict=True))
        assert model.logit(values) == pytest.approx(float(model.logits(row[None])[0]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: made.update(version=99),
        lambda made: made.update(format="other"),
        lambda made: made.pop("features"),
        lambda made: made["features"].update(nonsense=next(iter(made["features"].values()))),
        lambda made: made.update(bias=float("nan")),
    ],
)
def test_other_files_are_refused(damage: object) -> None:
    made = json.loads(json.dumps(shipped().to_json()))
    damage(made)  # type: ignore[operator]
    with pytest.raises(ModelError, match="again"):
        ConfidenceModel.from_json(made)


def test_fitting_finds_the_weights_that_made_the_data() -> None:
    generator = np.random.default_rng(1)
    columns = generator.normal(size=(20_000, 2))
    right = generator.random(20_000) < sigmoid(0.5 + 2 * columns[:, 0] - columns[:, 1])
    rows = np.zeros((20_000, len(FEATURES)))
    rows[:, :2] = columns
    model = fit_curves(columns, right, FEATURES[:2])
    assert all(np.diff(heights).min() * sign > 0 for heights, sign in zip(model.heights, (1, -1), strict=True))
    expected = sigmoid(0.5 + 2 * columns[:, 0] - columns[:, 1])
    assert np.abs(sigmoid(model.logits(rows)) - expected).mean() < 0.02
    with pytest.raises(ValueError, match="both kinds"):
        fit_curves(columns, np.ones(20_000, bool), FEATURES[:2])


def test_a_word_by_itself_and_a_code_are_looked_up() -> None:
    def asked(*words: str, common: bool = False) -> list[AskedWord]:
        return [AskedWord(word, (), 1.0, 1.0, common) for word in words]

    near = [QueryTerm("e-43o4", ((7, 0.9), (8, 0.4)), exact=False), QueryTerm("belt", ((9, 1.0),), exact=True)]
    mean = asked("what", "does", "mean", common=True)
    assert looked_up(" E-43O4 ", asked("e-43o4"), near) == pytest.approx(0.855)
    assert looked_up("What does E-43O4 mean?", [*mean, *asked("e-43o4")], near) == pytest.approx(0.855)
    assert looked_up('"Belt"?', asked("belt"), near) == pytest.approx(0.95)
    assert looked_up("What does the belt mean?", [*mean, *asked("belt")], near) == 0.0
    assert looked_up("Which belt for E-43O4?", asked("belt", "e-43o4"), near) == 0.0
    assert looked_up("quellory", asked("quellory"), near) == 0.0


def test_a_word_that_a_filter_keeps_out_is_not_sure(kb: KnowledgeBase) -> None:
    here, elsewhere = (ask(kb, "boiler", where=Filter((name,))) for name in ("*manual.md", "*notes.md"))
    assert here.confidence == pytest.approx(0.95)
    assert elsewhere.hits
    assert elsewhere.abstain


def test_a_filter_that_nothing_fits_is_named(kb: KnowledgeBase) -> None:
    packet = ask(kb, "boiler", where=Filter(("*.pdf",))).handoff
    assert packet is not None
    assert packet.reasons == (KEPT_OUT,)


def test_words_of_asking_need_not_be_covered(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        words = asked_words("What does W-6001 mean?", find("What does W-6001 mean?", snapshot, ENCODERS, {}))
    assert [word.text for word in words if not word.stop_word and not word.text.isdigit() and len(word.text) > 1] == [
        "w-6001"
    ]


class Pieces:
    """Compares words by their first three letters."""

    def nearest(self, question: str, text: str) -> tuple[np.ndarray, np.ndarray]:
        bounds = [(found.start(), found.end()) for found in re.finditer(r"\w+", question)]
        held = {word[:3] for word in re.findall(r"\w+", text.casefold())}
        alike = [float(question[a:b].casefold()[:3] in held) for a, b in bounds]
        return np.array(bounds, np.int64).reshape(-1, 2), np.array(alike, np.float32)


def test_words_alike_are_weighed_by_how_rare_they_are(kb: KnowledgeBase) -> None:
    question = "What is covered by the warrants of zebras?"
    with kb.snapshot() as snapshot:
        found = replace(find(question, snapshot, ENCODERS, {}), pieces=Pieces())
        made = signs(question, found)
        weights = {word.text: word.weight for word in made.words if not word.stop_word}
        plain = signs(question, replace(found, pieces=None))
    assert set(weights) == {"covered", "warrants", "zebras"}
    there = weights["covered"] + weights["warrants"]  # cov-, war-
    assert made.values["words alike"] == pytest.approx(there / sum(weights.values()), abs=1e-6)
    assert plain.values["words alike"] < made.values["words alike"]


def test_the_hits_together_cover_at_least_as_much(kb: KnowledgeBase) -> None:
    for question in (GOOD, ABSURD, "Thanks. Which zebra? How long is the warranty?"):
        values = seen(kb, question).values
        assert 0 <= values["covered paragraph"] <= 1
        assert 0 <= values["covered hits"] <= 1
    talked = seen(kb, "The zebra of Quaxwell is fine. What does the warranty cover?").values
    assert talked["covered asked"] > talked["covered paragraph"]
    assert seen(kb, GOOD).values["covered asked"] == seen(kb, GOOD).values["covered paragraph"]
