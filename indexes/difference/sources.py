"""Which sources differ between two sides, and in what: their bytes, or the way they were worked on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..store.sources import StoredSource
from ..store.stored import StoredContent
from .sides import Side

Kind = Literal[
    "file", "came", "went", "reader", "segmenter", "words", "model", "speech model", "setting", "transcript",
    "recipe", "index", "octavo",
]  # fmt: skip
"""``file``: other bytes; ``words``: how text is divided into words; ``index``: what compaction made of the indexes and
of what was deleted."""


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """One way in which things differ.

    Attributes:
        name: Of the setting or the reader, if the kind alone does not say it.
        old, new: Empty where the kind says all.
    """

    kind: Kind
    name: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}".rstrip()
        return f"{what}: {self.old or 'none'} -> {self.new or 'none'}" if self.old or self.new else what


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A source on both sides, or on one of them.

    Attributes:
        labels: In what it differs; empty for the same bytes, worked on in the same way.
    """

    before: StoredSource | None
    after: StoredSource | None
    labels: frozenset[Label]

    @property
    def uri(self) -> str:
        """Its path, the newer one if it has two."""
        found = self.after or self.before
        assert found is not None
        return found.uri


def pairs_of(before: Side, after: Side) -> list[Pair]:
    """Every source of both sides once: by path, or by its place in the folders, or by its bytes if it moved."""
    old, new = (dict(_by_name(side.sources)) for side in (before, after))
    if before.base is not after.base and not set(old) & set(new):
        old, new = (dict(_by_relative_name(side.sources)) for side in (before, after))
    made = [(old.pop(name), new.pop(name)) for name in sorted(old.keys() & new.keys())]
    left = {source.sha256: name for name, source in sorted(old.items(), reverse=True)}
    for name, source in sorted(new.items()):
        if source.sha256 in left:
            made.append((old.pop(left.pop(source.sha256)), new.pop(name)))
    known: dict[tuple[int, int], frozenset[Label]] = {}
    both = []
    for one, other in made:
        key = one.content, other.content
        if key not in known:
            known[key] = frozenset(_labels(before, one, after, other))
        both.append(Pair(one, other, known[key]))
    gone = [Pair(source, None, frozenset({Label("went")})) for _, source in sorted(old.items())]
    fresh = [Pair(None, source, frozenset({Label("came")})) for _, source in sorted(new.items())]
    return [*both, *gone, *fresh]


def _by_name(sources: Iterable[StoredSource]) -> Iterable[tuple[str, StoredSource]]:
    return ((source.uri, source) for source in sources)


def _by_relative_name(sources: Sequence[StoredSource]) -> Iterable[tuple[str, StoredSource]]:
    """By the path below the folder that holds them all."""
    folders = [os.path.dirname(source.uri) for source in sources]
    root = os.path.commonpath(folders) if folders else ""
    return ((os.path.relpath(source.uri, root or "."), source) for source in sources)


def _labels(before: Side, one: StoredSource, after: Side, other: StoredSource) -> Iterable[Label]:
    if before.base is after.base and one.content == other.content:
        return
    if one.sha256 != other.sha256:
        yield Label("file")
    if one.recipe == other.recipe and before.base is after.base:
        return  # the stages are the same; what they read is told above
    old, new = before.snapshot.content(one.content), after.snapshot.content(other.content)
    found = list(making_labels(old, _record(before, old), new, _record(after, new)))
    yield from found
    if not found and one.recipe != other.recipe:
        yield Label("recipe", "", one.recipe, other.recipe)


def _record(side: Side, content: StoredContent) -> Mapping[str, Any]:
    """What the commit that made a content says of itself."""
    return next((record.what for record in side.records if record.number == content.added), {})


_STAGES: dict[str, Kind] = {
    "segmenter": "segmenter",
    "terms": "words",
    "phoneme": "speech model",
    "prosody": "speech model",
    "transcript_sha256": "transcript",
}


def making_labels(
    old: StoredContent, old_record: Mapping[str, Any], new: StoredContent, new_record: Mapping[str, Any]
) -> Iterable[Label]:
    """In what the stages differ that two contents went through."""
    was, now = old.manifest, new.manifest
    options, new_options = old_record.get("options") or {}, new_record.get("options") or {}
    for field in ("reader", "segmenter", "terms", "encoder", "phoneme", "prosody", "transcript_sha256", "transcript",
                  "aligned"):  # fmt: skip
        before, after = was.get(field, ""), now.get(field, "")
        if before == after:
            continue
        if field == "reader":
            yield _reader(before, after)
        elif field == "encoder":
            yield from _model(before, old_record, after, new_record)
        elif field in ("transcript", "aligned"):
            names = ("asr", "asr_language") if field == "transcript" else ("respellings", "espeak")
            changed = [name for name in names if options.get(name) != new_options.get(name)]
            yield from (Label("setting", name, _said(options, name), _said(new_options, name)) for name in changed)
            if not changed:
                yield Label("transcript", field, before, after)
        else:
            yield Label(_STAGES[field], "" if field == _STAGES[field] else field, before, after)


def _reader(before: str, after: str) -> Label:
    """A reader's version; that text recognition was installed or removed is a setting."""
    without, after_without = (re.sub(r"\brapidocr [^,]*", "", version) for version in (before, after))
    if without == after_without:
        found = (re.search(r"\brapidocr ([^,]*)", version) for version in (before, after))
        return Label("setting", "ocr", *(match[1] if match else "none" for match in found))
    names = [version.partition("/")[0] for version in (before, after)]
    return Label("reader", names[1] if names[0] == names[1] else "", before, after)


def _model(before: str, record: Mapping[str, Any], after: str, new_record: Mapping[str, Any]) -> Iterable[Label]:
    """The model, or what it was set to."""
    old, new = record.get("encoder") or {}, new_record.get("encoder") or {}
    name, new_name = record.get("model") or before, new_record.get("model") or after
    if not old or not new or old.get("weights") != new.get("weights"):
        if name == new_name:
            name, new_name = f"{name} ({before})", f"{new_name} ({after})"
        yield Label("model", "", str(name), str(new_name))
    for setting in sorted((old.keys() | new.keys()) - {"weights"}):
        if old and new and old.get(setting) != new.get(setting):
            yield Label("setting", setting, _said(old, setting), _said(new, setting))


def _said(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "unknown")
    return str(value)[:16] if name == "respellings" else str(value)
