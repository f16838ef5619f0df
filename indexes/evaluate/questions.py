"""Questions and where their answers stand, from JSON lines or a SQuAD-format file.

A line of JSONL::

    {"question": "How long is the warranty?", "relevant": [{"source": "manual.md", "start": 210, "stop": 264}]}

``relevant`` names characters (``start``, ``stop``), a ``page``, or a source as a whole. ``class`` groups questions,
``grade`` (1 by default) weighs a relevant place, ``id`` names a question, ``"unanswerable": true`` says that the
knowledge base holds no answer. Other fields of a line are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...pipeline.errors import QueryError

_PLACE_FIELDS = {"source", "start", "stop", "page", "grade"}
_TIME_FIELDS = {"start_seconds", "stop_seconds", "start_ms", "stop_ms", "start_time", "stop_time", "seconds", "time"}


@dataclass(frozen=True, slots=True)
class Relevant:
    """A place that answers a question: characters, a page, or a whole source.

    Attributes:
        source: A path as ingested, its end (``manual/pump.md``), or a file's name without its suffix.
        start, stop: Half-open, characters of the document's text.
        page: From 1.
        grade: How relevant, 1 or more.
    """

    source: str
    start: int | None = None
    stop: int | None = None
    page: int | None = None
    grade: int = 1

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("a relevant place needs a source")
        if (self.start is None) != (self.stop is None):
            raise ValueError(f"a relevant span of {self.source!r} needs both start and stop")
        if self.start is not None and self.stop is not None and not 0 <= self.start < self.stop:
            raise ValueError(f"the relevant span [{self.start}, {self.stop}) of {self.source!r} is empty or reversed")
        if self.page is not None and (self.page < 1 or self.start is not None):
            raise ValueError(f"page {self.page} of {self.source!r}: give a page from 1 on, or start and stop, not both")
        if self.grade < 1:
            raise ValueError(f"grade {self.grade} of {self.source!r}: relevant places have a grade of 1 or more")

    def to_json(self) -> dict[str, Any]:
        """The place as in a line of JSONL."""
        made: dict[str, Any] = {"source": self.source}
        if self.start is not None:
            made |= {"start": self.start, "stop": self.stop}
        if self.page is not None:
            made["page"] = self.page
        return made | ({"grade": self.grade} if self.grade != 1 else {})


@dataclass(frozen=True, slots=True)
class Question:
    """A question and every place that answers it.

    Attributes:
        question_class: What kind it is, "" for none; results are also given by class.
        answerable: Whether the knowledge base holds an answer; then there is at least one relevant place.
        id: As in the file, else its number there.
    """

    text: str
    relevant: tuple[Relevant, ...]
    question_class: str = ""
    answerable: bool = True
    id: str = ""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("the question is empty")
        if self.answerable and not self.relevant:
            raise ValueError('nothing is relevant: name the places in "relevant", or set "unanswerable": true')
        if not self.answerable and self.relevant:
            raise ValueError("it is marked unanswerable, yet has relevant places: drop one of the two")

    def to_json(self) -> dict[str, Any]:
        """The question as a line of JSONL."""
        made: dict[str, Any] = {"id": self.id} if self.id else {}
        made |= {"question": self.text, "relevant": [place.to_json() for place in self.relevant]}
        if self.question_class:
            made["class"] = self.question_class
        return made | ({} if self.answerable else {"unanswerable": True})


def read_questions(path: Path) -> list[Question]:
    """Questions of a JSONL file, or of a SQuAD-format file (``.json``), whose sources are then its articles.

    Raises:
        QueryError: The file cannot be read or holds no questions, or a line makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"the questions {path} cannot be read: {error}; name a JSONL or SQuAD file") from error
    if path.suffix == ".json":
        from .squad import parse_squad

        questions = parse_squad(text, str(path)).questions
    else:
        questions = parse_questions(text.split("\n"), str(path))
    if not questions:
        raise QueryError(f"{path} holds no questions: write one JSON object a line")
    return questions


def parse_questions(lines: Iterable[str], name: str) -> list[Question]:
    """Questions from lines of JSON; empty lines are skipped.

    Raises:
        QueryError: A line makes no sense; the message names line and value.
    """
    questions = []
    lines_of: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = _question(json.loads(line), number)
            if lines_of.setdefault(question.id, number) != number:
                raise ValueError(f"id {question.id!r} is that of line {lines_of[question.id]} too: give each its own")
            questions.append(question)
        except json.JSONDecodeError as error:
            raise QueryError(f"{name}, line {number}: no JSON ({error.msg} at column {error.colno})") from error
        except ValueError as error:
            raise QueryError(f"{name}, line {number}: {error}") from error
    return questions


def _question(row: object, number: int) -> Question:
    if not isinstance(row, dict):
        raise ValueError(f"{json.dumps(row)[:80]} is no JSON object with a question")
    places = row.get("relevant", [])
    if not isinstance(places, list):
        raise ValueError(f"relevant is {json.dumps(places)[:80]}, not a list of places")
    unanswerable = row.get("unanswerable", False)
    if not isinstance(unanswerable, bool):
        raise ValueError(f"unanswerable is {json.dumps(unanswerable)[:80]}, not true or false")
    return Question(
        _text(row, "question"),
        tuple(_relevant(place) for place in places),
        _text(row, "class", ""),
        not unanswerable,
        str(row.get("id", number)),
    )


def _relevant(place: object) -> Relevant:
    if not isinstance(place, dict):
        raise ValueError(f"relevant place {json.dumps(place)[:80]} is no object with a source")
    if timed := _TIME_FIELDS & set(place):
        raise ValueError(
            f"{sorted(timed)[0]} in {json.dumps(place)[:120]}: time ranges in recordings cannot be judged yet; "
            "give start and stop in characters, a page, or the source alone"
        )
    if unknown := set(place) - _PLACE_FIELDS:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r} in relevant place {json.dumps(place)[:120]}")
    grade = _whole(place, "grade")
    return Relevant(
        _text(place, "source"),
        _whole(place, "start"),
        _whole(place, "stop"),
        _whole(place, "page"),
        1 if grade is None else grade,
    )


def _text(row: Mapping[str, object], field: str, default: str | None = None) -> str:
    value = row.get(field, default)
    if not isinstance(value, str):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not a text" if field in row else f"{field} is missing")
    return value


def _whole(row: Mapping[str, object], field: str) -> int | None:
    value = row.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not a whole number")
    return value
