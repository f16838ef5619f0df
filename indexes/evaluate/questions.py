"""Questions and where their answers stand, from JSON lines or a SQuAD-format file.

A line of JSONL::

    {"question": "How long is the warranty?", "relevant": [{"source": "manual.md", "start": 210, "stop": 264}]}

``relevant`` names characters (``start``, ``stop``), a ``page``, seconds of a recording (``start_seconds``,
``stop_seconds``), or a source as a whole. ``class`` groups questions,
``grade`` (1 by default) weighs a relevant place, ``id`` names a question, ``"unanswerable": true`` says that the
knowledge base holds no answer, ``without`` names sources that may not answer, and ``"self_made": true`` marks what
``octavo eval --self`` made from the knowledge base itself. Other fields of a line are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ...pipeline.errors import QueryError
from ..store.stored import storable

_PLACE_FIELDS = {"source", "start", "stop", "start_seconds", "stop_seconds", "page", "grade"}


LEAST_SECONDS = 0.001
"""Times are judged in milliseconds."""


@dataclass(frozen=True, slots=True)
class Relevant:
    """A place that answers a question: characters, a page, a stretch of a recording, or a whole source.

    Attributes:
        source: A path as ingested, its end (``manual/pump.md``), or a file's name without its suffix.
        start, stop: Half-open, characters of the document's text.
        page: From 1.
        grade: How relevant, 1 or more.
        start_seconds, stop_seconds: Half-open, times of a recording's file as people give them.
    """

    source: str
    start: int | None = None
    stop: int | None = None
    page: int | None = None
    grade: int = 1
    start_seconds: float | None = None
    stop_seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("a relevant place needs a source")
        if (self.start is None) != (self.stop is None):
            raise ValueError(f"a relevant span of {self.source!r} needs both start and stop")
        if self.start is not None and self.stop is not None and not 0 <= self.start < self.stop:
            raise ValueError(f"the relevant span [{self.start}, {self.stop}) of {self.source!r} is empty or reversed")
        if (self.start_seconds is None) != (self.stop_seconds is None):
            raise ValueError(f"a relevant time of {self.source!r} needs both start_seconds and stop_seconds")
        first, last = self.start_seconds or 0.0, self.stop_seconds or LEAST_SECONDS
        if first < 0 or last - first < LEAST_SECONDS:
            raise ValueError(
                f"the relevant time [{first}, {last}) s of {self.source!r} is empty, reversed or shorter than a"
                " millisecond"
            )
        if self.page is not None and self.page < 1:
            raise ValueError(f"page {self.page} of {self.source!r}: pages count from 1")
        if sum(one is not None for one in (self.start, self.page, self.start_seconds)) > 1:
            raise ValueError(f"{self.source!r}: give start and stop, or a page, or seconds, and only one of these")
        if self.grade < 1:
            raise ValueError(f"grade {self.grade} of {self.source!r}: relevant places have a grade of 1 or more")

    def to_json(self) -> dict[str, Any]:
        """The place as in a line of JSONL."""
        made: dict[str, Any] = {"source": self.source}
        if self.start is not None:
            made |= {"start": self.start, "stop": self.stop}
        if self.page is not None:
            made["page"] = self.page
        if self.start_seconds is not None:
            made |= {"start_seconds": self.start_seconds, "stop_seconds": self.stop_seconds}
        return made | ({"grade": self.grade} if self.grade != 1 else {})


@dataclass(frozen=True, slots=True)
class Question:
    """A question and every place that answers it.

    Attributes:
        question_class: What kind it is, "" for none; results are also given by class.
        answerable: Whether the knowledge base holds an answer; then there is at least one relevant place.
        id: As in the file, else its number there.
        without: Sources that may not answer, named as in :class:`Relevant`: a question made from a source has no answer
            in a knowledge base without it.
        self_made: Whether it was made from the knowledge base itself, see
            :mod:`octavo.indexes.evaluate.self_questions`.
    """

    text: str
    relevant: tuple[Relevant, ...]
    question_class: str = ""
    answerable: bool = True
    id: str = ""
    without: tuple[str, ...] = ()
    self_made: bool = False

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
        if self.without:
            made["without"] = list(self.without)
        made |= {} if self.answerable else {"unanswerable": True}
        return made | ({"self_made": True} if self.self_made else {})


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


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """Questions as JSON lines."""
    lines = (_line(question.to_json()) for question in questions)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")


def _line(made: dict[str, Any]) -> str:
    line = json.dumps(made, ensure_ascii=False)
    # A path that is no valid Unicode has no UTF-8, but an escape.
    return line if line.isascii() or storable(line) == line else json.dumps(made)


def _question(row: object, number: int) -> Question:
    if not isinstance(row, dict):
        raise ValueError(f"{json.dumps(row)[:80]} is no JSON object with a question")
    places = row.get("relevant", [])
    if not isinstance(places, list):
        raise ValueError(f"relevant is {json.dumps(places)[:80]}, not a list of places")
    without = row.get("without", [])
    if not isinstance(without, list) or not all(isinstance(name, str) and name for name in without):
        raise ValueError(f"without is {json.dumps(without)[:80]}, not a list of sources")
    return Question(
        _text(row, "question"),
        tuple(_relevant(place) for place in places),
        _text(row, "class", ""),
        not _flag(row, "unanswerable"),
        str(row.get("id", number)),
        tuple(without),
        _flag(row, "self_made"),
    )


def _relevant(place: object) -> Relevant:
    if not isinstance(place, dict):
        raise ValueError(f"relevant place {json.dumps(place)[:80]} is no object with a source")
    if unknown := set(place) - _PLACE_FIELDS:
        raise ValueError(
            f"unknown field {sorted(unknown)[0]!r} in relevant place {json.dumps(place)[:120]}: a place has"
            f" {', '.join(sorted(_PLACE_FIELDS))}"
        )
    grade = _whole(place, "grade")
    return Relevant(
        _text(place, "source"),
        _whole(place, "start"),
        _whole(place, "stop"),
        _whole(place, "page"),
        1 if grade is None else grade,
        _seconds(place, "start_seconds"),
        _seconds(place, "stop_seconds"),
    )


def _text(row: Mapping[str, object], field: str, default: str | None = None) -> str:
    value = row.get(field, default)
    if not isinstance(value, str):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not a text" if field in row else f"{field} is missing")
    return value


def _flag(row: Mapping[str, object], field: str) -> bool:
    value = row.get(field, False)
    if not isinstance(value, bool):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not true or false")
    return value


def _seconds(row: Mapping[str, object], field: str) -> float | None:
    value = row.get(field)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value)):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not a number of seconds")
    return value


def _whole(row: Mapping[str, object], field: str) -> int | None:
    value = row.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{field} is {json.dumps(value)[:80]}, not a whole number")
    return value
