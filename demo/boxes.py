"""Draws the cited boxes of the best answer on its page of the PDF.

``python demo/boxes.py KB QUESTION OUT.png``
"""

from __future__ import annotations

import sys

import pymupdf
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.filter import Filter


def main(folder: str, question: str, picture: str) -> None:
    """Writes the picture."""
    with KnowledgeBase.open(folder) as kb:
        hits = kb.search(question, k=1, where=Filter(media_types=("application/pdf",))).hits
    if not hits or not hits[0].citation.places[0].boxes:
        raise SystemExit("no PDF in the knowledge base answers this question")
    place = hits[0].citation.places[0]
    assert place.page is not None
    with pymupdf.open(hits[0].citation.source.uri) as document:
        page = document[place.page - 1]
        for box in place.boxes:
            page.draw_rect(pymupdf.Rect(box), color=(0.85, 0.2, 0.1), width=1.2)
        top = min(box[1] for box in place.boxes)
        around = pymupdf.Rect(30, max(0, top - 130), page.rect.width - 30, min(page.rect.height, top + 60))
        page.get_pixmap(dpi=80, clip=around).save(picture)


if __name__ == "__main__":
    main(*sys.argv[1:4])
