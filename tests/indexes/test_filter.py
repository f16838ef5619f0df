"""Dates of every precision, and filters that make no sense."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from octavo.indexes.store.filter import Filter, instant
from octavo.pipeline.errors import QueryError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-05", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
        (" 2024-05-06T07:08:09Z ", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06T07:08:09+02:00", datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)),
        ("1969-12-31", datetime(1969, 12, 31, tzinfo=UTC)),
    ],
)
def test_dates_of_every_precision(text: str, moment: datetime) -> None:
    assert instant(text) == moment.timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13", "D:20240506", "99999", "0000-00-00"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert instant(text) is None


def test_nonsense_is_refused() -> None:
    for wrong in ({"after": "soon"}, {"before": "2024-99"}):
        with pytest.raises(QueryError, match="no date"):
            Filter(**wrong)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="empty"):
        Filter(sources=("",))


def test_an_empty_filter_is_false() -> None:
    assert not Filter()
    assert Filter(media_types=("text/",))
    assert Filter(after="2024")
