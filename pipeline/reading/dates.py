"""Dates as files state them, to ISO 8601."""

from __future__ import annotations

import datetime
import email.utils
import re
from typing import Final

_ISO: Final = re.compile(
    r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ]+(\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?[ ]*(Z|[+-]\d\d:?\d\d)?)?)?)?(?![\d/])"
)


def iso_date(stated: str) -> str:
    """ISO 8601 as precise as stated, from ISO 8601 or an e-mail date; empty where it is neither."""
    stated = stated.strip()
    match = _ISO.match(stated)
    if match:
        year, month, day, time, zone = match.groups()
        try:
            datetime.date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            return ""
        date = "-".join(filter(None, (year, month, day)))
        return date + (f"T{time}{zone or ''}" if time else "")
    if len(stated) < 100:
        try:
            return email.utils.parsedate_to_datetime(stated).isoformat()
        except (ValueError, TypeError, IndexError, OverflowError):
            return ""
    return ""
