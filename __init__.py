"""Octavo: knowledge-base retrieval at every scale.

::

    from octavo import KnowledgeBase

    with KnowledgeBase.open("kb") as kb:
        answer = kb.search("What does the warranty cover?")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .indexes.collection import KnowledgeBase
    from .indexes.hit import Answer, Citation, Hit
    from .indexes.store.filter import Filter

__all__ = ["Answer", "Citation", "Filter", "Hit", "KnowledgeBase"]

_HOMES = {"Answer": "hit", "Citation": "hit", "Filter": "store.filter", "Hit": "hit", "KnowledgeBase": "collection"}


def __getattr__(name: str) -> object:
    # Loaded when first used: `octavo --help` passes through here and must not pay for numpy and SQLite.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f".indexes.{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
