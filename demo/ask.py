"""Asks the sample knowledge base questions for each scale, typed, spoken and by manner, and prints the cited answers.

``python demo/ask.py KB``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.report import plain_console
from octavo.indexes.view import answer_text
from octavo.pipeline.scale import CHARACTER, DOCUMENT, PARAGRAPH, PHONEME, SECTION, SENTENCE, Scale
from rich.rule import Rule

WRITTEN: tuple[tuple[Scale, str], ...] = (
    (CHARACTER, "E-43O4"),
    (SENTENCE, "How cool must the tray be before I may touch it?"),
    (PARAGRAPH, "How do I clean the chaff filter?"),
    (SECTION, "What does the warranty cover and what not?"),
    (DOCUMENT, "Which document describes what changed in every firmware version?"),
)
"""One a scale of text. The first has a letter O where the error code has a zero."""

SAID: tuple[tuple[Scale, str], ...] = (
    (PHONEME, "Quellory"),
    (SENTENCE, "When does the booth at the trade fair open?"),
)
"""The first is a name that no document and no lexicon has, said in a call without a transcript; the second is answered
by the transcript of a memo."""

SPOKEN = Path(".asked") / "question.wav"

LONGEST = 300
"""Characters of a quote that are shown."""

FAST = "rate>5 and f0<130"
"""A low voice that speaks more than five syllables a second."""


def asked(sample: Path, *, recordings: bool) -> list[tuple[str, dict[str, Any]]]:
    """What is printed above each answer, and how the knowledge base is asked for it."""
    typed = WRITTEN + SAID if recordings else WRITTEN
    every: list[tuple[str, dict[str, Any]]] = [
        (f"{scale}: {question}", {"question": question, "scales": [scale.name]}) for scale, question in typed
    ]
    if recordings:
        every.append((f"spoken: {SPOKEN.name}", {"audio": sample / SPOKEN}))
        every.append((f"manner: {FAST}", {"manner": FAST}))
    return every


def main(folder: str) -> None:
    """Prints the best answer to each question."""
    console = plain_console()
    with KnowledgeBase.open(folder) as kb:
        recordings = kb.status().recordings > 0
        for title, options in asked(Path(folder).parent, recordings=recordings):
            console.print(Rule(title, align="left", style="cyan"))
            console.print(answer_text(kb.search(**options, k=1), longest=LONGEST))
            console.print()
    if not recordings:
        print("no recordings were made for the sample, so none were asked", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo/out/kb")
