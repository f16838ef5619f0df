"""What an ingest would do, told without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..pipeline.errors import SourceError
from .source_paths import is_gone
from .store.recipe import Recipes, written_before
from .taken import ADDED, TRANSCRIPT, UNCHANGED, UPDATED, Taken, linked

if TYPE_CHECKING:
    from .collection import KnowledgeBase


def plan(
    kb: KnowledgeBase | None,
    paths: Sequence[Path],
    encoder_fingerprint: str,
    sound: str = "",
    transcriber: str = "",
) -> Iterator[Taken]:
    """What :func:`octavo.indexes.intake.take_in` would do, as far as can be told without reading the files through.

    Args:
        sound: Of :func:`octavo.indexes.store.recipe.sound_recipe`; empty where recordings would be refused.
        transcriber: Fingerprint of what would write down what is said; empty where nothing would.
    """
    from ..pipeline.discovery import look_at
    from ..pipeline.reader_pool import refuse_recording
    from ..pipeline.reading import identify
    from ..pipeline.reading.dispatch import parser_for
    from ..pipeline.scale import Medium
    from ..pipeline.transcript_owner import recording_of, transcript_digest

    ledger = _Ledger(kb)
    recipes = Recipes(encoder_fingerprint, sound, transcriber, written_before(kb.sources() if kb else ()))
    again: list[tuple[Path, int, _Content]] = []
    for path in paths:
        try:
            size = look_at(path).st_size
            source = identify(path)
            if (recording := recording_of(path)) is not None:
                yield Taken(path, TRANSCRIPT, f"of {recording}", size=size)
                continue
            recorded = parser_for(source).medium is Medium.AUDIO
            if recorded and not sound:
                refuse_recording(path)
        except SourceError as error:
            yield Taken(path, error.code, str(error))
            continue
        transcript = transcript_digest(path) if recorded else ""
        made_by = recipes.of(source, transcript)
        content = (source.sha256, source.media_type, made_by)
        if entered := ledger.enter(str(path), content, read=False):
            yield Taken(path, *entered, size=size)
        else:
            again.append((path, size, content))
    for path, size, content in again:
        if entered := ledger.enter(str(path), content, read=True):
            yield Taken(path, *entered, size=size)


_Content = tuple[str, str, str]
"""Digest, media type and recipe: what makes two contents the same."""


class _Ledger:
    """Which path would hold what: the writer's rules, without a writer."""

    def __init__(self, kb: KnowledgeBase | None) -> None:
        self._at: dict[str, _Content] = {}
        self._holders: dict[_Content, dict[str, None]] = {}
        for source in kb.sources() if kb else []:
            self._point(source.uri, (source.sha256, source.media_type, source.recipe))
        self._known = {(digest, made_by) for digest, _, made_by in self._holders}

    def _point(self, uri: str, content: _Content) -> None:
        self._remove(uri)
        self._at[uri] = content
        self._holders.setdefault(content, {})[uri] = None

    def _remove(self, uri: str) -> None:
        before = self._at.pop(uri, None)
        if before is not None:
            del self._holders[before][uri]

    def enter(self, uri: str, content: _Content, *, read: bool) -> tuple[str, str] | None:
        """Code and detail; ``None`` if the file has to be ``read`` after all: two files swapped contents."""
        before = self._at.get(uri)
        if before == content:
            return UNCHANGED, ""
        holders = list(self._holders.get(content, ()))
        if not holders and not read and (content[0], content[2]) in self._known:
            return None
        self._point(uri, content)
        if not holders:
            return (ADDED if before is None else UPDATED), ""
        gone = [holder for holder in holders if is_gone(holder)]
        for holder in gone:
            self._remove(holder)
        return linked(holders, gone)
