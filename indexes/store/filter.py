"""Which sources a question may be answered from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ...pipeline.errors import QueryError
from .stored import storable


def instant(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 date of any precision; its beginning, in UTC where no zone is given.

    ``None`` for text that is no date: documents carry all kinds of things in their date fields.
    """
    text = text.strip()
    for whole in (text, f"{text}-01", f"{text}-01-01"):
        try:
            moment = datetime.fromisoformat(whole)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        try:
            return moment.timestamp()
        except (OverflowError, ValueError):
            return None
    return None


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on sources; a source has to meet every condition that is set.

    Attributes:
        sources: Globs (``*``, ``?``, ``[a-z]``; ``*`` crosses folders), one of which has to match the path. One
            that starts with neither ``/`` nor ``*`` matches from any folder on: ``manual/*.pdf``.
        media_types: Whole media types or their beginnings (``text/``), one of which has to fit.
        after: ISO 8601; only what is dated then or later.
        before: ISO 8601; only what is dated earlier.

    A document's date is the last modification it states, else the creation it states, else its file's time.

    Raises:
        QueryError: A date that is none, or an empty glob or type.
    """

    sources: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    after: str = ""
    before: str = ""

    def __post_init__(self) -> None:
        for name, date in (("after", self.after), ("before", self.before)):
            if date and instant(date) is None:
                raise QueryError(f"{name} {date!r} is no date: write 2026, 2026-11, 2026-11-23 or a full ISO 8601 time")
        for glob in self.sources:
            if glob != storable(glob):
                raise QueryError(f"the glob {glob!r} is not valid Unicode: write * for the odd bytes of a name")
        if not all(self.sources) or not all(self.media_types):
            raise QueryError("a filter's globs and media types must not be empty: leave them out to allow all")

    def __bool__(self) -> bool:
        return bool(self.sources or self.media_types or self.after or self.before)

    def condition(self) -> tuple[str, list[str | float]]:
        """The filter in SQL over ``source AS s`` joined with ``content AS c``, and its bindings."""
        clauses: list[str] = []
        bindings: list[str | float] = []
        if self.sources:
            clauses.append("(" + " OR ".join(["CAST(s.uri AS TEXT) GLOB ?"] * len(self.sources)) + ")")
            bindings += [glob if glob[0] in "/*" else f"*/{glob}" for glob in self.sources]
        if self.media_types:
            clauses.append("(" + " OR ".join(["substr(c.media_type, 1, ?) = ?"] * len(self.media_types)) + ")")
            for kind in self.media_types:
                bindings += [len(kind), kind]
        for date, comparison in ((self.after, ">="), (self.before, "<")):
            if date:
                moment = instant(date)
                assert moment is not None  # checked on construction
                clauses.append(f"s.dated {comparison} ?")
                bindings.append(moment)
        return " AND ".join(clauses) or "1", bindings
