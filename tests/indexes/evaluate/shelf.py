"""A shelf of two small files that are really there, with questions about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.questions import Question, Relevant
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.encoders.character import CharacterEncoder

from ..library import MANUAL, NOTES, BagOfWords, document, shelf

BUDGETS = (60, 120, 400)


def encoders() -> Encoders:
    return Encoders(BagOfWords(), CharacterEncoder())


def place(quote: str) -> Relevant:
    """The characters of a quote, in the file that holds it."""
    name, text = ("manual.md", MANUAL) if quote in MANUAL else ("notes.md", NOTES)
    return Relevant(name, text.index(quote), text.index(quote) + len(quote))


QUESTIONS = (
    Question("What does E-4304 mean?", (place("E-4304 means that the pump is dry."),), "code", id="1"),
    Question(
        "How long is the warranty?",
        (place("The warranty covers pump, valve and boiler for two years."),),
        "time",
        id="2",
    ),
    Question(
        "How often is the boiler descaled and the filter rinsed?",
        (place("Descale the boiler every three months"), place("Rinse the filter every week.")),
        "time",
        id="3",
    ),
    Question(
        "Where is the database of recipes kept?", (place("The database of recipes is now kept on the device."),), id="4"
    ),
    Question("What is said of releases?", (Relevant("notes"),), "whole", id="5"),
    Question("Who painted the pump?", (), "code", answerable=False, id="6"),
)


def shelve(folder: Path) -> KnowledgeBase:
    """A knowledge base of both files, which lie in ``folder``."""
    made = []
    for name, text in (("manual.md", MANUAL), ("notes.md", NOTES)):
        path = folder / name
        path.write_bytes(text.encode())
        one = document(name, text)
        source = replace(one.source, uri=str(path), sha256=hashlib.sha256(text.encode()).hexdigest())
        made.append(replace(one, source=source))
    return shelf(folder / "kb", *made)


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with shelve(tmp_path) as base:
        yield base
