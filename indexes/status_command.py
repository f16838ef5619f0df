"""``octavo status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from .shell import Folder, Json, print_json


def status(
    kb: Folder,
    sources: Annotated[bool, typer.Option("--sources", help="List every source.")] = False,
    generations: Annotated[bool, typer.Option("--generations", help="List what every commit changed.")] = False,
    generation: Annotated[
        int | None, typer.Option(metavar="N", help="Show the manifest of a commit: what changed, and what made it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a knowledge base holds: units, vectors, index kind, measured recall, bytes and model of each scale."""
    from .collection import KnowledgeBase

    if generations or generation is not None:
        from .manifest_view import tell_generations

        tell_generations(kb, generation, as_json=as_json)
        return

    with KnowledgeBase.open(kb) as base:
        found, model, speech_model = base.status(), base.model, base.speech_model
        stored = base.sources() if sources else []
    if as_json:
        made: dict[str, Any] = {"model": model, "speech_model": speech_model, **asdict(found)}
        if sources:
            made["sources_list"] = [
                {
                    "uri": source.uri,
                    "media_type": source.media_type,
                    "characters": source.text_length,
                    "flags": [asdict(flag) for flag in source.flags],
                }
                for source in stored
            ]
        print_json(made)
    else:
        from .report import plain_console, show_sources, show_status

        show_status(plain_console(), found, model, speech_model)
        show_sources(plain_console(), stored)
