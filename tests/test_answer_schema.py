"""``docs/answer.schema.json`` says what ``Answer.to_json`` gives, no more and no less."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from octavo.indexes.hit import Answer, Citation, HeardWord, Hit
from octavo.indexes.shell import error_json
from octavo.pipeline.document import Place, Source
from octavo.pipeline.errors import QueryError
from octavo.pipeline.scale import SCALES, Medium

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parent.parent / "docs" / "answer.schema.json").read_text(encoding="utf-8")
)


def answer(places: tuple[Place, ...] = ()) -> Answer:
    citation = Citation(
        Source("/folder/manual.pdf", "application/pdf", "0" * 64), 10, 14, "belt", places, "Manual", "Care > Belt"
    )
    hits = (Hit(1, 0.75, "sentence", citation, {"sentence": 0.5, "lexical": 0.25}),)
    return Answer("which belt?", 3, hits, {"encode": 4.123, "search": 2.0})


def sound_answer(scale: str = "phoneme") -> Answer:
    source = Source("/folder/call.wav", "audio/wav", "0" * 64)
    place = Place(start_seconds=62.1, stop_seconds=62.8)
    citation = Citation(source, 993_600, 1_004_800, "", (place,), medium=Medium.AUDIO)
    heard, measures = ("R AW T ER", {}) if scale == "phoneme" else ("", {"rate": 5.61})
    hits = (Hit(1, 0.75, scale, citation, {scale: 0.75}, heard=heard, measures=measures),)
    words = (HeardWord("router", 0.4, 0.9, 0.8),)
    return Answer("router", 3, hits, {"total": 2.0}, None, words, ("a note",))


def through_text(made: Answer) -> Any:
    """As a client sees it."""
    return json.loads(json.dumps(made.to_json()))


def valid(instance: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(instance))


def test_schema_itself_is_sound() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "places",
    [
        (),
        (Place(3, ((72.0, 90.5, 523.1, 104.2),)),),
        (Place(3, ((72.0, 700.0, 523.1, 714.0),)), Place(4, ((72.0, 90.5, 523.1, 104.2), (72.0, 105.0, 100.0, 118.0)))),
    ],
    ids=["no pages", "one page", "two pages"],
)
def test_answers_fit(places: tuple[Place, ...]) -> None:
    jsonschema.validate(through_text(answer(places)), SCHEMA)


@pytest.mark.parametrize("scale", ["phoneme", "prosody"])
def test_answers_from_recordings_fit(scale: str) -> None:
    made = through_text(sound_answer(scale))
    jsonschema.validate(made, SCHEMA)
    assert made["hits"][0]["place"] == {"start_seconds": 62.1, "stop_seconds": 62.8}
    assert made["heard_words"][0]["text"] == "router"


def test_a_transcript_fits() -> None:
    jsonschema.validate(through_text(answer((Place(start_seconds=1.0, stop_seconds=2.5),))), SCHEMA)


def test_answer_without_hits_fits() -> None:
    jsonschema.validate(through_text(Answer("", 0, (), {})), SCHEMA)


def test_scales_are_those_of_the_code() -> None:
    assert SCHEMA["$defs"]["hit"]["properties"]["scale"]["enum"] == list(SCALES)


def test_every_field_is_described_and_given() -> None:
    made = through_text(answer((Place(1, ((0.0, 0.0, 1.0, 1.0),)),)))
    pairs = [(SCHEMA, made), (SCHEMA["$defs"]["hit"], made["hits"][0])]
    pairs.append((SCHEMA["$defs"]["place"], made["hits"][0]["place"]))
    pairs.append((SCHEMA["$defs"]["hit"]["properties"]["source"], made["hits"][0]["source"]))
    sound = through_text(sound_answer())
    pairs.append((SCHEMA["$defs"]["moment"], sound["hits"][0]["place"]))
    pairs.append((SCHEMA["$defs"]["heard_word"], sound["heard_words"][0]))
    for described, given in pairs:
        assert set(described["properties"]) == set(described["required"]) == set(given)


def without_source(made: dict[str, Any]) -> None:
    del made["hits"][0]["source"]


def with_wrong_scale(made: dict[str, Any]) -> None:
    made["hits"][0]["scale"] = "chapter"


def with_more(made: dict[str, Any]) -> None:
    made["hits"][0]["snippet"] = "b"


def with_short_digest(made: dict[str, Any]) -> None:
    made["hits"][0]["source"]["sha256"] = "00"


def with_a_page(made: dict[str, Any]) -> None:
    made["hits"][0]["scale"] = "phoneme"
    made["hits"][0]["place"] = {"page": 1, "boxes": []}


def with_phones_for_text(made: dict[str, Any]) -> None:
    made["hits"][0]["heard"] = "B EH L T"


def with_no_text(made: dict[str, Any]) -> None:
    made["hits"][0]["text"] = ""


@pytest.mark.parametrize(
    "spoil",
    [with_a_page, with_phones_for_text, with_no_text, without_source, with_wrong_scale, with_more, with_short_digest],
)
def test_other_things_do_not_fit(spoil: Callable[[dict[str, Any]], None]) -> None:
    made = copy.deepcopy(through_text(answer()))
    spoil(made)
    assert not valid(made)


def test_a_refused_line_has_its_own_form() -> None:
    form = {"$ref": "#/$defs/refusal", "$defs": SCHEMA["$defs"]}
    jsonschema.validate({"query": "?!", **error_json(QueryError("holds neither a letter nor a digit"))}, form)
