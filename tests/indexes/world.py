"""A tiny world: random documents with words, spans and vectors, made without any model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.document import Block, Document, Flag, Metadata, Page, Source, Span
from octavo.pipeline.embed import Embeddings, Encoded
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from octavo.pipeline.terms import Lexis

WIDTH = 16
FINGERPRINT = "world-1"
RECIPE = "world"
WORDS = [
    a + b + c for a in ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti") for b in "aeiou" for c in ("n", "rt", "st", "x")
]


def unit(array: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Rows of length 1."""
    rows = np.asarray(array, np.float32)
    lengths = np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return np.asarray(rows / lengths, np.float32)


def vector_of(text: str, width: int = WIDTH) -> npt.NDArray[np.float32]:
    """A unit vector that only depends on the text."""
    seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return unit(np.random.default_rng(seed).normal(size=width))


class TermVectors:
    """Vectors of terms by :func:`vector_of`; counts what it encodes."""

    fingerprint = "terms-1"
    width = 8

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, terms: Sequence[str]) -> npt.NDArray[np.float32]:
        self.encoded += terms
        return np.stack([vector_of(term, self.width) for term in terms])


def write_text(seed: int, sections: int = 2, paragraphs: int = 2, sentences: int = 3) -> list[list[list[str]]]:
    """Sections of paragraphs of sentences."""
    generator = np.random.default_rng(seed)
    return [
        [
            [f"{' '.join(generator.choice(WORDS, generator.integers(3, 9)))} n{seed}." for _ in range(sentences)]
            for _ in range(paragraphs)
        ]
        for _ in range(sections)
    ]


def encode(
    uri: str,
    body: list[list[list[str]]],
    *,
    fingerprint: str = FINGERPRINT,
    width: int = WIDTH,
    media_type: str = "text/plain",
    metadata: Metadata | None = None,
    flags: tuple[Flag, ...] = (),
    fail: bool = False,
) -> Encoded:
    """A document as the stages hand it on; with ``fail``, its vectors end in an error."""
    text, spans = "", [Span(DOCUMENT, 0, 1)]
    terms: dict[str, int] = {}
    tokens: list[int] = []
    bounds = [0]
    blocks: list[Block] = []
    pages: list[Page] = []
    for number, section in enumerate(body, 1):
        at_section, section_start = len(spans), len(text)
        spans.append(Span(SECTION, section_start, section_start + 1, 0, f"Heading {number}"))
        for paragraph in section:
            at_paragraph, start = len(spans), len(text)
            spans.append(Span(PARAGRAPH, start, start + 1, at_section))
            for sentence in paragraph:
                spans.append(Span(SENTENCE, len(text), len(text) + len(sentence), at_paragraph))
                tokens += [terms.setdefault(word.casefold(), len(terms)) for word in sentence.rstrip(".").split()]
                bounds.append(len(tokens))
                text += sentence + " "
            spans[at_paragraph] = Span(PARAGRAPH, start, len(text) - 1, at_section)
            blocks.append(Block(start, len(text) - 1))
        spans[at_section] = Span(SECTION, section_start, len(text) - 1, 0, f"Heading {number}")
        pages.append(Page(number, section_start, len(text), 595, 842))
    spans[0] = Span(DOCUMENT, 0, len(text) - 1)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    document = Document(
        Source(uri, media_type, digest), text, tuple(blocks), tuple(pages), metadata or Metadata(language="en"), flags
    )
    lexis = Lexis(
        tuple(terms),
        tuple(term[:4] for term in terms),
        np.array(tokens, np.int32),
        np.array(bounds, np.int64),
    )

    def vectors() -> Iterator[Embeddings]:
        for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
            own = np.array([at for at, span in enumerate(spans) if span.scale == scale], np.int64)
            # two stretches, as a long document comes
            for part in np.array_split(own, 2):
                if len(part):
                    rows = np.stack([vector_of(text[spans[at].start : spans[at].stop], width) for at in part.tolist()])
                    yield Embeddings(scale, rows, part, fingerprint)
        if fail:
            raise RuntimeError("the encoder broke")

    return Encoded(document, spans, lexis, Once(vectors()), {"reader": "world"})


class Once:
    """An iterable that may be read once, as real encoders are."""

    def __init__(self, items: Iterator[Embeddings]) -> None:
        self._items: Iterator[Embeddings] | None = items

    def __iter__(self) -> Iterator[Embeddings]:
        assert self._items is not None, "embeddings were read twice"
        items, self._items = self._items, None
        return items


def add_all(base: KnowledgeBase, documents: Iterable[Encoded], recipe: str = RECIPE) -> int:
    """Adds documents in one commit."""
    with base.writer() as writer:
        for encoded in documents:
            writer.add(encoded, recipe, len(encoded.document.text), 1_700_000_000_000_000_000)
        return writer.commit({"action": "ingest"})


def sentence(encoded: Encoded, number: int = 0) -> str:
    """The text of a document's nth sentence."""
    spans = [span for span in encoded.spans if span.scale == SENTENCE]
    return encoded.document.text[spans[number].start : spans[number].stop]


def nearest(base: KnowledgeBase, text: str) -> str:
    """The text of the sentence whose vector is nearest to a text's; "" if there is none."""
    with base.snapshot() as snapshot:
        if SENTENCE not in snapshot.scales:
            return ""
        found = snapshot.index(SENTENCE).search(vector_of(text)[None], 1)
        if found.ids[0, 0] < 0:
            return ""
        return snapshot.texts(snapshot.spans(found.ids[0]))[0]
