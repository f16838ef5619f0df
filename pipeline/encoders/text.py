"""Sentence, paragraph, section and document vectors of text, all from one pass of a transformer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..document import Span
from ..embed import Embeddings, Vectors
from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from .checkpoint import DEFAULT_MODEL, load_transformer
from .device import choose_device
from .one_thread import one_thread

POOLING = "one-pass-mean-1"
"""Part of the fingerprint: changes whenever the same weights would give other vectors."""

CHARACTERS_PER_STRETCH = 1 << 18
"""What is tokenised, sorted by length and pooled together: long enough for full batches, short enough that
its sums (some 10 MB at width 384) do not matter."""

Ints = npt.NDArray[np.int64]


class TextEncoder:
    """A transformer whose token states are pooled by span: every text scale for the price of one.

    The transformer reads windows of whole paragraphs. The state of a token is added to its sentence, a
    sentence's sum to its paragraph, and so on up the tree; scaled to unit length these sums are the mean-pooled
    vectors of Reimers and Gurevych, "Sentence-BERT" (2019), each made in the context of its window.

    Args:
        model: ``all-MiniLM-L6-v2`` (shipped), a hub id, or the path of a local folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        window_tokens: Most tokens that the transformer reads together; never more than it has positions for.
        batch_tokens: Most tokens of a batch, padding included.

    Attributes:
        fingerprint: Of everything that shapes the vectors.
        settings: The same things by name, for the record of what made a knowledge base.

    Raises:
        ModelError: The model is not there or cannot be loaded, or the device is missing.
    """

    scales = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)

    def __init__(
        self, model: str = DEFAULT_MODEL, device: str = "auto", *, window_tokens: int = 256, batch_tokens: int = 8192
    ) -> None:
        import torch

        self.model = model
        self.device = torch.device(choose_device(device))
        self._checkpoint = load_transformer(model)
        self.width = self._checkpoint.width
        self.window_tokens = min(window_tokens, self._checkpoint.positions)
        self.batch_tokens = max(batch_tokens, self.window_tokens)
        settings = f"{self._checkpoint.digest} {POOLING} {self.window_tokens} {self._checkpoint.query_prompt}"
        self.settings: dict[str, str | int] = {
            "weights": self._checkpoint.digest,
            "pooling": POOLING,
            "window_tokens": self.window_tokens,
            "query_prompt": self._checkpoint.query_prompt,
        }
        self.fingerprint = f"text-{hashlib.blake2b(settings.encode(), digest_size=8).hexdigest()}"
        # bf16 halves time and memory on a GPU; few CPUs multiply it faster than fp32.
        self._dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self._transformer = self._checkpoint.transformer.to(self.device, self._dtype)

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        """Encode documents, a stretch of sections at a time, so that a document of any length needs little memory.

        Args:
            documents: Text and tree (see :func:`octavo.pipeline.segment.cut`) of each.

        Yields:
            The position of a document and the embeddings of a part of it at one scale; documents in order,
            a document's own vector last.
        """
        whole = np.zeros((1, self.width), np.float32)
        for stretch in _stretches(documents):
            sums = self._sums([text for text, _ in documents], stretch)
            for position in np.unique(stretch.document).tolist():
                here = stretch.document == position
                for scale in (SENTENCE, PARAGRAPH, SECTION):
                    rows = here & (stretch.rank == scale.rank)
                    yield position, Embeddings(scale, _unit(sums[rows]), stretch.position[rows], self.fingerprint)
                whole += sums[here & (stretch.rank == SECTION.rank)].sum(axis=0)
                if stretch.position[here][-1] == len(documents[position][1]) - 1:
                    yield position, Embeddings(DOCUMENT, _unit(whole), np.zeros(1, np.int64), self.fingerprint)
                    whole[:] = 0

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """One vector a question, in the space of every text scale.

        *Shape:* (questions, width)
        """
        tokenised = self._checkpoint.tokenizer(
            [self._checkpoint.query_prompt + question for question in questions],
            add_special_tokens=True,
            return_attention_mask=False,
            truncation=True,
            max_length=self.window_tokens,
        )["input_ids"]
        # Special tokens are pooled too, as in the model's training: a question is a text of its own.
        windows = [_Window(ids, [row] * len(ids)) for row, ids in enumerate(tokenised)]
        with one_thread:
            return _unit(self._pool(windows, len(questions)))

    def _sums(self, texts: Sequence[str], stretch: _Stretch) -> Vectors:
        """Sum of the token states of each span of a stretch. *Shape:* (spans, width)"""
        sums = self._pool(self._windows(texts, stretch), len(stretch.rank))
        for scale in (SENTENCE, PARAGRAPH):
            children = np.flatnonzero(stretch.rank == scale.rank)
            np.add.at(sums, stretch.parent[children], sums[children])
        for scale in (PARAGRAPH, SENTENCE):
            # A span of nothing but characters that the tokenizer drops has no states: its parent speaks for it.
            mute = np.flatnonzero((stretch.rank == scale.rank) & ~sums.any(axis=1))
            sums[mute] = sums[stretch.parent[mute]]
        return sums

    def _windows(self, texts: Sequence[str], stretch: _Stretch) -> list[_Window]:
        """Tokens of whole consecutive paragraphs of one document, as many as fit; longer paragraphs are divided."""
        paragraphs = np.flatnonzero(stretch.rank == PARAGRAPH.rank)
        tokenised = self._checkpoint.tokenizer(
            [texts[stretch.document[row]][stretch.start[row] : stretch.stop[row]] for row in paragraphs],
            add_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        prefix, suffix = list(self._checkpoint.prefix), list(self._checkpoint.suffix)
        room = self.window_tokens - len(prefix) - len(suffix)
        packed: list[_Window] = []
        document = -1
        for paragraph, ids, offsets in zip(
            paragraphs, tokenised["input_ids"], tokenised["offset_mapping"], strict=True
        ):
            owners = _owners(stretch, int(paragraph), offsets)
            for start, stop in _pieces(owners, room):
                if stretch.document[paragraph] != document or len(packed[-1].tokens) + stop - start > room:
                    packed.append(_Window([], []))
                    document = stretch.document[paragraph]
                packed[-1].tokens.extend(ids[start:stop])
                packed[-1].owners.extend(owners[start:stop])
        nobody = len(stretch.rank)
        return [
            _Window(
                prefix + window.tokens + suffix,
                [nobody] * len(prefix) + window.owners + [nobody] * len(suffix),
            )
            for window in packed
        ]

    def _pool(self, windows: Sequence[_Window], rows: int) -> Vectors:
        """Add up token states by owner; owner ``rows`` is nobody. *Shape:* (rows, width)"""
        import torch

        sums = torch.zeros(rows + 1, self.width, device=self.device)
        order = sorted(range(len(windows)), key=lambda i: len(windows[i].tokens), reverse=True)
        with torch.inference_mode():
            while order:
                longest = len(windows[order[0]].tokens)
                count = max(1, self.batch_tokens // max(longest, 1))
                batch, order = [windows[i] for i in order[:count]], order[count:]
                ids = np.full((len(batch), longest), self._checkpoint.padding, np.int64)
                owners = np.full((len(batch), longest), rows, np.int64)
                mask = np.zeros((len(batch), longest), np.int64)
                for row, window in enumerate(batch):
                    length = len(window.tokens)
                    ids[row, :length], owners[row, :length], mask[row, :length] = window.tokens, window.owners, 1
                states = self._transformer(
                    input_ids=torch.from_numpy(ids).to(self.device),
                    attention_mask=torch.from_numpy(mask).to(self.device),
                ).last_hidden_state  # (B, T, width)
                sums.index_add_(0, torch.from_numpy(owners).to(self.device).flatten(), states.flatten(0, 1).float())
        pooled: Vectors = sums[:rows].cpu().numpy()
        return pooled


@dataclass(frozen=True, slots=True)
class _Window:
    """Token ids that go through the transformer together, and the row into which the state of each is summed."""

    tokens: list[int]
    owners: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Whole sections as parallel arrays, one row a span. *Shape of each:* (spans,)

    Attributes:
        document, position: Which document, and which of its spans.
        parent: Row in this stretch; -1 for sections.
    """

    document: Ints
    position: Ints
    rank: Ints
    start: Ints
    stop: Ints
    parent: Ints


