"""Names of documents and headings as evidence, found again by hand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.features import signs
from octavo.indexes.evidence import Universe
from octavo.indexes.explain.scoring import words_of
from octavo.indexes.explain.view import _words
from octavo.indexes.names import NAME, Names
from octavo.indexes.retrieve import Encoders, find, retrieve
from octavo.indexes.store.bm25 import inverse_document_frequency
from octavo.indexes.store.filter import Filter
from octavo.pipeline.document import Document, Source
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.scale import DOCUMENT, SECTION
from octavo.pipeline.stems import stem
from octavo.pipeline.terms import terms
from rich.console import Console

from .library import MANUAL, NOTES, BagOfWords, document, encoded, shelf

MODELS = (
    "Brellant", "Corvane", "Dumarsk", "Elvorin", "Fenwick", "Galdora", "Hestrel", "Ivarno", "Jorvik", "Kelmont",
    "Lorvane", "Marquel", "Norvind", "Ostrava", "Pellworm", "Quarrel", "Rostand", "Silvano", "Tormund", "Ulvarra",
    "Vantage", "Wexmere", "Yarrow", "Zelnick",
)  # fmt: skip
"""Machines that are described in the same words; only the name of the document says which is which."""

ENCODERS = Encoders(BagOfWords(), CharacterEncoder())


def manual(model: str, number: int, *, title: bool = True, heading: str = "Dimensions") -> Document:
    """A manual that never names its machine."""
    text = "# Safety\nKeep children away. Unplug it before cleaning."
    text += f"\n\n# {heading}\nThe width of it is {200 + number} mm in all. What else?"
    made = document(f"{model} R{number} operating manual.md" if title else "", text)
    return replace(
        made, source=Source(f"/manuals/{number}/{model.lower()}-manual.md", "text/markdown", f"{number:064}")
    )


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    made = [manual(model, number) for number, model in enumerate(MODELS)]
    with shelf(tmp_path_factory.mktemp("names") / "kb", *made, document("notes.md", NOTES)) as opened:
        yield opened


def first(base: KnowledgeBase, question: str, where: Filter | None = None) -> str:
    with base.snapshot() as snapshot:
        return retrieve(question, snapshot, ENCODERS, where=where).hits[0].text


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_the_document_that_is_named_answers(kb: KnowledgeBase, number: int) -> None:
    assert f"{200 + number} mm" in first(kb, f"What is the width of the {MODELS[number]} in mm?")


def test_a_name_said_turns_before_counts_in_full(kb: KnowledgeBase) -> None:
    question = "I own a Jorvik. It works well, thank you. Now I move it to another room. What is its width in mm?"
    assert "208 mm" in first(kb, question)
    with kb.snapshot() as snapshot:
        found = find(question, snapshot, ENCODERS, {})
        (names,) = (part for part in found.evidence if part.column == "names document")
        assert names.scores.max() == 1
        assert [word.emphasis < 1 for word in found.words if word.text == "jorvik"] in ([], [True])


def test_scores_are_the_rarity_of_words_in_names(kb: KnowledgeBase) -> None:
    question = "What is the width of the Galdora, says its manual?"
    with kb.snapshot() as snapshot:
        found = find(question, snapshot, ENCODERS, {})
        by_text = {
            text: float(inverse_document_frequency(_paragraphs_with(kb, text), snapshot.paragraphs))
            for text in ("width", "galdora", "says", "manual")
        }
        column = {part.column: part for part in found.evidence}["names document"]
        sums = []
        for content in found.universe.content.tolist():
            known = snapshot.content(content)
            held = {stem(term.text, "en") for term in terms(known.metadata.title + " " + Path(known.uris[0]).stem)}
            sums.append(sum(worth for text, worth in by_text.items() if stem(text, "en") in held))
    assert column.raw == pytest.approx(np.array(sums), abs=1e-5)
    assert column.best == pytest.approx(max(*sums, *by_text.values()))
    assert (column.scores <= 1).all()


def _paragraphs_with(kb: KnowledgeBase, word: str) -> int:
    with kb.snapshot() as snapshot:
        spans = snapshot.between(snapshot.ranges())
        texts = [text for text, rank in zip(snapshot.texts(spans), spans.rank.tolist(), strict=True) if rank == 2]
    return sum(stem(word, "en") in {stem(term.text, "en") for term in terms(text)} for text in texts)


def test_a_common_word_in_a_name_says_little(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        names = {
            part.column: part for part in find("Does thermostat logging need safety?", snapshot, ENCODERS, {}).evidence
        }
        assert "names document" not in names
        safety = names["names section"]
        assert 0 < safety.scores.max() < 1 / 2  # every manual has such a heading; the rarest word is in none


def test_headings_above_count(tmp_path: Path) -> None:
    text = "# Pump\nChange it every year.\n\n# Valve\nChange it every month.\n\n# Boiler\nChange it every decade."
    with shelf(tmp_path / "kb", document("a.md", text), document("b.md", MANUAL)) as base, base.snapshot() as snapshot:
        found = find("How often must the valve be changed?", snapshot, ENCODERS, {})
        column = {part.column: part for part in found.evidence}["names section"]
        held = [found.universe.spans.labels[row] == "Valve" for row in found.universe.section.tolist()]
        assert ((column.scores > 0) == held).all()
        assert (column.credit, column.scale) == (NAME, SECTION)


def test_a_slip_in_a_name_finds_it_where_the_text_holds_it(tmp_path: Path) -> None:
    books = [document(f"{name}.md", f"# {name}\nAn overture.\n\n# Plot\nThey meet and part.") for name in MODELS[:12]]
    with shelf(tmp_path / "kb", *books) as base, base.snapshot() as snapshot:
        found = find("Do they meet in Hestrle?", snapshot, ENCODERS, {})
        column = {part.column: part for part in found.evidence}["names document"]
        best = int(found.universe.content[int(column.scores.argmax())])
        assert snapshot.content(best).metadata.title == "Hestrel.md"


def test_running_numbers_of_files_are_no_names(tmp_path: Path) -> None:
    shelves = [manual("Chapter", number, title=False) for number in (1, 2, 12)]
    with shelf(tmp_path / "kb", *shelves) as base, base.snapshot() as snapshot:
        twelve = replace(shelves[2], source=Source("/books/part-12.md", "text/markdown", "f" * 64))
        with base.writer() as writer:
            writer.add(encoded(twelve, BagOfWords()), "shelf", 1, 1_700_000_000_000_000_000)
            writer.commit({"action": "ingest"})
        with base.snapshot() as newest:
            names = Names("Which 12 chapters are wide?", (), newest)
            by_file = {row.uris[0]: names.of_document(row.content) for row in newest.names(newest.content_ids())}
            assert by_file["/books/part-12.md"] == {}
            assert by_file["/manuals/12/chapter-manual.md"] == {"chapters": 1.0}
        assert len(snapshot.names(snapshot.content_ids())) == 3


def test_what_is_nearest_in_a_named_document_is_looked_at_whatever_else_is_nearer(tmp_path: Path) -> None:
    crowd = [f"# Width\nWidth width width of number {n} in mm is {n}." for n in range(150)]
    named = document("Brellant.md", "# Brellant\nA fine machine.\n\n# Size\nIt is 77 mm from side to side.")
    made = [document(f"p{n}.md", text) for n, text in enumerate(crowd)]
    question = "What is the width of the Brellant in mm?"
    with shelf(tmp_path / "kb", named, *made) as base, base.snapshot() as snapshot:
        found = find(question, snapshot, ENCODERS, {})
        assert "77 mm" in "".join(snapshot.texts(found.universe.spans))
        contents = snapshot.content_ids()
        (content,) = (one for one in contents.tolist() if snapshot.content(one).metadata.title == "Brellant.md")
        known = snapshot.content(content)
        assert Names(question, found.words, snapshot).ranges(contents).tolist() == [[known.first, known.stop]]


def test_filters_keep_named_documents_out(kb: KnowledgeBase) -> None:
    where = Filter(sources=("*notes*",))
    assert "mm" not in first(kb, "What is the width of the Jorvik in mm?", where)


def test_earlier_generations_know_the_names_of_then(tmp_path: Path) -> None:
    with shelf(tmp_path / "kb", manual("Brellant", 1), manual("Corvane", 2)) as base:
        base.delete(["/manuals/1/brellant-manual.md"])
        with base.snapshot(1) as before, base.snapshot() as after:
            assert [row.uris for row in before.names(before.content_ids())] == [
                ("/manuals/1/brellant-manual.md",),
                ("/manuals/2/corvane-manual.md",),
            ]
            assert [row.uris for row in after.names(before.content_ids())] == [("/manuals/2/corvane-manual.md",)]
            assert "201 mm" in retrieve("Brellant width in mm?", before, ENCODERS).hits[0].text


def test_names_are_credited_and_sum_to_the_score(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        hit = retrieve("What is the width of the Ostrava in mm?", snapshot, ENCODERS).hits[0]
        assert hit.contributions[NAME] > 0
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
        plain = retrieve("Is it dry?", snapshot, ENCODERS)
        assert all(NAME not in hit.contributions for hit in plain.hits)


def test_confidence_takes_what_a_name_holds_as_held(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        question = "What is the width of the Ostrava in mm?"
        seen = signs(question, find(question, snapshot, ENCODERS, {}))
        assert "ostrava" not in seen.missing
        assert seen.values["covered paragraph"] == pytest.approx(1)
        foreign = signs(asked := "What is the width of the Zanzibar?", find(asked, snapshot, ENCODERS, {}))
        assert foreign.missing[0] == "zanzibar"
        assert foreign.values["covered paragraph"] < 1 / 2
        known = {word.text: word.share for word in (*seen.words, *foreign.words)}
        assert (known["ostrava"], known["zanzibar"]) == (1.0, 0.0)  # "no text mentions" is said of the second alone


def test_explanations_tell_which_words_stand_in_a_name(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = find("What is the width of the Ostrava in mm?", snapshot, ENCODERS, {})
        choice = found.choose(1, None)[0]
        words = words_of("What is the width of the Ostrava in mm?", found, choice)
        told = {word.text: (word.known, word.in_name) for word in words if not word.stop_word}
    assert told == {"width": ("exact", False), "ostrava": ("unknown", True), "mm": ("exact", False)}
    shown = io.StringIO()
    Console(file=shown, width=120).print(_words(words))
    (row,) = (line for line in shown.getvalue().splitlines() if "ostrava" in line)
    assert "by a name alone" in row
    assert "in its name" in row


def test_a_pinned_scale_takes_its_own_names_alone(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        by_scale = {
            scale: find("Dimensions of the Ostrava", snapshot, ENCODERS, {}, pinned=(scale,)).fused
            for scale in (DOCUMENT, SECTION)
        }
    for scale, fused in by_scale.items():
        assert {part.column for part in fused.parts if part.credit == NAME} == {f"names {scale}"}


def test_an_empty_universe_has_no_names(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        nothing = Universe.of(snapshot.subtree(np.empty(0, np.int64)))
        assert Names("Ostrava", (), snapshot).evidence(nothing) == []
        assert len(Names("Ostrava", (), snapshot).ranges(np.empty(0, np.int64))) == 0
