"""An earlier generation answers what it answered in its time, for as long as it can be read."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import GenerationGone, QueryError
from octavo.pipeline.scale import CHARACTER, PARAGRAPH, SENTENCE

from .library import BagOfWords, document, encoded
from .world import TermVectors, add_all, encode, sentence, vector_of, write_text

NOUNS = ("pump", "valve", "boiler", "lamp", "filter", "lid", "tank", "seal", "hose", "sensor", "fuse", "relay")
VERBS = ("leaks", "hums", "glows", "stops", "overheats", "rattles", "closes", "fails")
QUESTIONS = ("Which pump leaks?", "Why does the boiler overheat", "lamp", "filtr of the tenk", "code n7", "relay hums")


def words(generator: random.Random) -> str:
    """A small manual; its number is a word that few others have."""
    lines = []
    for section in range(generator.randint(1, 3)):
        lines.append(f"# Part {section} {generator.choice(NOUNS)}")
        for _ in range(generator.randint(1, 3)):
            lines.append(
                " ".join(
                    f"The {generator.choice(NOUNS)} {generator.choice(VERBS)} with code n{generator.randint(1, 40)}."
                    for _ in range(generator.randint(1, 4))
                )
            )
    return "\n".join(lines) + "\n"


def answers(base: KnowledgeBase, generation: int | None = None) -> list[dict[str, Any]]:
    """Everything that the questions find, without what no two answers share."""
    encoders = Encoders(BagOfWords(), CharacterEncoder())
    made = []
    with base.snapshot(generation) as snapshot:
        assert generation in (None, snapshot.generation)
        for question in QUESTIONS:
            for options in ({"k": 10}, {"budget": 200}, {"scales": ("character",)}):
                answer = retrieve(question, snapshot, encoders, **options).to_json()
                made.append(answer | {"timings_ms": {}})
    return made


def test_a_generation_answers_as_in_its_time(tmp_path: Path) -> None:
    """Random commits, merges of shards among them; every answer of every generation again, bit for bit."""
    generator = random.Random(4)
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=CharacterEncoder())
    remembered: dict[int, list[dict[str, Any]]] = {}
    listed: dict[int, list[str]] = {}
    there: list[str] = []
    for step in range(24):
        with base.writer() as writer:
            for _ in range(generator.randint(1, 3)):
                act = generator.choices(("add", "change", "delete"), (4, 2, 1))[0]
                if act == "add" or not there:
                    name = f"{step}-{generator.random():.6f}.md"
                    there.append(name)
                elif act == "change":
                    name = generator.choice(there)
                else:
                    name = there.pop(generator.randrange(len(there)))
                    writer.remove(f"/shelf/{name}")
                    continue
                made = encoded(document(name, words(generator)), BagOfWords())
                writer.add(made, "recipe", 1, 1_700_000_000_000_000_000)
            number = writer.commit({"action": "ingest"})
        remembered[number] = answers(base)
        listed[number] = [source.uri for source in base.sources()]
    assert base.status().scales[0].shards < 17  # merged meanwhile
    for number, then in remembered.items():
        assert answers(base, number) == then, f"generation {number}"
        assert [source.uri for source in base.sources(number)] == listed[number]
    assert answers(base) == remembered[base.generation]


def test_compaction_ends_what_it_drops_and_nothing_else(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())
    for number in range(4):
        add_all(base, [encode(f"/d/{number}.txt", write_text(number))])
    base.delete(["/d/1.txt"])  # generation 5
    add_all(base, [encode("/d/9.txt", write_text(9))])
    base.compact()  # generation 7
    for number in (2, 3, 4):
        with pytest.raises(GenerationGone, match=r"compaction of generation 7.*generations from 5 on"):
            base.snapshot(number)
    with base.snapshot(1) as snapshot:
        assert len(snapshot.content_ids()) == 1
    with base.snapshot(5) as snapshot:
        assert len(snapshot.content_ids()) == 3
        assert "4 paragraphs that were deleted" in snapshot.notes[0]
        found = snapshot.index(SENTENCE).search(vector_of(sentence(encode("/q", write_text(9))))[None], 3)
        assert found.scores[0, 0] < 0.99  # came in generation 6
    with pytest.raises(QueryError, match="no generation 99, the newest is 7"):
        base.snapshot(99)


def test_an_index_that_came_later_is_passed_over(tmp_path: Path) -> None:
    """A compaction made the index approximate: what was exact then is exact still."""
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())
    for number in range(12):
        add_all(base, [encode(f"/d/{number}.txt", write_text(number))])
    queries = np.stack([vector_of(f"question {number}") for number in range(50)])

    def found(generation: int | None) -> list[object]:
        with base.snapshot(generation) as snapshot:
            return [snapshot.index(scale).search(queries, 7).ids.tolist() for scale in (SENTENCE, PARAGRAPH)]

    then = found(None)
    base.compact((Band(1, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT))), target=0.1)
    add_all(base, [encode("/d/new.txt", write_text(99))])
    assert found(12) == then
    assert found(13) == found(13)
    with base.snapshot(13) as snapshot:
        assert snapshot.notes == ()
    base.compact((Band(1, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT))), target=0.1)
    with base.snapshot(13) as snapshot:
        assert any("was approximate (ivf-sq8) and is gone" in note for note in snapshot.notes)


def test_old_generations_while_another_process_writes(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=CharacterEncoder())
    for number in range(4):
        made = encoded(document(f"{number}.md", words(random.Random(number))), BagOfWords())
        with base.writer() as writer:
            writer.add(made, "recipe", 1, 1)
            writer.commit()
    then = answers(base, 2)
    code = (
        "import sys\n"
        "from octavo.indexes.collection import KnowledgeBase\n"
        "from octavo.pipeline.encoders.character import CharacterEncoder\n"
        "from octavo.tests.indexes.library import BagOfWords, document, encoded\n"
        "base = KnowledgeBase.open(sys.argv[1], term_encoder=CharacterEncoder())\n"
        "for number in range(25):\n"
        "    with base.writer() as writer:\n"
        "        text = f'# New\\nThe pump leaks with code n{number}.\\n'\n"
        "        writer.add(encoded(document(f'new-{number}.md', text), BagOfWords()), 'recipe', 1, 1)\n"
        "        writer.commit()\n"
        "    if number == 12: base.compact()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(base.path)], stderr=subprocess.PIPE, text=True) as writing:
        rounds = 0
        while writing.poll() is None or rounds < 3:
            assert answers(base, 2) == then
            rounds += 1
        assert writing.stderr is not None
        assert writing.returncode == 0, writing.stderr.read()
    assert base.generation > 20
    assert answers(base, 2) == then


def test_vectors_of_terms_that_were_made_anew(tmp_path: Path) -> None:
    class Others(TermVectors):
        fingerprint = "terms-2"

    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as base:
        add_all(base, [encode("/d/1.txt", write_text(1))])
    base = KnowledgeBase.open(tmp_path / "kb", term_encoder=Others())
    add_all(base, [encode("/d/2.txt", write_text(2))])
    with base.snapshot(1) as old, base.snapshot() as new:
        assert old.notes == ("the character vectors of generation 1 were made by terms-1 and are gone: terms-2 now",)
        assert new.notes == ()
        terms = len(old.index(CHARACTER)), len(new.index(CHARACTER))
        assert 0 < terms[0] < terms[1]
        assert old.term_ids(["n2"]) == [[]] != new.term_ids(["n2"])
