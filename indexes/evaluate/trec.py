"""TREC's plain formats: topics and judgments in, runs and judgments out.

Judgments (qrels): ``topic iteration document grade``; runs: ``topic Q0 document rank score tag``, as trec_eval reads
them (Voorhees and Harman 2005, *TREC: Experiment and Evaluation in Information Retrieval*).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...pipeline.errors import QueryError
from .questions import Question, Relevant

_TOPIC = re.compile(r"<top>(.*?)(?:</top>|(?=<top>)|\Z)", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*([^<]+)", re.IGNORECASE)


def read_topics(text: str, name: str) -> dict[str, str]:
    """Question by topic number, from ``<top>`` blocks or from lines ``number<tab>question``.

    Raises:
        QueryError: There is no topic in it, or one without number or title.
    """
    topics: dict[str, str] = {}
    if "<top>" in text.lower():
        for block in _TOPIC.findall(text):
            number, title = _NUMBER.search(block), _TITLE.search(block)
            if not number or not title:
                raise QueryError(f"{name}: a topic lacks <num> or <title>: {' '.join(block.split())[:80]!r}")
            topics[number.group(1)] = " ".join(title.group(1).split())
    else:
        for at, line in enumerate(text.splitlines(), 1):
            if line.strip():
                number_text, tab, title_text = line.partition("\t")
                if not tab:
                    raise QueryError(
                        f"{name}, line {at}: {line[:80]!r} is not a topic's number, a tab and the question"
                    )
                topics[number_text.strip()] = " ".join(title_text.split())
    if not topics:
        raise QueryError(f"{name} holds no topics: <top> blocks, or lines of number, tab, question")
    return topics


def read_qrels(text: str, name: str) -> dict[str, dict[str, int]]:
    """Grade by document by topic.

    Raises:
        QueryError: A line is no judgment; the message names it.
    """
    qrels: dict[str, dict[str, int]] = {}
    for at, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 4 or not re.fullmatch(r"-?\d+", parts[3]):
            raise QueryError(f"{name}, line {at}: {line[:80]!r} is not 'topic iteration document grade'")
        qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    return qrels


def judged(topics: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], suffix: str = "") -> Iterator[Question]:
    """A question for each topic that has a relevant document; grades below 1 are no relevance.

    Args:
        suffix: Of the sources' files: document ``184`` is ``184`` + suffix.
    """
    for topic, text in topics.items():
        relevant = tuple(
            Relevant(document + suffix, grade=grade) for document, grade in qrels.get(topic, {}).items() if grade > 0
        )
        if relevant:
            yield Question(text, relevant, id=topic)


def run_lines(rankings: Iterable[tuple[str, Sequence[tuple[str, float]]]], tag: str) -> Iterator[str]:
    """A run file: for each topic its documents, best first. White space in names divides fields: ``%20``."""
    for topic, ranked in rankings:
        for rank, (document, score) in enumerate(ranked, 1):
            yield f"{_word(topic)} Q0 {_word(document)} {rank} {score:.6f} {tag}"


def qrels_lines(judgments: Iterable[tuple[str, Mapping[str, int]]]) -> Iterator[str]:
    """A file of judgments."""
    for topic, grades in judgments:
        for document, grade in grades.items():
            yield f"{_word(topic)} 0 {_word(document)} {grade}"


def _word(name: str) -> str:
    return re.sub(r"\s", "%20", name)
