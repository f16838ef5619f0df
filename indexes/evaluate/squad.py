"""SQuAD-format JSON (Rajpurkar et al. 2016; version 2 with unanswerable questions: Rajpurkar, Jia and Liang 2018).

An article becomes one text file: its paragraphs, a blank line between two. The answers' offsets, which count inside
their paragraph, become offsets in that file. Where people marked different answers, the one marked most often counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...pipeline.errors import QueryError
from .questions import Question, Relevant

_BETWEEN = "\n\n"
_ASKING = re.compile(r"\b(who|whom|whose|when|where|why|how (?:many|much)|how|which|what)\b", re.IGNORECASE)
_CLASS = {"whom": "who", "whose": "who", "how much": "how many"}


@dataclass(frozen=True, slots=True)
class Squad:
    """A SQuAD file taken apart.

    Attributes:
        sources: Text by name of file.
        questions: With offsets in those texts; classed by their question word.
    """

    sources: dict[str, str]
    questions: list[Question]


def parse_squad(text: str, name: str) -> Squad:
    """Articles and questions of a SQuAD-format file.

    Raises:
        QueryError: It is something else, or an answer does not stand where the file says.
    """
    try:
        articles = json.loads(text)["data"]
        sources: dict[str, str] = {}
        questions: list[Question] = []
        for article in articles:
            _article(article, sources, questions)
    except json.JSONDecodeError as error:
        raise QueryError(
            f"{name}: no JSON ({error.msg} in line {error.lineno}); questions a line belong in .jsonl"
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise QueryError(f"{name} is not in SQuAD format ({error!r}): data > paragraphs > qas > answers") from error
    except ValueError as error:
        raise QueryError(f"{name}: {error}") from error
    return Squad(sources, questions)


def _article(article: dict[str, Any], sources: dict[str, str], questions: list[Question]) -> None:
    source = f"{_file_name(article.get('title') or 'article')}.txt"
    if source in sources:
        source = f"{source.removesuffix('.txt')}-{len(sources)}.txt"
    contexts = [paragraph["context"] for paragraph in article["paragraphs"]]
    sources[source] = _BETWEEN.join(contexts)
    before = 0
    for paragraph, context in zip(article["paragraphs"], contexts, strict=True):
        for asked in paragraph["qas"]:
            given: Counter[Relevant] = Counter()
            # Transcripts of Spoken-SQuAD hold answers of no characters: nothing to find, and no sign that none exists.
            answers = [answer for answer in asked["answers"] if answer["text"]]
            if asked["answers"] and not answers:
                continue
            for answer in answers:
                start = int(answer["answer_start"])
                stop = start + len(answer["text"])
                if context[start:stop] != answer["text"]:
                    raise ValueError(
                        f"question {asked.get('id')!r}: {answer['text']!r} does not stand at {start} of its paragraph"
                    )
                given[Relevant(source, before + start, before + stop)] += 1
            # Answers of several people are alternatives: what most of them marked is enough to find.
            relevant = [place for place, _ in given.most_common(1)]
            possible = not asked.get("is_impossible", False) and bool(relevant)
            text = " ".join(asked["question"].split())
            questions.append(
                Question(text, tuple(relevant) if possible else (), question_word(text), possible, str(asked["id"]))
            )
        before += len(context) + len(_BETWEEN)


def question_word(text: str) -> str:
    """What is asked for, by the first question word: ``who``, ``when``, ``how many``…; ``other`` without one."""
    found = _ASKING.search(text)
    word = found.group(1).lower() if found else "other"
    return _CLASS.get(word, word)


def _file_name(title: str) -> str:
    return re.sub(r"[^\w.-]+", "_", title).strip("._")[:100] or "article"
