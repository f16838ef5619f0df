"""What the text pyramid is trained on: books as pooled token states, questions on them, and what a teacher says.

The transformer is frozen, so everything it has to say is asked once and kept in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from ..document import Document, Source, Span
from ..embed import Vectors
from ..encoders.text import TextEncoder, input_vectors
from ..encoders.text_pyramid import PyramidShape, TextPyramid
from ..encoders.text_stretch import Stretch, stretches
from ..errors import ModelError
from ..reading.plain import plain_blocks
from ..scale import PARAGRAPH, SECTION, SENTENCE
from ..segment import cut
from .books import book_paths, book_text
from .text_questions import (
    STYLES,
    WHOLE_PARAGRAPH,
    Passage,
    TextQuestions,
    content_words,
    sentences_asked,
    telling_words,
)

Ints = npt.NDArray[np.int64]
Part = Literal["learnt", "watched", "held out"]

DOCUMENT_CHARACTERS: Final = 10_000
"""Books are cut into documents of about this length."""
_RARE: Final = 1e-3
"""Words of this share of all count half, after Arora et al., "A simple but tough-to-beat baseline" (2017)."""
_WORDS: Final = 6_000
_NEAR: Final = 6
_LEAST_LIKENESS: Final = 0.45
_AT_ONCE: Final = 1_024
_SENTENCE_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """One book, all rows in the order of its text. A *row* is a section, paragraph or sentence.

    Attributes:
        sums: Of token states, as the pyramid takes them. *Shape:* (rows, planes), float16 of unit parts.
        whole: The same of its documents. *Shape:* (documents, planes)
        rank, parent, document: *Shape:* (rows,)
        alone: The teacher: sentences, each read by itself, summed up to larger units. *Shape:* (rows, width)
        asked: Questions as the pyramid takes them. *Shape:* (questions, planes)
        first, last: Rows of the first and the last sentence that answer a question. *Shape:* (questions,)
        exact: Whether these sentences answer it, and not only their paragraph. *Shape:* (questions,)
    """

    name: str
    sums: npt.NDArray[np.float16]
    whole: npt.NDArray[np.float16]
    rank: Ints
    parent: Ints
    document: Ints
    alone: npt.NDArray[np.float16]
    asked: npt.NDArray[np.float16]
    first: Ints
    last: Ints
    exact: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class TextMaterial:
    """Books by part, and a pyramid whose parts without gradient are set.

    Attributes:
        model, digest: Of the transformer.
        token_weights, static_centre: As in :class:`octavo.pipeline.encoders.text_pyramid.TextPyramid`.
        turn: Principal axes of sentences as rows, the longest first. *Shape:* (width, width)
    """

    model: str
    digest: str
    shape: PyramidShape
    token_weights: Vectors
    static_centre: Vectors
    turn: Vectors
    books: Mapping[Part, Sequence[Book]]

    def pyramid(self, shape: PyramidShape) -> TextPyramid:
        """An untrained pyramid: plain pooling."""
        import torch

        made = TextPyramid(shape)
        made.token_weights.copy_(torch.from_numpy(self.token_weights))
        made.static_centre.copy_(torch.from_numpy(self.static_centre))
        with torch.no_grad():
            made.turn.copy_(torch.from_numpy(self.turn))
        return made


def part_of(place: int) -> Part:
    """What the book at a place of the list of books is for."""
    return {1: "watched", 2: "held out"}.get(place % 6, "learnt")  # type: ignore[return-value]


def read_material(
    folders: Sequence[Path],
    model: str,
    out: Path,
    *,
    device: str = "cpu",
    questions: int = 30_000,
    characters: int = 400_000,
    seed: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> TextMaterial:
    """Books, read by the transformer once; what is in ``out`` already is not read again.

    Args:
        folders: Of books, ``*.txt`` or ``*.txt.gz``; at least three in all.
        model: A transformer as for :class:`octavo.pipeline.encoders.text.TextEncoder`, without a pyramid.
        questions: On all books together.
        characters: Most of a book that are read.

    Raises:
        ModelError: There are fewer than three books, or the model cannot be loaded.
    """
    import torch

    paths = book_paths(folders)
    if len(paths) < 3:
        raise ModelError(f"{len(paths)} books in {', '.join(map(str, folders))}: give three at least, as *.txt(.gz)")
    out.mkdir(parents=True, exist_ok=True)
    plain = TextEncoder(model, device)
    words = input_vectors(plain.transformer).detach().float().cpu()
    shape = PyramidShape(plain.width, words.shape[1], words.shape[0])
    texts = {path: book_text(path)[:characters] for path in paths}
    blank = TextPyramid(shape)
    blank.token_weights.copy_(torch.from_numpy(_token_weights(plain, [*texts.values()], shape.vocabulary)))
    blank.static_centre.copy_(words.mean(0))
    encoder = TextEncoder(model, device, pyramid=blank)
    if encoder.device.type == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)():
        encoder.transformer.to(torch.bfloat16)  # a third of the time; on a GPU it is so anyway
    near = _near_words([*texts.values()], encoder, words.numpy())
    total = sum(map(len, texts.values()))
    books: dict[Part, list[Book]] = {"learnt": [], "watched": [], "held out": []}
    for place, (path, text) in enumerate(texts.items()):
        told = json.dumps([plain.fingerprint, hashlib.sha256(text.encode()).hexdigest(), total, questions, seed])
        kept = out / f"{path.name.partition('.')[0]}.states.safetensors"
        book = _kept(kept, told)
        if book is None:
            count = max(20, round(questions * len(text) / total))
            book = _read(path.name.partition(".")[0], text, encoder, TextQuestions(near), count, seed)
            _keep(book, kept, told)
        books[part_of(place)].append(book)
        tell(f"{book.name}: {len(book.rank):,} spans, {len(book.first):,} questions, {part_of(place)}")
    return TextMaterial(
        model,
        plain.digest,
        shape,
        blank.token_weights.numpy().copy(),
        blank.static_centre.cpu().numpy().copy(),
        _axes(books["learnt"], shape.width),
        books,
    )


def _token_weights(encoder: TextEncoder, texts: Sequence[str], vocabulary: int) -> Vectors:
    """Less for words that are everywhere, nearly 1 for those that are seldom or never. *Shape:* (vocabulary,)"""
    counts = np.zeros(vocabulary)
    for text in texts:
        for at in range(0, len(text), DOCUMENT_CHARACTERS):
            np.add.at(counts, encoder.token_ids(text[at : at + DOCUMENT_CHARACTERS]), 1)
    weights: Vectors = (_RARE / (_RARE + counts / counts.sum())).astype(np.float32)
    return weights


def _near_words(texts: Sequence[str], encoder: TextEncoder, words: Vectors) -> dict[str, list[str]]:
    """Words that may stand for others: the input vectors of both lie near, and both are frequent."""
    counts = Counter(word.casefold() for text in texts for word in content_words(text))
    single = [(word, ids[0]) for word, _ in counts.most_common(_WORDS) if len(ids := encoder.token_ids(word)) == 1]
    vectors = words[[number for _, number in single]] - words.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    found = {}
    for row, (word, _) in enumerate(single):
        near = [single[at][0] for at in np.argsort(-likeness[row])[:_NEAR] if likeness[row, at] >= _LEAST_LIKENESS]
        if near:
            found[word] = near
    return found


def _documents(text: str) -> Iterator[tuple[str, list[Span]]]:
    """Pieces of a book, cut into spans."""
    while text:
        piece = text[:DOCUMENT_CHARACTERS]
        if len(text) > 1.5 * DOCUMENT_CHARACTERS:
            end = piece.rfind("\n\n", DOCUMENT_CHARACTERS // 2)
            piece = piece[:end] if end > 0 else piece
        else:
            piece = text
        text = text[len(piece) :]
        blocks = tuple(plain_blocks(piece, 0, len(piece)))
        if blocks:
            yield piece, cut(Document(Source("book", "text/plain", "0" * 64), piece, blocks))


def _read(name: str, text: str, encoder: TextEncoder, made: TextQuestions, count: int, seed: int) -> Book:
    documents = list(_documents(text))
    parts: list[tuple[Stretch, Vectors]] = []
    shift = 0
    parents: list[Ints] = []
    for stretch in stretches(documents):
        parts.append((stretch, encoder.sums([piece for piece, _ in documents], stretch)))
        parents.append(np.where(stretch.parent >= 0, stretch.parent + shift, -1))
        shift += len(stretch.rank)
    rank, document, start, stop = (
        np.concatenate([getattr(stretch, key) for stretch, _ in parts]) for key in ("rank", "document", "start", "stop")
    )
    parent = np.concatenate(parents)
    sums = np.concatenate([one for _, one in parts])
    whole = np.zeros((len(documents), sums.shape[1]), np.float32)
    sections = rank == SECTION.rank
    np.add.at(whole, document[sections], sums[sections])
    texts = [documents[one][0][a:b] for one, a, b in zip(document, start, stop, strict=True)]
    alone = np.zeros((len(rank), encoder.width), np.float32)
    sentences = np.flatnonzero(rank == SENTENCE.rank)
    alone[sentences] = _alone(encoder, [texts[at] for at in sentences])[:, : encoder.width]
    for scale in (SENTENCE, PARAGRAPH):
        children = np.flatnonzero(rank == scale.rank)
        np.add.at(alone, parent[children], alone[children])
    asked, answers = _questions(rank, parent, texts, made, count, Random(f"{seed} {name}"))
    first, last, exact = (np.array(column) for column in zip(*answers, strict=True))
    read = _alone(encoder, asked)
    widths = encoder.plane_widths
    return Book(
        *(name, _halves(sums, widths), _halves(whole, widths), rank, parent, document),
        *(_halves(alone, (encoder.width,)), _halves(read, widths), first, last, exact),
    )


def _alone(encoder: TextEncoder, texts: Sequence[str]) -> Vectors:
    return np.concatenate([encoder.question_sums(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)])


def _halves(sums: Vectors, widths: Sequence[int]) -> npt.NDArray[np.float16]:
    """Each plane as unit vectors: sums of thousands of tokens would leave the range of 16 bits."""
    parts = np.split(sums, np.cumsum(widths)[:-1], axis=1)
    units = [part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9) for part in parts]
    return np.concatenate(units, axis=1).astype(np.float16)


def _questions(
    rank: Ints, parent: Ints, texts: Sequence[str], made: TextQuestions, count: int, chance: Random
) -> tuple[list[str], list[tuple[int, int, bool]]]:
    """Questions, and of each the first and last sentence that answer it and whether they do."""
    frequency: Counter[str] = Counter()
    for row in np.flatnonzero(rank == SECTION.rank):
        frequency.update({word.casefold() for word in content_words(texts[int(row)])})
    names: dict[int, list[str]] = {}
    able = [at for at in np.flatnonzero(rank == SENTENCE.rank).tolist() if len(texts[at]) >= _SENTENCE_CHARACTERS]
    asked: list[str] = []
    answers: list[tuple[int, int, bool]] = []
    styles = [*STYLES]
    for turn in range(20 * count):
        if len(asked) == count or not able:
            break
        style, first = styles[turn % len(styles)], chance.choice(able)
        last = first
        for _ in range(sentences_asked(style, chance) - 1):
            if last + 1 < len(rank) and rank[last + 1] == SENTENCE.rank:
                last += 1
        around = int(parent[first])
        section = int(parent[around])
        if section not in names:
            names[section] = telling_words(texts[section], frequency)
        before = texts[first - 1] if first - 1 > around else ""
        passage = Passage(texts[first : last + 1], before, texts[around], names[section])
        if question := made.ask(passage, style, chance):
            asked.append(question)
            answers.append((first, last, style not in WHOLE_PARAGRAPH))
    if not asked:
        raise ModelError("a book holds no sentence that could be asked about: give prose")
    return asked, answers


def _axes(books: Sequence[Book], width: int) -> Vectors:
    scatter = np.zeros((width, width))
    for book in books:
        units = book.sums[book.rank == SENTENCE.rank, :width].astype(np.float64)
        scatter += units.T @ units
    axes: Vectors = np.linalg.eigh(scatter)[1][:, ::-1].T.astype(np.float32)
    return np.ascontiguousarray(axes)


_ARRAYS: Final = ("sums", "whole", "rank", "parent", "document", "alone", "asked", "first", "last", "exact")


def _keep(book: Book, path: Path, told: str) -> None:
    part = path.with_suffix(".part")
    arrays = {name: np.ascontiguousarray(getattr(book, name)) for name in _ARRAYS}
    save_file(arrays, part, {"told": told, "name": book.name})
    part.rename(path)


def _kept(path: Path, told: str) -> Book | None:
    from safetensors import safe_open

    if not path.exists():
        return None
    with safe_open(path, framework="numpy") as file:
        header = file.metadata() or {}
    if header.get("told") != told:
        return None
    arrays: dict[str, Any] = load_file(path)
    return Book(header["name"], **arrays)
