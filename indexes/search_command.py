"""``octavo search``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..pipeline.errors import QueryError
from .shell import FAILED, Asr, AsrLanguage, Device, Espeak, Folder, Json, Respellings, error_json, print_json

ScaleName = StrEnum("ScaleName", ["character", "sentence", "paragraph", "section", "document", "phoneme", "prosody"])
"""Choices of an option; a test keeps them those of ``octavo.pipeline.scale``."""


def search(
    kb: Folder,
    question: Annotated[
        str | None, typer.Argument(help="The question; - reads one a line from standard input.")
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A spoken question or, with --scale phoneme, a word.")
    ] = None,
    like: Annotated[
        str,
        typer.Option(metavar="FILE@FROM-TO", help="What is said in this manner: a stretch of a recording in seconds."),
    ] = "",
    manner: Annotated[
        str, typer.Option("--filter", metavar="CONDITIONS", help='Only what is said so: "rate>5.5 and f0_range>8st".')
    ] = "",
    k: Annotated[int, typer.Option("-k", min=1, help="Hits wanted, where there is no budget.")] = 5,
    budget: Annotated[
        int | None, typer.Option(min=1, metavar="CHARS", help="As many smallest sufficient spans as fit into CHARS.")
    ] = None,
    scale: Annotated[list[ScaleName] | None, typer.Option(help="Answer at this scale only; may be repeated.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Answer from these files only; may be repeated.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Media type or its beginning, such as text/.")
    ] = None,
    after: Annotated[str, typer.Option(metavar="DATE", help="Only documents dated then or later (ISO 8601).")] = "",
    before: Annotated[str, typer.Option(metavar="DATE", help="Only documents dated earlier.")] = "",
    generation: Annotated[
        int | None, typer.Option(metavar="N", help="Answer as of an earlier commit: octavo status --generations.")
    ] = None,
    asr: Asr = None,
    asr_language: AsrLanguage = "",
    respellings: Respellings = None,
    espeak: Espeak = False,
    device: Device = "auto",
    signals: Annotated[
        bool, typer.Option("--signals", help="At the end, on standard error: speed, grounding, noise, handoff.")
    ] = False,
    abstain_below: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="P", help="Say so if the answer is in the hits with less than this chance."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a knowledge base, in writing, by voice or by example; every answer is cited to page or second.

    With - as the question, one question is read a line and one JSON object is printed a line, in order. With --asr a
    spoken question is understood by the recogniser's words too.
    """
    from .collection import KnowledgeBase
    from .store.filter import Filter

    if question is None and not (audio or like or manner):
        raise typer.BadParameter("ask a question, or give --audio, --like or --filter")
    where = Filter(tuple(source or ()), tuple(kind or ()), after, before)
    options: dict[str, Any] = {
        "k": k,
        "budget": budget,
        "scales": scale,
        "where": where,
        "like": like,
        "manner": manner,
        "abstain_below": abstain_below,
        "generation": generation,
    }
    hearing = None
    if respellings or espeak:
        from .sound.hearing import Hearing
        from .sound.speech_models import load_pronouncer

        hearing = Hearing(load_pronouncer(respellings, espeak=espeak), device=device)
    if audio and asr:
        from .sound.question_recording import recognised

        options["words"] = recognised(audio, asr, asr_language, device)
    failed = False
    with KnowledgeBase.open(kb, device=device, hearing=hearing) as base:
        if question == "-":
            for line in sys.stdin:
                try:
                    answer = base.search(line.strip("\r\n"), **options)
                    print_json(answer.to_json())
                except QueryError as error:  # the other lines still have their answers, and lines must not shift
                    print_json({"query": line.strip("\r\n"), **error_json(error)})
                    failed = True
        else:
            answer = base.search(question, audio=audio, **options)
            if as_json:
                print_json(answer.to_json())
            else:
                from .report import plain_console
                from .view import answer_text

                plain_console().print(answer_text(answer))
        if signals:
            from .explain.signals_view import show_signals

            show_signals(base.signals(), as_json=as_json)
    if failed:
        raise typer.Exit(FAILED)
