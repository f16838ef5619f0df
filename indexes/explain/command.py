"""``octavo explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..search_command import ScaleName
from ..shell import Device, Folder, Json, print_json


def explain(
    kb: Folder,
    question: Annotated[str | None, typer.Argument(help="The question, as it was asked.")] = None,
    rank: Annotated[int, typer.Option(min=1, help="Which hit; one beyond the answer is a span that came next.")] = 1,
    place: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="What was expected, and why it is not the answer: SOURCE:START-STOP in characters, SOURCE:pN for a"
            " page, SOURCE@START-STOP for a time.",
        ),
    ] = "",
    audio: Annotated[Path | None, typer.Option(metavar="FILE", help="A spoken question.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits that were asked for.")] = 5,
    budget: Annotated[int | None, typer.Option(min=1, metavar="CHARS", help="The budget, if one was given.")] = None,
    scale: Annotated[list[ScaleName] | None, typer.Option(help="Scales that were asked for.")] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Files that were asked.")] = None,
    generation: Annotated[
        int | None, typer.Option(metavar="N", help="Of an earlier commit: octavo status --generations.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show rivals at each scale, boxes, versions.")
    ] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Why one hit of an answer was chosen: from the bytes of its source to its score, step by step."""
    from ..ask import Question
    from ..collection import KnowledgeBase
    from ..store.filter import Filter
    from .explanation import explain as explain_hit

    if question is None and audio is None:
        raise typer.BadParameter("ask a question, or give --audio")
    asked = Question(question, audio, k=k, budget=budget, scales=tuple(scale or ()), where=Filter(tuple(source or ())))
    with KnowledgeBase.open(kb, read_only=True, device=device) as base:
        made = explain_hit(base, asked, rank=rank, place=place, generation=generation)
    if as_json:
        print_json(made.to_json())
    else:
        from ..report import plain_console
        from .view import explanation_text

        plain_console().print(explanation_text(made, verbose=verbose))
