"""A run of ingest as a person starts it: with the right encoder, a meter, and a Ctrl-C that loses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..pipeline.errors import OctavoError

if TYPE_CHECKING:
    from ..pipeline.encoders.text import TextEncoder
    from .collection import KnowledgeBase
    from .intake import Taken


def intake(kb: Path, found: Sequence[Path], model: str | None, device: str, workers: int | None) -> Iterator[Taken]:
    """Reports of :func:`octavo.indexes.intake.take_in`, with a meter on standard error."""
    from ..pipeline.encoders.character import CharacterEncoder
    from ..pipeline.ingest import file_size
    from .collection import KnowledgeBase
    from .intake import take_in
    from .interruption import Interruption
    from .progress import meter

    with Interruption() as interruption, KnowledgeBase.open(kb, create=True, term_encoder=CharacterEncoder()) as base:
        with interruption.allowed():
            encoder = encoder_for(base, model, device)
            sizes = {path: file_size(path) for path in found}
        with meter(len(found), sum(sizes.values())) as progress:
            yield from take_in(
                base,
                found,
                encoder,
                model=encoder.model,
                workers=workers,
                staged=lambda item: progress.advance(item.path.name, sizes[item.path]),
                interruptible=interruption.allowed,
            )


def planned(kb: Path, found: Sequence[Path], model: str | None, device: str) -> Iterator[Taken]:
    """What :func:`intake` would report."""
    from .collection import KnowledgeBase
    from .plan import plan

    with ExitStack() as stack:
        base = stack.enter_context(KnowledgeBase.open(kb)) if kb.exists() and any(kb.iterdir()) else None
        yield from plan(base, found, encoder_for(base, model, device).fingerprint)


def write_line(lines: BinaryIO, report: Path, item: Taken) -> None:
    """Writes a line of the report, past any buffer: closing the file must have nothing left to fail at."""
    line = json.dumps(item.to_json()).encode() + b"\n"
    try:
        while line:
            line = line[lines.write(line) :]
    except OSError as error:
        raise OctavoError(
            f"{report} cannot be written: {error.strerror}; free some room or leave out --report"
        ) from error


def without_file(kb: Path, named: Sequence[str]) -> list[str]:
    """Sources below the folders named whose files are there no longer."""
    from .catalog import NAME
    from .collection import KnowledgeBase
    from .source_paths import gone_below

    folders = [path for path in map(os.path.expanduser, named) if os.path.isdir(path)]
    if not folders or not (kb / NAME).exists():
        return []
    with KnowledgeBase.open(kb, read_only=True) as base:
        return gone_below([source.uri for source in base.sources()], folders)


def encoder_for(base: KnowledgeBase | None, model: str | None, device: str) -> TextEncoder:
    """The encoder asked for, else that of the knowledge base, else the shipped one."""
    from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
    from ..pipeline.encoders.text import TextEncoder

    return TextEncoder(model or (base.model if base else "") or DEFAULT_MODEL, device)
