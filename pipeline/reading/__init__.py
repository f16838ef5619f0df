"""A file in, a document or a recording out. Names are loaded when first used: importing this costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .dispatch import READABLE, read_document, read_in_process, reader_version
    from .identity import identify
    from .sandbox import Limits, Reader

__all__ = ["READABLE", "Limits", "Reader", "identify", "read_document", "read_in_process", "reader_version"]

_HOMES = {
    "READABLE": "dispatch",
    "read_document": "dispatch",
    "read_in_process": "dispatch",
    "reader_version": "dispatch",
    "identify": "identity",
    "Limits": "sandbox",
    "Reader": "sandbox",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
