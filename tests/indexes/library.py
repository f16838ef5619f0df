"""A small shelf of real text with a bag-of-words encoder: retrieval without a transformer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.document import Block, BlockKind, Document, Metadata, Source, Span
from octavo.pipeline.embed import Embeddings, Encoded
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from octavo.pipeline.segment import cut
from octavo.pipeline.terms import lexis
from octavo.pipeline.token_states import TOKEN_WIDTH, AskedPieces, TokenStates, rounded

from .world import unit, vector_of

WIDTH = 128

MANUAL = """# Errors
E-4304 means that the pump is dry. Fill the tank and start again. Do not run the pump dry for long.
E-4305 means that the lid is open. Close the lid until it clicks.

# Warranty
The warranty covers pump, valve and boiler for two years. It does not cover scale, misuse and worn seals.
Send the invoice with every claim. Repairs by others end the warranty.

# Cleaning
Rinse the filter every week. Descale the boiler every three months with citric acid. Rinse twice afterwards.
"""

NOTES = """# Release 2
The database of recipes is now kept on the device. Temperature is shown in degrees Celsius.

# Release 1
First release. The lamp can be dimmed. Thermostat readings are logged every minute.
"""


def document(name: str, text: str, language: str = "en", modified: str = "") -> Document:
    """Headings begin with #; every other line is a block."""
    blocks = []
    for line in re.finditer(r"[^\n]+", text):
        if line.group().startswith("# "):
            blocks.append(Block(line.start() + 2, line.end(), BlockKind.HEADING, 1))
        else:
            blocks.append(Block(line.start(), line.end()))
    digest = hashlib.sha256(text.encode()).hexdigest()
    metadata = Metadata(title=name, language=language, modified=modified)
    return Document(Source(f"/shelf/{name}", "text/markdown", digest), text, tuple(blocks), metadata=metadata)


class BagOfWords:
    """Sums of fixed random vectors of words and of their trigrams, so that slips lie near, as with word pieces."""

    fingerprint = "bag-of-words"

    def encode_one(self, text: str) -> npt.NDArray[np.float32]:
        """*Shape:* (WIDTH,), length 1"""
        words = [f" {word} " for word in re.findall(r"\w+", text.casefold())]
        pieces = words + [word[i : i + 3] for word in words for i in range(len(word) - 2)]
        return unit(np.sum([vector_of(piece, WIDTH) for piece in pieces or [""]], axis=0))

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        for number, (text, spans) in enumerate(documents):
            for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
                rows = [i for i, span in enumerate(spans) if span.scale is scale]
                vectors = np.stack([self.encode_one(text[spans[i].start : spans[i].stop]) for i in rows])
                yield number, Embeddings(scale, vectors, np.array(rows, np.int64), self.fingerprint)

    def encode_questions(self, questions: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.stack([self.encode_one(question) for question in questions])


class MeaningOfWords(BagOfWords):
    """Tells in addition what each word means: a fixed random vector, the same for words of one meaning."""

    token_fingerprint = "meaning-of-words"
    meanings: Mapping[str, str] = {"guarantee": "warranty", "bill": "invoice"}

    def states(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """*Shape:* (words, TOKEN_WIDTH), rows of length 1"""
        rows = [vector_of(self.meanings.get(word.casefold(), word.casefold()), TOKEN_WIDTH) for word in words]
        return np.array(rows, np.float32).reshape(-1, TOKEN_WIDTH)

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        for number, made in super().encode(documents):
            if made.scale is SENTENCE:
                text, spans = documents[number]
                own = [spans[at] for at in made.spans.tolist()]
                words = [re.findall(r"\w+", text[span.start : span.stop]) for span in own]
                codes = rounded(self.states([word for some in words for word in some]))
                bounds = np.cumsum([0, *map(len, words)])
                made = replace(made, tokens=TokenStates(codes, bounds, self.token_fingerprint))
            yield number, made

    def read_question(self, question: str) -> tuple[npt.NDArray[np.float32], AskedPieces]:
        found = list(re.finditer(r"\w+", question))
        places = np.array([one.span() for one in found], np.int64).reshape(-1, 2)
        return self.encode_one(question), AskedPieces(places, self.states([one.group() for one in found]))


def encoded(document: Document, encoder: BagOfWords) -> Encoded:
    """A document through the real stages, but for its vectors."""
    spans = cut(document)
    sentences = [span for span in spans if span.scale is SENTENCE]
    words = lexis(document.text, sentences, document.metadata.language)
    return Encoded(document, spans, words, [made for _, made in encoder.encode([(document.text, spans)])])


def shelf(path: Path, *documents: Document, encoder: BagOfWords | None = None) -> KnowledgeBase:
    """A knowledge base of these documents."""
    kb = KnowledgeBase.open(path, create=True, term_encoder=CharacterEncoder())
    with kb.writer() as writer:
        for one in documents:
            writer.add(encoded(one, encoder or BagOfWords()), "shelf", len(one.text), 1_700_000_000_000_000_000)
        writer.commit({"action": "ingest"})
    return kb
