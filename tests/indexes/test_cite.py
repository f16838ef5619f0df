"""Boxes of a span's own words, line by line."""

from __future__ import annotations

import numpy as np
from octavo.indexes.cite import lines, places
from octavo.pipeline.document import BOXES_DTYPE, Page

WORDS = np.array(
    [
        (0, 3, 50, 100, 70, 110),
        (4, 9, 73, 100, 110, 110),
        (10, 15, 50, 114, 90, 124),
        (16, 20, 93, 115, 120, 123),
        (21, 25, 400, 114, 430, 124),
    ],
    BOXES_DTYPE,
)


def test_one_box_a_line_of_print() -> None:
    assert lines(WORDS[:4]) == ((50.0, 100.0, 110.0, 110.0), (50.0, 114.0, 120.0, 124.0))


def test_a_word_far_to_the_side_is_another_box() -> None:
    assert lines(WORDS)[-1] == (400.0, 114.0, 430.0, 124.0)


def test_only_the_words_of_the_span_count() -> None:
    page = Page(3, 0, 25, 595, 842, WORDS)
    (place,) = places([page], 4, 12)
    assert place.page == 3
    assert place.boxes == ((73.0, 100.0, 110.0, 110.0), (50.0, 114.0, 90.0, 124.0))


def test_a_format_without_boxes_has_pages_alone() -> None:
    (place,) = places([Page(2, 0, 100)], 5, 10)
    assert (place.page, place.boxes) == (2, ())
    assert places([], 0, 10) == ()
