"""``octavo status --generations`` and ``--generation N``: what every commit changed, and what made one of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .collection import KnowledgeBase
from .report import LONGEST_TABLE, plain_console
from .shell import print_json
from .store.manifest import GenerationRecord, Making, Manifest, SourceChange
from .view import plain

_DIM = "dim"
_STYLES = {"added": "green", "removed": "red", "changed": "yellow", "reread": "yellow"}


def tell_generations(kb: Path, number: int | None, *, as_json: bool) -> None:
    """Prints the list of generations, or one generation's manifest in full."""
    with KnowledgeBase.open(kb) as base:
        if number is None:
            records = base.generations()
            if as_json:
                print_json({"knowledge_base": str(kb), "generations": [record.to_json() for record in records]})
            else:
                show_generations(plain_console(), records)
            return
        found = base.manifest(number)
    if as_json:
        print_json(found.to_json())
    else:
        show_manifest(plain_console(), found)


def show_generations(console: Console, records: list[GenerationRecord]) -> None:
    """A line a generation, the newest last."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for name in ("generation", "when", "action", "what changed"):
        table.add_column(name, justify="right" if name == "generation" else "left", overflow="fold")
    for record in records:
        changed = ", ".join(f"{count:,} {action}" for action, count in sorted(record.changes.items()))
        more = "; ".join(_settled(record))
        said = Text("; ".join(part for part in (changed, more) if part))
        if not record.recorded:
            said.append(" (by an earlier version of Octavo: the rest is unknown)", _DIM)
        table.add_row(str(record.number), record.committed_at, record.action or "unknown", said)
    console.print(table)


def _settled(record: GenerationRecord) -> list[str]:
    """What a commit said of itself beside its sources."""
    told = []
    if record.action == "compact":
        told.append(
            f"{record.what.get('contents', 0):,} contents and {record.what.get('vectors', 0):,} vectors dropped"
        )
    if settings := record.what.get("settings"):
        told.append(f"set {', '.join(settings)}")
    if record.action == "reembed":
        told.append(f"{record.what.get('scale', '')} vectors made anew")
    return told


def show_manifest(console: Console, manifest: Manifest) -> None:
    """All that is on record of one generation."""
    record = manifest.record
    console.print(Text(f"generation {record.number}, {record.committed_at}, {record.action or 'unknown'}"))
    for name, value in _facts(record).items():
        console.print(Text(f"  {name}: {value}"), soft_wrap=True)
    for title, count in _makings(manifest).items():
        console.print(
            Text(f"  {title}: {', '.join(f'{one} ({n:,})' for one, n in count.most_common())}"), soft_wrap=True
        )
    shown = manifest.sources[:LONGEST_TABLE] if console.is_terminal else manifest.sources
    for change in shown:
        _show_change(console, change)
    if len(shown) < len(manifest.sources):
        console.print(Text(f"and {len(manifest.sources) - len(shown):,} more: see --json", _DIM))
    for failure in manifest.failures:
        # Messages of errors begin with the path, which stands there already.
        said = failure.detail.removeprefix(failure.uri).removeprefix(":").lstrip()
        line = Text.assemble((f"{failure.code:<9} ", "red"), plain(failure.uri), f"  {plain(said)}")
        console.print(line, soft_wrap=True)


def _facts(record: GenerationRecord) -> dict[str, str]:
    made: dict[str, Any] = record.to_json()
    facts = {"octavo": made["octavo"] or "unknown", "model": made["model"] or ""}
    scales: dict[str, list[str]] = {}
    for scale, fingerprint in (made["encoders"] or {}).items() if isinstance(made["encoders"], dict) else ():
        scales.setdefault(fingerprint, []).append(scale)
    made["encoders"] = {", ".join(names): fingerprint for fingerprint, names in scales.items()} or made["encoders"]
    for name in ("options", "encoder", "encoders", "settings"):
        held = made[name]
        if isinstance(held, dict):
            facts[name] = ", ".join(
                f"{key} {plain(str(value))}" for key, value in held.items() if value not in ("", False)
            )
        else:
            facts[name] = held or ""
    return {name: value for name, value in facts.items() if value}


def _makings(manifest: Manifest) -> dict[str, Counter[str]]:
    """Which versions made the sources that came, with how many each made."""
    found: dict[str, Counter[str]] = {}
    for change in manifest.sources:
        for name, value in (change.after.made_by if change.after else {}).items():
            if (value and not value.isdecimal()) or name in ("segmenter", "terms"):
                found.setdefault(name, Counter())[value] += 1
    return {name: count for name, count in found.items() if name != "transcript_sha256"}


def _show_change(console: Console, change: SourceChange) -> None:
    line = Text.assemble((f"{change.action:<9} ", _STYLES.get(change.action, "")), plain(change.uri))
    if change.moved_from:
        line.append(f"  from {plain(change.moved_from)}")
    said = [_digests(change.before, change.after)]
    if made := change.after:
        said.append(made.media_type)
        said.append(", ".join(f"{count:,} {scale}" for scale, count in made.vectors.items()))
        said += [f"{flag.code}: {flag.detail}" if flag.detail else flag.code for flag in made.flags]
    line.append(f"  {'; '.join(plain(part) for part in said if part)}", _DIM)
    console.print(line, soft_wrap=True)


def _digests(before: Making | None, after: Making | None) -> str:
    old, new = (making.sha256[:12] if making else "" for making in (before, after))
    if old and new:
        return f"{old} -> {new}" if old != new else new
    return new or f"was {old}"