def _stretches(documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[_Stretch]:
    rows: list[tuple[int, int, int, int, int, int]] = []
    characters = 0
    for document, (_, spans) in enumerate(documents):
        shift = 0
        for position, span in enumerate(spans):
            if span.scale is DOCUMENT:
                continue
            if span.scale is SECTION:
                if characters >= CHARACTERS_PER_STRETCH:
                    yield _Stretch(*np.array(rows, np.int64).T)
                    rows, characters = [], 0
                shift = len(rows) - position
                characters += span.stop - span.start
            parent = -1 if span.scale is SECTION else span.parent + shift
            rows.append((document, position, span.scale.rank, span.start, span.stop, parent))
    if rows:
        yield _Stretch(*np.array(rows, np.int64).T)


def _owners(stretch: _Stretch, paragraph: int, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Row of the sentence in which each token begins; the paragraph's own row for tokens between sentences."""
    stop = paragraph + 1
    while stop < len(stretch.rank) and stretch.rank[stop] == SENTENCE.rank:
        stop += 1
    begins = np.array([begin for begin, _ in offsets], np.int64) + stretch.start[paragraph]
    rows = paragraph + np.searchsorted(stretch.start[paragraph + 1 : stop], begins, side="right")
    owners: list[int] = np.where(begins < stretch.stop[rows], rows, paragraph).tolist()
    return owners


def _pieces(owners: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Divide a paragraph of more than ``room`` tokens, where possible between two sentences."""
    start = 0
    while len(owners) - start > room:
        stop = start + room
        border = next((i for i in range(stop, start + room // 2, -1) if owners[i] != owners[i - 1]), stop)
        yield start, border
        start = border
    if start < len(owners):
        yield start, len(owners)


def _unit(sums: Vectors) -> Vectors:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # A text without a single token has no direction; any fixed one will do, and no question comes near it.
    sums = np.where(lengths > 0, sums, np.eye(1, sums.shape[1], dtype=np.float32))
    lengths = np.where(lengths > 0, lengths, 1)
    return np.ascontiguousarray(sums / lengths, np.float32)
