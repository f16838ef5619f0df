"""What became of one file of an ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..pipeline.document import Flag
from ..pipeline.errors import DamagedSource, EmptySource, EncryptedSource, UnsupportedSource
from ..pipeline.stages import Stage

ADDED, UPDATED, LINKED, MOVED, UNCHANGED = "added", "updated", "linked", "moved", "unchanged"
TRANSCRIPT = "transcript"
DONE_CODES = frozenset({ADDED, UPDATED, LINKED, MOVED, UNCHANGED, TRANSCRIPT})
"""Every other code is the reason code of an error."""
LASTING_CODES = frozenset(
    error.code
    for kind in (EmptySource, DamagedSource, EncryptedSource, UnsupportedSource)
    for error in (kind, *kind.__subclasses__())
)
"""What the same bytes will give again, so that the file is not read again until it, or its reader, changes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file.

    Attributes:
        code: ``added``, ``updated`` (other bytes than before), ``linked`` (its bytes were there under another path),
            ``moved`` (and that path is gone from its folder), ``unchanged``, ``transcript`` (of a recording beside it,
            with which it goes in), or the reason code of a :class:`~octavo.pipeline.errors.SourceError`.
        flags: What its reader could not do.
        size: Bytes of the file.
        seconds: Spent on encoding and staging it; reading goes on beside that.
        counts: Characters, and spans by scale; of a recording its samples, utterances and phrases too.
        stages: How long each stage took. Documents of a batch share the encoder's batches, so the first of them
            bears most of their encoding.
    """

    path: Path
    code: str
    detail: str = ""
    flags: tuple[Flag, ...] = ()
    size: int = 0
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the file is in the knowledge base as it is on disk."""
        return self.code in DONE_CODES

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo ingest --json`` and in its report."""
        return {
            "uri": str(self.path),
            "code": self.code,
            "detail": self.detail,
            "flags": [{"code": flag.code, "detail": flag.detail} for flag in self.flags],
            "bytes": self.size,
            "seconds": round(self.seconds, 3),
            "counts": dict(self.counts),
            "stages": {stage.name: round(stage.seconds, 3) for stage in self.stages},
        }


def linked(before: Sequence[str], gone: Sequence[str]) -> tuple[str, str]:
    return (MOVED, f"from {gone[0]}") if gone else (LINKED, f"the same bytes as {before[0]}")
