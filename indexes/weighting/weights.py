"""Whether the weights of evidence depend on the question."""

from __future__ import annotations

from enum import StrEnum


class Weights(StrEnum):
    """How much evidence counts."""

    QUERY = "query"
    """It depends on the question."""
    FIXED = "fixed"
    """Every word of the question and every column of evidence counts the same."""
