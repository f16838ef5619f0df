"""Vectors of sound that another encoder made: what makes room for those of recordings that are heard anew."""

from __future__ import annotations

from ...pipeline.scale import PHONEME, PROSODY
from .catalog import Catalog
from .stored import fingerprint_of, read_uri

SOUND_SCALES = (PHONEME, PROSODY)
"""Scales whose vectors a speech encoder makes."""


def made_by_others(catalog: Catalog, phoneme: str, prosody: str) -> bool:
    """Whether vectors are there of another encoder than the one of these fingerprints."""
    own = {PHONEME: phoneme, PROSODY: prosody}
    return any(fingerprint_of(catalog, scale) not in (None, own[scale]) for scale in SOUND_SCALES)


def drop_all(catalog: Catalog) -> None:
    """Drops the vectors of all recordings, deleted ones too.

    What was heard in a recording goes with its content, once that has been heard anew.
    """
    for scale in SOUND_SCALES:
        # The files stay until the next writer collects what no commit names.
        catalog.rows("DELETE FROM shard WHERE scale = ?", (scale.name,))
        catalog.rows("DELETE FROM scale WHERE name = ?", (scale.name,))
        for table in ("content", "past_content"):
            catalog.rows(f"UPDATE {table} SET vectors = json_remove(vectors, '$.' || ?)", (scale.name,))


def heard_before(catalog: Catalog, generation: int) -> list[str]:
    """Paths of live recordings that were heard before a generation, sorted."""
    rows = catalog.rows(
        "SELECT s.uri FROM source AS s JOIN recording AS r ON r.content_id = s.content_id"
        " JOIN content AS c ON c.id = s.content_id WHERE s.removed IS NULL AND c.added < ?",
        (generation,),
    )
    return sorted(read_uri(row[0]) for row in rows)
