"""What the word pieces of sentences mean, in the catalog: all sentences of a knowledge base have it, or none.

Text that came in before there were token states has none, and a comparison with half of the sentences would favour that
half. So only an empty knowledge base, or one whose text is encoded anew, begins to keep them, and text that comes
without them, or with others, ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from ...pipeline.embed import Embeddings
from ...pipeline.scale import SENTENCE
from ...pipeline.token_states import TOKEN_WIDTH, TokenStates
from .catalog import Catalog, Ids
from .stored import fingerprint_of

SETTING: Final = "token_states"
"""Its value is the fingerprint of what made them."""


def kept_by(catalog: Catalog) -> str:
    """Fingerprint of what made the token states; empty where none are kept."""
    return str(catalog.value("SELECT value FROM setting WHERE key = ?", (SETTING,)) or "")


def stage_tokens(catalog: Catalog, first: int, embeddings: Embeddings, keep: Callable[[str, str], None]) -> None:
    """Enters what sentences bring along, before their vectors are.

    Args:
        first: Id of the document's first span.
        keep: Stages a setting.
    """
    if embeddings.scale is not SENTENCE:
        return
    tokens, kept = embeddings.tokens, kept_by(catalog)
    made_by = tokens.fingerprint if tokens else ""
    begins = made_by != kept and fingerprint_of(catalog, SENTENCE) is None
    if made_by != kept and (begins or kept):
        drop_all(catalog)
        kept = made_by if begins else ""
        keep(SETTING, kept)
    if tokens is not None and kept == made_by:
        ids = (first + embeddings.spans).tolist()
        catalog.each("INSERT INTO token_states VALUES (?, ?)", zip(ids, tokens.blobs(), strict=True))


def drop_all(catalog: Catalog) -> None:
    """Forgets all token states."""
    catalog.rows("DELETE FROM token_states")


def tokens_of(catalog: Catalog, sentences: Ids, fingerprint: str) -> TokenStates:
    """Of sentences, ids rising; a sentence without a row has no word pieces."""
    among = "SELECT span_id, codes FROM token_states WHERE span_id IN (SELECT value FROM carray(?))"
    rows: dict[int, bytes] = dict(catalog.among(among, sentences))
    return TokenStates.from_blobs([rows.get(one, b"") for one in np.asarray(sentences).tolist()], fingerprint)


def token_faults(catalog: Catalog) -> Iterator[str]:
    """What is wrong with the token states of a catalog, those of deleted text included."""
    broken = catalog.value("SELECT count(*) FROM token_states WHERE length(codes) % ?", (TOKEN_WIDTH,))
    if broken:
        yield f"the token states of {broken} sentences are no whole word pieces"
    strangers = catalog.value(
        "SELECT count(*) FROM token_states WHERE span_id NOT IN (SELECT id FROM span WHERE rank = ?)", (SENTENCE.rank,)
    )
    if strangers:
        yield f"{strangers} token states belong to no sentence"
    lacking = catalog.value(
        "SELECT count(*) FROM span WHERE rank = ? AND id NOT IN (SELECT span_id FROM token_states)", (SENTENCE.rank,)
    )
    if kept_by(catalog) and lacking:
        yield f"{lacking} sentences have no token states"
