"""Entering a document into the catalog: its tree, its words, its text, pages and times."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...pipeline.document import Document, Span
from ...pipeline.embed import Encoded
from ...pipeline.errors import KnowledgeBaseError
from ...pipeline.scale import DOCUMENT, PARAGRAPH, SENTENCE
from ...pipeline.terms import Lexis
from .catalog import Catalog
from .stored import stem_word, storable, stored_flags

PIECE = 8_192
"""Characters in a row of text: a few database pages, so that one span costs a few page reads."""
_TIMES = 512
"""Times in a row of the catalog."""
_CACHED_WORDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Staged:
    """A document in the catalog, without its vectors.

    Attributes:
        content: Its id.
        first: Id of its first span; the others follow.
    """

    content: int
    first: int


class Words:
    """Stem ids by stem: the writer's memory of what the catalog holds."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ids: dict[str, int] = {}

    def forget(self) -> None:
        """Forgets all: what was entered may have been rolled back."""
        self._ids.clear()

    def ids(self, lexis: Lexis) -> npt.NDArray[np.int32]:
        """The stem id of each distinct term, entering stems and terms that are new. *Shape:* (terms,)."""
        if len(self._ids) > _CACHED_WORDS:
            self._ids.clear()
        stems = [storable(stem) for stem in lexis.stems]
        unknown = [stem for stem in dict.fromkeys(stems) if stem not in self._ids]
        self._catalog.each("INSERT OR IGNORE INTO stem (text) VALUES (?)", ((stem,) for stem in unknown))
        found = self._catalog.each("SELECT id FROM stem WHERE text = ?", ((stem,) for stem in unknown))
        self._ids.update(zip(unknown, (row[0] for row in found), strict=True))
        ids = [self._ids[stem] for stem in stems]
        # OR IGNORE would still use up an id of the AUTOINCREMENT table's for each term that is there already
        self._catalog.each(
            "INSERT INTO term (text, stem_id) SELECT ?1, ?2"
            " WHERE NOT EXISTS (SELECT 1 FROM term WHERE text = ?1 AND stem_id = ?2)",
            zip(map(storable, lexis.terms), ids, strict=True),
        )
        return np.array(ids, np.int32)


def stage(catalog: Catalog, encoded: Encoded, recipe: str, words: Words, generation: int) -> Staged:
    """Enters a document, all but its vectors and its sound, inside a step of the caller's.

    Raises:
        KnowledgeBaseError: Its spans are no tree, or its words do not fit them.
    """
    document, spans = encoded.document, encoded.spans
    # Of a recording without a transcript there is no text at all.
    wordless = encoded.sound is not None and not spans and not document.text
    last = [] if wordless else check_tree(spans, encoded.lexis, document)
    first = int(catalog.value("SELECT value FROM setting WHERE key = 'next_span'"))
    catalog.rows("UPDATE setting SET value = ? WHERE key = 'next_span'", (first + len(spans),))
    meta = document.metadata
    content = int(
        catalog.value(
            "INSERT INTO content (id, sha256, media_type, recipe, title, author, language, created, modified,"
            " text_length, first, stop, paragraphs, stems, vectors, flags, manifest, added)"
            " VALUES ((SELECT max(coalesce((SELECT max(id) FROM content), 0),"
            " coalesce((SELECT max(id) FROM past_content), 0)) + 1),"
            " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '{}', ?, ?, ?) RETURNING id",
            (
                document.source.sha256,
                document.source.media_type,
                recipe,
                *map(storable, (meta.title, meta.author, meta.language, meta.created, meta.modified)),
                len(document.text),
                first,
                first + len(spans),
                stored_flags(document.flags),
                json.dumps(dict(encoded.manifest)),
                generation,
            ),
        )
    )
    stems = words.ids(encoded.lexis)[encoded.lexis.tokens]
    _enter_spans(catalog, content, first, spans, last, stems, encoded.lexis.bounds)
    _enter_text(catalog, content, document)
    return Staged(content, first)


