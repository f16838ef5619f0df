"""How alike the words of two texts are before any context: by the table of word pieces that a transformer begins with.

Each word of a question is compared with all words of a text and takes the best (MaxSim, Khattab and Zaharia 2020,
*ColBERT*), but between rows of the input table rather than states of the last layer: no forward pass is needed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MOST_PIECES: Final = 512
"""Of a text; what comes after them is not looked at."""


class WordPieces:
    """The word pieces of a checkpoint.

    Args:
        tokenizer: A fast one, see :class:`.checkpoint.Checkpoint`.
        table: Input embeddings. *Shape:* (pieces, width)
    """

    def __init__(self, tokenizer: Any, table: torch.Tensor) -> None:
        self._tokenizer, self._table = tokenizer, table

    def nearest(self, question: str, text: str) -> tuple[Ints, Floats]:
        """For each word piece of a question its characters, and the cosine of the likest piece of the text.

        1 for a piece that stands there, 0 where the text has none. *Shape:* (n, 2), (n,)
        """
        asked = self._pieces(question)
        bounds = np.array(asked["offset_mapping"], np.int64).reshape(-1, 2)
        held = np.unique(np.array(self._pieces(text)["input_ids"], np.int64))
        if not len(bounds) or not len(held):
            return bounds, np.zeros(len(bounds), np.float32)
        ids = np.array(asked["input_ids"], np.int64)
        likest: Floats = (self._rows(ids) @ self._rows(held).T).max(axis=1)
        return bounds, likest

    def _pieces(self, text: str) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=True,
            truncation=True,
            max_length=MOST_PIECES,
            verbose=False,
        )

    def _rows(self, ids: Ints) -> Floats:
        """Unit rows of the table around its mean, which all pieces share. *Shape:* (n,) to (n, width)"""
        import torch

        with torch.inference_mode():
            rows = self._table[torch.from_numpy(ids).to(self._table.device)].float().cpu().numpy()
        centred = rows - self._mean
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        made: Floats = centred / np.maximum(lengths, np.float32(1e-9))
        return made

    @cached_property
    def _mean(self) -> Floats:
        import torch

        with torch.inference_mode():
            mean: Floats = self._table.float().mean(dim=0).cpu().numpy()
        return mean
