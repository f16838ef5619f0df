"""Places in recordings as hits: with their time, what was heard, and the words of a transcript if there is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.phones import PHONES
from ...pipeline.scale import PHONEME
from ..cite import cite_sound
from ..hit import Hit
from .keyword import SHORT, Phones
from .spoken import SpokenHit, spoken

if TYPE_CHECKING:
    from ..store.filter import Filter
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot, StoredContent
    from .hearing import Hearing

NO_RECORDINGS = "the knowledge base holds no recordings: octavo ingest takes them like any file"


def find_said(
    question: str,
    snapshot: Snapshot,
    hearing: Hearing,
    *,
    k: int,
    ranges: Ranges | None = None,
    exhaustive: bool | None = None,
) -> tuple[list[SpokenHit], tuple[str, ...]]:
    """The places where a typed word or phrase is said, likeliest first, and what the asker should know about them."""
    if not snapshot.holds(PHONEME):
        return [], (NO_RECORDINGS,)
    variants = hearing.variants(question)
    if not variants:
        return [], (f"{question!r} has no pronunciation: write it as it is said, or give a respelling",)
    found = spoken(variants, snapshot, hearing, k=k, ranges=ranges, exhaustive=exhaustive)
    return found, short(question, [one.phones for one in variants])


def short(question: str, variants: Iterable[Phones]) -> tuple[str, ...]:
    """A warning where a keyword has so few phones that it is said by chance in many places."""
    least = min(map(len, variants))
    if least >= SHORT:
        return ()
    return (
        f"{question!r} has only {least} of the {len(PHONES)} phones in a row: so short a word sounds like parts of"
        " others; ask with a longer one, or with its neighbours",
    )


def sound_hits(
    found: Iterable[SpokenHit], snapshot: Snapshot, where: Filter | None = None, *, first_rank: int = 1
) -> list[Hit]:
    """Places as hits, in their order."""
    contents: dict[int, StoredContent] = {}
    hits = []
    for rank, place in enumerate(found, first_rank):
        if place.content not in contents:
            contents[place.content] = snapshot.content(place.content, where)
        hits.append(
            Hit(
                rank=rank,
                score=place.probability,
                scale=PHONEME.name,
                citation=cite_sound(snapshot, contents[place.content], place.start, place.stop),
                contributions={PHONEME.name: place.probability},
                heard=place.heard,
            )
        )
    return hits


def measured(names: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    """Measures by name, without those of which nothing can be said."""
    return {name: float(value) for name, value in zip(names, values, strict=True) if np.isfinite(value)}
