"""``octavo diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..pipeline.errors import QueryError
from .shell import FAILED, Device, Json, complain, print_json


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A generation of --kb, a folder, or FOLDER@GENERATION.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, to compare with A.")],
    questions: Annotated[
        Path, typer.Option(metavar="FILE", help="Questions: one a line, JSON lines as for octavo eval, or SQuAD.")
    ],
    kb: Annotated[
        Path | None, typer.Option("--kb", metavar="DIR", envvar="OCTAVO_KB", help="Whose generations A and B are.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits of each answer.")] = 5,
    fail_if_changed: Annotated[
        str, typer.Option(metavar="SHARE", help="Exit with 1 if more than this share of answers changed, such as 5%.")
    ] = "",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Which answers changed between two generations or knowledge bases, and what caused each change.

    A cause is named for certain only where no other can be. Sources that differ are tried one at a time; what changed
    on the same sources at once is named as possible.
    """
    from .difference.compare import compare
    from .difference.questions import read_asked
    from .difference.sides import opened, parse_side
    from .evaluate.table import counting

    most = parse_share(fail_if_changed)
    asked = read_asked(questions)
    with opened(parse_side(before, kb), parse_side(after, kb), device=device) as (old, new):
        found = compare(old, new, asked, k=k, counting=counting)
        if as_json:
            print_json(found.to_json())
        else:
            from .difference.view import show_difference
            from .report import plain_console

            show_difference(plain_console(), found)
    if most is not None and found.share > most:
        complain(f"{found.share:.1%} of the answers changed, {most:.1%} are allowed")
        raise typer.Exit(FAILED)


def parse_share(text: str) -> float | None:
    """A share from ``5%`` or ``5``, per cent both; ``None`` for an empty text.

    Raises:
        QueryError: It is none.
    """
    if not text:
        return None
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise QueryError(f"{text!r} is no share of answers: write 5% or 0%")
    return share