def _enter_spans(
    catalog: Catalog,
    content: int,
    first: int,
    spans: Sequence[Span],
    last: Sequence[int],
    stems: npt.NDArray[np.int32],
    bounds: npt.NDArray[np.int64],
) -> None:
    """The tree, and the words of its paragraphs: those of all sentences inside, which follow each other."""
    sentence = 0
    paragraphs: list[tuple[int, int, int]] = []

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal sentence
        for at, span in enumerate(spans):
            own = b""
            if span.scale == SENTENCE:
                own = stems[bounds[sentence] : bounds[sentence + 1]].astype("<i4").tobytes()
                sentence += 1
            elif span.scale == PARAGRAPH:
                inside = sum(below.scale == SENTENCE for below in spans[at + 1 : last[at] + 1])
                paragraphs.append((first + at, int(bounds[sentence]), int(bounds[sentence + inside])))
            parent = -1 if span.parent < 0 else first + span.parent
            place = (span.start, span.stop, parent, first + last[at])
            yield (first + at, content, span.scale.rank, *place, storable(span.label), own)

    catalog.each("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())
    catalog.each(
        "INSERT INTO lexical (rowid, stems) VALUES (?, ?)",
        ((at, " ".join(map(stem_word, stems[start:stop].tolist()))) for at, start, stop in paragraphs),
    )
    counted = sum(stop - start for _, start, stop in paragraphs)
    catalog.rows("UPDATE content SET paragraphs = ?, stems = ? WHERE id = ?", (len(paragraphs), counted, content))


def _enter_text(catalog: Catalog, content: int, document: Document) -> None:
    text = document.text
    catalog.each(
        "INSERT INTO text VALUES (?, ?, ?, ?)",
        (
            (content, at, min(at + PIECE, len(text)), text[at : at + PIECE].encode("utf-8", "surrogatepass"))
            for at in range(0, len(text), PIECE)
        ),
    )
    catalog.each(
        "INSERT INTO page VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (content, page.number, page.start, page.stop, page.width, page.height, zlib.compress(page.boxes.tobytes()))
            for page in document.pages
        ),
    )
    pieces = (document.times[at : at + _TIMES] for at in range(0, len(document.times), _TIMES))
    catalog.each(
        "INSERT INTO time VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                content,
                *(int(piece["start"][0]), int(piece["stop"][-1])),
                *(int(piece["from"].min()), int(piece["to"].max())),
                zlib.compress(piece.tobytes()),
            )
            for piece in pieces
        ),
    )


def check_tree(spans: Sequence[Span], lexis: Lexis, document: Document) -> list[int]:
    """Checks that spans are a tree in depth-first preorder that fits the text and the words.

    Returns:
        For each span the position of the last span inside it, its own if there is none.

    Raises:
        KnowledgeBaseError: They are not.
    """
    where = document.source.uri
    if not spans or spans[0].scale != DOCUMENT or spans[0].parent != -1:
        raise KnowledgeBaseError(
            f"{where}: the first span has to be the document's; found {spans[0] if spans else 'none'}"
        )
    if len(lexis.bounds) - 1 != sum(span.scale == SENTENCE for span in spans):
        raise KnowledgeBaseError(f"{where}: words for {len(lexis.bounds) - 1} sentences, but other sentences were cut")
    open_: list[int] = []
    last = list(range(len(spans)))
    for at, span in enumerate(spans):
        while open_ and open_[-1] != span.parent:
            last[open_.pop()] = at - 1
        parent = spans[span.parent] if open_ else None
        if at and (parent is None or span.start < parent.start or span.stop > parent.stop):
            raise KnowledgeBaseError(f"{where}: span {at} {span} does not follow its parent {span.parent} or leaves it")
        if parent is not None and parent.scale.rank <= span.scale.rank:
            raise KnowledgeBaseError(f"{where}: span {at} {span} is not finer than its parent {span.parent}")
        open_.append(at)
    for at in open_:
        last[at] = len(spans) - 1
    if spans[0].stop > len(document.text):
        raise KnowledgeBaseError(
            f"{where}: the document's span ends at {spans[0].stop}, its text at {len(document.text)}"
        )
    return last
