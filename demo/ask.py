"""Asks the sample knowledge base five questions, one for each scale of text, and prints the cited answers.

``python demo/ask.py KB``
"""

from __future__ import annotations

import sys

from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.report import plain_console
from octavo.indexes.view import answer_text
from octavo.pipeline.scale import CHARACTER, DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from rich.rule import Rule

QUESTIONS: tuple[tuple[Scale, str], ...] = (
    (CHARACTER, "E-43O4"),
    (SENTENCE, "How cool must the tray be before I may touch it?"),
    (PARAGRAPH, "How do I clean the chaff filter?"),
    (SECTION, "What does the warranty cover and what not?"),
    (DOCUMENT, "Which document describes what changed in every firmware version?"),
)
"""The first has a letter O where the error code has a zero."""


def main(folder: str) -> None:
    """Prints one answer a scale."""
    console = plain_console()
    with KnowledgeBase.open(folder) as kb:
        for scale, question in QUESTIONS:
            console.print(Rule(f"{scale}: {question}", align="left", style="cyan"))
            console.print(answer_text(kb.search(question, k=1, scales=[scale.name])))
            console.print()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo/out/kb")
