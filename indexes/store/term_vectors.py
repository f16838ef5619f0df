"""Vectors of distinct terms: by their spelling, and by how they sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Embeddings, Vectors
from ...pipeline.errors import KnowledgeBaseError
from ...pipeline.scale import CHARACTER, PRONUNCIATION, Scale
from .catalog import Catalog, Ids
from .shard import ShardWriter

_TERMS = 4_096


class TermEncoder(Protocol):
    """What makes the vectors of the character scale."""

    @property
    def fingerprint(self) -> str:
        """Names the encoder and its settings."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    def encode(self, terms: Sequence[str]) -> Vectors:
        """Unit vectors of terms. *Shape:* (n, width)."""


class Pronouncer(Protocol):
    """What makes vectors of terms by how they sound, in the space of the phoneme scale's windows."""

    @property
    def fingerprint(self) -> str:
        """Names the encoder and its settings."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    def encode(self, terms: Sequence[str]) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Unit vectors of the terms that can be said, and which those are.

        *Shape:* (m, width) and (m,), positions in ``terms``, rising; m may be less than the number of terms.
        """


class TermScale:
    """A scale whose vectors belong to terms, and how far it has come."""

    def __init__(
        self,
        scale: Scale,
        fingerprint: str,
        width: int,
        encode: Callable[[Sequence[str]], tuple[Vectors, Ids]],
        *,
        renewed: bool = False,
    ) -> None:
        """Args:
        renewed: Whether another encoder takes the place of the one before, instead of being refused.
        """
        self.scale, self._fingerprint, self._width, self._encode = scale, fingerprint, width, encode
        self._renewed = renewed

    def encode_new(self, catalog: Catalog, shard: Callable[[str, int, str], ShardWriter]) -> None:
        """Vectors for terms that were not looked at yet; those of earlier commits too that were made without it."""
        key = progress_key(self.scale)
        self._forget_others(catalog, key)
        done = int(catalog.value("SELECT value FROM setting WHERE key = ?", (key,)) or 0)
        while rows := catalog.rows("SELECT id, text FROM term WHERE id > ? ORDER BY id LIMIT ?", (done, _TERMS)):
            vectors, which = self._encode([row[1] for row in rows])
            ids: Ids = np.array([row[0] for row in rows], np.int64)
            if np.any(which[1:] <= which[:-1]) or (len(which) and not 0 <= which[0] <= which[-1] < len(ids)):
                raise KnowledgeBaseError(f"the {self.scale} encoder answered for other terms than it was asked for")
            # Embeddings checks that the vectors are unit rows
            checked = Embeddings(self.scale, np.ascontiguousarray(vectors, np.float32), ids[which], self._fingerprint)
            shard(self.scale.name, self._width, self._fingerprint).add(checked.spans, checked.vectors)
            done = int(ids[-1])
        catalog.rows("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, done))

    def stale(self, catalog: Catalog) -> bool:
        """Whether another encoder made the vectors that are there, so that the next commit makes all of them anew."""
        made_by = catalog.value("SELECT fingerprint FROM scale WHERE name = ?", (self.scale.name,))
        return self._renewed and made_by not in (None, self._fingerprint)

    def _forget_others(self, catalog: Catalog, key: str) -> None:
        """Drops the vectors of another encoder: all terms are there to be encoded again, and few tell them apart.

        The files stay until the next writer collects what no commit names.
        """
        if self.stale(catalog):
            for table, column in (("shard", "scale"), ("scale", "name"), ("setting", "key")):
                value = key if table == "setting" else self.scale.name
                catalog.rows(f"DELETE FROM {table} WHERE {column} = ?", (value,))


def progress_key(scale: Scale) -> str:
    """The setting that holds the last term looked at."""
    return {CHARACTER: "encoded_terms", PRONUNCIATION: "pronounced_terms"}[scale]


def term_scales(encoder: TermEncoder | None, pronouncer: Pronouncer | None) -> list[TermScale]:
    """The scales of terms that there are encoders for."""
    scales: list[TermScale] = []
    if encoder is not None:
        spell = encoder.encode

        def spelled(terms: Sequence[str]) -> tuple[Vectors, Ids]:
            return spell(terms), np.arange(len(terms))

        scales.append(TermScale(CHARACTER, encoder.fingerprint, encoder.width, spelled, renewed=True))
    if pronouncer is not None:
        made_by = pronouncer.fingerprint
        scales.append(TermScale(PRONUNCIATION, made_by, pronouncer.width, pronouncer.encode, renewed=True))
    return scales
