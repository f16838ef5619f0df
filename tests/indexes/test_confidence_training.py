"""What the confidence model learns from: shelves of sources, questions made of them, answers judged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.features import FEATURES
from octavo.indexes.confidence.fit import CHOSEN, SHARES, balanced, fit, held_out, weights_of
from octavo.indexes.confidence.model import sigmoid
from octavo.indexes.confidence.quality import area_under_risk
from octavo.indexes.confidence.training_questions import STYLES, Paraphraser, QuestionMaker, TrainingQuestion
from octavo.indexes.confidence.training_samples import Asked, Samples, contents, judged
from octavo.indexes.confidence.training_shelves import SHELVES, transcripts, typed, write_shelves
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import QueryError

from .library import MANUAL, NOTES, BagOfWords, document, shelf

STORY = (
    "The lighthouse keeper counted seventeen grey herons beside the frozen harbour before breakfast on Sunday."
    " Nobody believed him afterwards, because herons never winter near the harbour of that northern village.\n"
)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path = tmp_path_factory.mktemp("shelf") / "kb"
    return shelf(path, document("manual.md", MANUAL), document("notes.md", NOTES), document("story.md", STORY))


def questions(kb: KnowledgeBase, count: int, seed: int = 0) -> list[TrainingQuestion]:
    with kb.snapshot() as snapshot:
        paraphraser = Paraphraser.of(snapshot, BagOfWords())
        return QuestionMaker(snapshot, paraphraser, np.random.default_rng(seed)).make(count)


def test_questions_are_of_every_style_and_always_the_same(kb: KnowledgeBase) -> None:
    made = questions(kb, 2 * len(STYLES))
    assert {one.style for one in made} == set(STYLES)
    assert made == questions(kb, 2 * len(STYLES))
    assert made != questions(kb, 2 * len(STYLES), seed=1)
    with kb.snapshot() as snapshot:
        held = contents(snapshot)
        for one in made:
            assert one.content in held
            assert snapshot.text(one.content, one.start, one.stop).strip()


def test_answers_are_judged_with_and_without_their_source(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        asked = [Asked(one.text, one.style, {one.content: [(one.start, one.stop)]}) for one in questions(kb, 18)]
        asked.append(Asked("who sings of zebras?", "sung, foreign", {}))
        encoders = Encoders(BagOfWords(), CharacterEncoder())
        samples = Samples.of(list(judged(asked, snapshot, encoders, np.random.default_rng(0))))
    assert len(samples) == 2 * 18 + 1
    left_out = np.array(["left out" in kind or "foreign" in kind for kind in samples.kind])
    assert not samples.right[left_out].any()
    assert samples.right[~left_out].mean() > 0.7
    assert np.isfinite(samples.rows).all()
    counts = weights_of(samples)
    for name, share in SHARES.items():
        own = [name in kind or (name == "answerable" and "," not in kind) for kind in samples.kind]
        assert counts[np.array(own)].sum() == pytest.approx(share * len(samples))


def drawn(count: int, seed: int) -> Samples:
    """Answers that are right where the best place covers the question."""
    generator = np.random.default_rng(seed)
    rows = generator.random((count, len(FEATURES)))
    right = generator.random(count) < sigmoid(8 * (rows[:, FEATURES.index("covered asked")] - 0.5))
    sorts = ("keywords", "keywords, source left out", "keywords, foreign")
    return Samples(rows, right, tuple(sorts[at % 3] for at in range(count)))


def test_a_held_out_shelf_is_judged_by_the_others() -> None:
    shelves = {"a": drawn(600, 1), "b": drawn(600, 2)}
    found = held_out(shelves)
    own = fit(shelves["b"])
    assert np.allclose(found["a"], sigmoid(own.logits(shelves["a"].rows)))
    chance = 1 - shelves["a"].right.mean()
    assert area_under_risk(found["a"], shelves["a"].right) < 0.6 * chance
    model = fit(Samples.joined(list(shelves.values())))
    assert model.names == CHOSEN
    pull = model.pulls(dict.fromkeys(FEATURES, 0.95))
    assert max(pull, key=lambda name: pull[name]) == "covered asked"
    assert len(balanced(shelves["a"])) == 4 * 600


def test_shelves_are_cut_into_sources(tmp_path: Path) -> None:
    books, speech = tmp_path / "books", tmp_path / "speech"
    for folder in (books, speech):
        folder.mkdir()
    head = "Preface\n*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*\n\nChapter 1\n\n"
    body = "".join(f"Paragraph {number} says so.\n\n" * 3 for number in range(400))
    for name in (name for names in SHELVES.values() for name in names):
        (books / f"{name}.txt.gz").write_bytes(
            gzip.compress((head + body + "End of the Project Gutenberg Etext").encode())
        )
    urls = [f"https://x/{number}.mp3" for number in range(50)]
    said = [f"sentence number {number} of the reading" for number in range(50)]
    truth = "".join(f"{url}\t{text}\n" for url, text in zip(reversed(urls), reversed(said), strict=True))
    (speech / "crowdspeech-part-gt.txt.gz").write_bytes(gzip.compress(truth.encode()))
    crowd = "INPUT\tOUTPUT\tWORKER\n" + f"{urls[7]}\tsentence nummer 7\t1\n"
    (speech / "crowdspeech-part-crowd.tsv.gz").write_bytes(gzip.compress(crowd.encode()))
    folders = write_shelves(books, speech, tmp_path / "out")
    assert [folder.name for folder in folders] == [*SHELVES, "transcripts"]
    for folder in folders[:-1]:
        texts = [path.read_text() for path in sorted(folder.iterdir())]
        assert len(texts) > 1
        assert not any("SMALL PRINT" in text or "Etext" in text for text in texts)
        assert max(map(len, texts)) < 16_000
    assert transcripts(speech, "crowdspeech-part") == said
    assert typed(speech, "crowdspeech-part") == [(7, "sentence nummer 7")]
    assert len(list(folders[-1].iterdir())) == 2
    with pytest.raises(QueryError, match="cannot be read"):
        write_shelves(tmp_path, speech, tmp_path / "other")
