"""``octavo calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .shell import Device, Folder, Json, print_json


def calibrate(
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS", help="JSON lines as for octavo eval, or a SQuAD-format .json.")
    ],
    kb: Folder,
    abstain_below: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="P", help="Keep this threshold too: answers below it abstain."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, and keep nothing.")] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Make confidence right for this knowledge base, with your own questions whose answers are known.

    Questions that nothing answers belong to them ("unanswerable": true). Where there are none, each question is asked
    a second time without the sources that answer it. Those that only recordings without a transcript answer are left
    out.
    """
    from .collection import KnowledgeBase
    from .confidence.calibrate import run_calibration
    from .evaluate.table import counting

    with KnowledgeBase.open(kb, read_only=dry_run, device=device) as base:
        done = run_calibration(
            questions, base, device=device, threshold=abstain_below, dry_run=dry_run, counting=counting
        )
    if as_json:
        print_json(done.to_json())
    else:
        from .report import plain_console, show_calibrated

        show_calibrated(plain_console(), done)
