"""Questions to compare by: those of an evaluation, or plain lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...pipeline.errors import QueryError
from ..evaluate.questions import Question, parse_questions, read_questions


@dataclass(frozen=True, slots=True)
class Asked:
    """A question.

    Attributes:
        labelled: With the places that answer it; ``None`` where these are not known.
    """

    id: str
    text: str
    labelled: Question | None = None


def read_asked(path: Path) -> list[Asked]:
    """Questions of a file: JSON lines with or without ``relevant``, a SQuAD-format ``.json``, else a question a line.

    Raises:
        QueryError: The file cannot be read or holds no questions, or a line makes no sense.
    """
    if path.suffix == ".json":
        return [Asked(question.id, question.text, question) for question in read_questions(path)]
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"the questions {path} cannot be read: {error}; name a file of questions") from error
    asked = list(_asked(lines, str(path)))
    if not asked:
        raise QueryError(f"{path} holds no questions: write one a line")
    return asked


def _asked(lines: list[str], name: str) -> Iterator[Asked]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            yield Asked(str(number), line.strip())
            continue
        row = _json(line, f"{name}, line {number}")
        text = row.get("question")
        if not row.get("relevant") and not row.get("unanswerable") and isinstance(text, str) and text.strip():
            yield Asked(str(row.get("id", number)), text)
        else:
            (question,) = parse_questions(["\n"] * (number - 1) + [line], name)
            yield Asked(question.id, question.text, question)


def _json(line: str, where: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise QueryError(f"{where}: no JSON ({error.msg} at column {error.colno})") from error
    if not isinstance(row, dict):
        raise QueryError(f"{where}: {line[:80]} is no JSON object with a question")
    return row
