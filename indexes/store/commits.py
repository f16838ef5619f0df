"""Commits on record: their numbers, and what made each of them besides its sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from ...pipeline.errors import QueryError
from .catalog import Catalog


def newest_generation(catalog: Catalog) -> int:
    """Number of the newest commit; 0 for a new knowledge base."""
    return int(catalog.value("SELECT max(number) FROM generation"))


def check_generation(catalog: Catalog, number: int) -> None:
    """Raises:
    QueryError: There never was such a generation.
    """
    if not catalog.rows("SELECT 1 FROM generation WHERE number = ?", (number,)):
        raise QueryError(
            f"there is no generation {number}, the newest is {newest_generation(catalog)}: octavo status --generations"
            " lists them"
        )


def manifests_from(catalog: Catalog) -> int:
    """The first generation made by a version of Octavo that keeps manifests."""
    return int(catalog.value("SELECT value FROM setting WHERE key = 'manifests_from'"))


def record_generation(catalog: Catalog, number: int, what: Mapping[str, object]) -> None:
    """Enters the next generation, as the last step of its transaction, with what made it besides its sources.

    Terms have no generation of their own: the highest id that was given out, and the highest that has a vector at each
    scale of terms, say which were there.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = {
        "octavo": version("octavo"),
        "encoders": dict(catalog.rows("SELECT name, fingerprint FROM scale")),
        "terms": int(catalog.value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'term'")),
        "term_vectors": dict(
            catalog.rows("SELECT key, value FROM setting WHERE key IN ('encoded_terms', 'pronounced_terms')")
        ),
    }
    catalog.rows("INSERT INTO generation VALUES (?, ?, ?)", (number, now, json.dumps(dict(what) | made)))
