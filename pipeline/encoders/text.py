"""Sentence, paragraph, section and document vectors of text, all from one pass of a transformer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .. import token_states
from ..document import Span
from ..embed import Embeddings, Vectors
from ..errors import ModelError
from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from ..token_states import AskedPieces
from .checkpoint import DEFAULT_MODEL, Checkpoint, load_transformer
from .device import choose_device
from .one_thread import one_thread
from .text_stretch import Ints, Stretch, owners_of, pieces, stretches, summed_up
from .token_axes import axes_for
from .token_windows import KeptTokens, Window, padded

if TYPE_CHECKING:
    import torch

    from .text_pyramid import TextPyramid
    from .word_pieces import WordPieces

POOLING = "one-pass-mean-1"
"""Part of the fingerprint: changes whenever the same weights would give other vectors."""

PYRAMID: Final = "octavo-text"
"""The name of what is shipped in the form of a pyramid: the default model, turned so that vectors may be cut off."""
WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "text.safetensors"


class TextEncoder:
    """A transformer whose token states are pooled by span: every text scale for the price of one.

    The transformer reads windows of whole paragraphs. The state of a token is added to its sentence, a
    sentence's sum to its paragraph, and so on up the tree; scaled to unit length these sums are the mean-pooled
    vectors of Reimers and Gurevych, "Sentence-BERT" (2019), each made in the context of its window.

    Args:
        model: ``all-MiniLM-L6-v2`` (shipped), a hub id, or the path of a local folder: plain pooling. A pyramid
            on top of one: ``octavo-text`` (shipped; no more than principal axes), or what ``octavo train text``
            made, a file or its folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        width: Numbers of a vector to keep, the first ones; 0 keeps all.
        window_tokens: Most tokens that the transformer reads together; never more than it has positions for.
        batch_tokens: Most tokens of a batch, padding included.

    Attributes:
        fingerprint: Of everything that shapes the vectors.
        settings: The same things by name, for the record of what made a knowledge base.
        transformer, digest: The frozen part, and the digest of its weights and vocabulary.
        token_fingerprint: Of what is kept of single word pieces, see :mod:`.token_axes`; empty where nothing is.

    Raises:
        ModelError: The model is not there or cannot be loaded, or the device is missing.
    """

    scales = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        device: str = "auto",
        *,
        width: int = 0,
        window_tokens: int = 256,
        batch_tokens: int = 8192,
        pyramid: TextPyramid | None = None,
    ) -> None:
        """Args:
        pyramid: One in training, instead of what the model's file holds.
        """
        import torch

        self.model = remembered(model)
        self.device = torch.device(choose_device(device))
        self._checkpoint, self._pyramid, digest = _loaded(model)
        self._pyramid = pyramid or self._pyramid
        self._axes = axes_for(self._checkpoint.digest, _folder(self.model))
        self.token_fingerprint = self._axes.fingerprint if self._axes else ""
        if not 0 <= width <= self._checkpoint.width:
            raise ModelError(f"{model} makes vectors of {self._checkpoint.width} numbers, not {width}: give less")
        self.width = width or self._checkpoint.width
        self.window_tokens = min(window_tokens, self._checkpoint.positions)
        self.batch_tokens = max(batch_tokens, self.window_tokens)
        self.settings: dict[str, str | int] = {
            "weights": self._checkpoint.digest,
            "pooling": POOLING,
            "window_tokens": self.window_tokens,
            "query_prompt": self._checkpoint.query_prompt,
        }
        settings = f"{self._checkpoint.digest} {POOLING} {self.window_tokens} {self._checkpoint.query_prompt}"
        if digest:
            self.settings["pyramid"] = digest
            settings += f" pyramid {digest}"
        if self.width != self._checkpoint.width:
            self.settings["width"] = self.width
            settings += f" width {self.width}"
        self.digest = self._checkpoint.digest
        self.fingerprint = f"text-{hashlib.blake2b(settings.encode(), digest_size=8).hexdigest()}"
        # bf16 halves time and memory on a GPU; few CPUs multiply it faster than fp32.
        self._dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.transformer = self._checkpoint.transformer.to(self.device, self._dtype)
        if self._pyramid is not None:
            self._pyramid.to(self.device)

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        """Encode documents, a stretch of sections at a time, so that a document of any length needs little memory.

        Args:
            documents: Text and tree (see :func:`octavo.pipeline.segment.cut`) of each.

        Yields:
            The position of a document and the embeddings of a part of it at one scale; documents in order,
            a document's own vector last.
        """
        whole = np.zeros((1, self._planes), np.float32)
        for stretch in stretches(documents):
            windows = self._windows([text for text, _ in documents], stretch)
            # Word pieces between two sentences are their paragraph's, and of no sentence.
            kept = self._kept(windows, stretch.rank == SENTENCE.rank)
            sums = summed_up(self._pool(windows, len(stretch.rank), kept), stretch)
            vectors = self._vectors(sums, stretch.rank)
            for position in np.unique(stretch.document).tolist():
                here = stretch.document == position
                for scale in (SENTENCE, PARAGRAPH, SECTION):
                    rows = np.flatnonzero(here & (stretch.rank == scale.rank))
                    tokens = kept.of(rows, self.token_fingerprint) if kept is not None and scale is SENTENCE else None
                    yield position, Embeddings(scale, vectors[rows], stretch.position[rows], self.fingerprint, tokens)
                whole += sums[here & (stretch.rank == SECTION.rank)].sum(axis=0)
                if stretch.position[here][-1] == len(documents[position][1]) - 1:
                    made = self._vectors(whole, np.full(1, DOCUMENT.rank))
                    yield position, Embeddings(DOCUMENT, made, np.zeros(1, np.int64), self.fingerprint)
                    whole[:] = 0

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """One vector a question, in the space of every text scale.

        *Shape:* (questions, width)
        """
        with one_thread:
            sums = self.question_sums(questions)
            return self._vectors(sums, np.zeros(len(sums), np.int64))

    def read_question(self, question: str) -> tuple[Vectors, AskedPieces | None]:
        """The vector of a question, and its word pieces where the encoder keeps any, from one pass.

        *Shape:* (width,)
        """
        with one_thread:
            read = self._tokenised([question])
            windows = [Window(ids, [0] * len(ids)) for ids in read["input_ids"]]
            kept = self._kept(windows, np.ones(1, bool))
            vector = self._vectors(self._pool(windows, 1, kept), np.zeros(1, np.int64))[0]
        if kept is None:
            return vector, None
        places = np.array(read["offset_mapping"][0], np.int64) - len(self._checkpoint.query_prompt)
        own = (places[:, 1] > places[:, 0]) & (places[:, 0] >= 0)  # neither special tokens nor the prompt
        return vector, AskedPieces(places[own], token_states.read(kept.codes[own]))

    def question_sums(self, questions: Sequence[str]) -> Vectors:
        """Sum of the token states of texts that are read alone. *Shape:* (questions, width or planes)"""
        read = self._tokenised(questions)["input_ids"]
        # Special tokens are pooled too, as in the model's training: a question is a text of its own.
        return self._pool([Window(ids, [row] * len(ids)) for row, ids in enumerate(read)], len(questions))

    def _tokenised(self, questions: Sequence[str]) -> Any:
        """Ids and characters of the tokens of questions."""
        return self._checkpoint.tokenizer(
            [self._checkpoint.query_prompt + question for question in questions],
            add_special_tokens=True,
            return_attention_mask=False,
            return_offsets_mapping=True,
            truncation=True,
            max_length=self.window_tokens,
        )

    @cached_property
    def pieces(self) -> WordPieces:
        """Compares single words without context."""
        from .word_pieces import WordPieces

        transformer: Any = self._checkpoint.transformer
        return WordPieces(self._checkpoint.tokenizer, transformer.get_input_embeddings().weight)

    def token_ids(self, text: str) -> list[int]:
        """Tokens of a text, without special ones."""
        ids: list[int] = self._checkpoint.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return ids

    @property
    def plane_widths(self) -> tuple[int, ...]:
        """How many numbers each of the sums of :meth:`sums` has."""
        if self._pyramid is None:
            return (self._checkpoint.width,)
        return self._pyramid.shape.plane_widths

    @property
    def _planes(self) -> int:
        """Numbers that are summed up for a span."""
        return sum(self.plane_widths)

    def _vectors(self, sums: Vectors, rank: Ints) -> Vectors:
        """Unit vectors from sums of spans, or of questions (rank 0). *Shape:* (n, width)"""
        if self._pyramid is None:
            return _unit(sums[:, : self.width])
        import torch

        with torch.inference_mode():
            given = (torch.from_numpy(one).to(self.device) for one in (sums, rank))
            made: Vectors = self._pyramid(*given).float().cpu().numpy()
        return _unit(made[:, : self.width])

    def sums(self, texts: Sequence[str], stretch: Stretch) -> Vectors:
        """Sum of the token states of each span of a stretch. *Shape:* (spans, width or planes)"""
        return summed_up(self._pool(self._windows(texts, stretch), len(stretch.rank)), stretch)

    def _windows(self, texts: Sequence[str], stretch: Stretch) -> list[Window]:
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
        packed: list[Window] = []
        document = -1
        for paragraph, ids, offsets in zip(
            paragraphs, tokenised["input_ids"], tokenised["offset_mapping"], strict=True
        ):
            owners = owners_of(stretch, int(paragraph), offsets)
            for start, stop in pieces(owners, room):
                if stretch.document[paragraph] != document or len(packed[-1].tokens) + stop - start > room:
                    packed.append(Window([], []))
                    document = stretch.document[paragraph]
                packed[-1].tokens.extend(ids[start:stop])
                packed[-1].owners.extend(owners[start:stop])
        nobody = len(stretch.rank)
        return [
            Window(
                prefix + window.tokens + suffix,
                [nobody] * len(prefix) + window.owners + [nobody] * len(suffix),
            )
            for window in packed
        ]

    def _kept(self, windows: Sequence[Window], rows: npt.NDArray[np.bool_]) -> KeptTokens | None:
        """Room for the states of the tokens of some rows, where the encoder keeps any. *Shape:* (rows,), bool."""
        return KeptTokens(windows, np.append(rows, False)) if self._axes else None

    def _pool(self, windows: Sequence[Window], rows: int, kept: KeptTokens | None = None) -> Vectors:
        """Add up token states by owner; owner ``rows`` is nobody. *Shape:* (rows, width or planes)

        Args:
            kept: Gets the states of single tokens.
        """
        import torch

        sums = torch.zeros(rows + 1, self._planes, device=self.device)
        words = input_vectors(self.transformer) if self._pyramid is not None else None
        with torch.inference_mode():
            for batch in padded(windows, self.batch_tokens, self._checkpoint.padding, rows):
                tokens, owners, mask = (
                    torch.from_numpy(one).to(self.device) for one in (batch.ids, batch.owners, batch.mask)
                )
                states = self.transformer(input_ids=tokens, attention_mask=mask).last_hidden_state  # (B, T, width)
                if kept is not None and self._axes is not None:
                    kept.put(batch, self._axes.codes(states[torch.from_numpy(kept.among(batch)).to(self.device)]))
                added: tuple[torch.Tensor, ...] = (states.flatten(0, 1).float(),)
                if self._pyramid is not None and words is not None:
                    added = self._pyramid.planes(added[0], tokens.flatten(), words)
                first = 0
                for plane in added:
                    sums[:, first : first + plane.shape[1]].index_add_(0, owners.flatten(), plane)
                    first += plane.shape[1]
        pooled: Vectors = sums[:rows].cpu().numpy()
        return pooled


def input_vectors(transformer: Any) -> torch.Tensor:
    """What stands for each word before its neighbours are looked at. *Shape:* (vocabulary, static)"""
    vectors: torch.Tensor = transformer.get_input_embeddings().weight
    return vectors


def pyramid_file(model: str) -> Path | None:
    """The file of a pyramid, if ``model`` names one and not a transformer."""
    path = WEIGHTS if model == PYRAMID else Path(model)
    if path.is_dir() and not (path / "config.json").exists() and (path / WEIGHTS.name).exists():
        return path / WEIGHTS.name
    return path if path.suffix == WEIGHTS.suffix else None


def remembered(model: str) -> str:
    """The name by which a model is found again from any folder: of a pyramid the whole path of its file."""
    path = pyramid_file(model)
    return model if path is None or model == PYRAMID else str(path.resolve())


def _folder(model: str) -> Path:
    """Where a model lies, if it lies in a folder."""
    path = pyramid_file(model)
    return Path(model) if path is None else path.parent


def _loaded(model: str) -> tuple[Checkpoint, TextPyramid | None, str]:
    """The transformer, the pyramid on top of it if there is one, and the pyramid's digest."""
    path = pyramid_file(model)
    if path is None:
        return load_transformer(model), None, ""
    from .text_pyramid import load_pyramid

    loaded = load_pyramid(path)
    checkpoint = load_transformer(loaded.metadata["model"])
    if checkpoint.digest != loaded.metadata["digest"]:
        raise ModelError(
            f"the pyramid {path} was trained on top of another {loaded.metadata['model']} than the one that is here: "
            "put that back, or train the pyramid anew with `octavo train text`"
        )
    return checkpoint, loaded.pyramid, loaded.digest


def _unit(sums: Vectors) -> Vectors:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # A text without a single token has no direction; any fixed one will do, and no question comes near it.
    sums = np.where(lengths > 0, sums, np.eye(1, sums.shape[1], dtype=np.float32))
    lengths = np.where(lengths > 0, lengths, 1)
    return np.ascontiguousarray(sums / lengths, np.float32)
