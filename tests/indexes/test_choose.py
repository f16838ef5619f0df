"""Spans chosen from scores: never twice, never past the budget, at the scale that fits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.choose import LEAST_CHARACTERS, Choice, best, fill, ranked
from octavo.indexes.evidence import Universe
from octavo.indexes.store.snapshot import SpanRows
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE


def universe(documents: list[list[list[list[int]]]]) -> Universe:
    """Documents of sections of paragraphs of sentences, given by their lengths."""
    rows: list[list[int]] = []
    identity = 0
    for content, sections in enumerate(documents, 1):
        identity += 1
        document, place = identity, 0
        for paragraphs in sections:
            identity += 1
            section = len(rows)
            rows.append([identity, content, SECTION.rank, place, 0, document, 0])
            for sentences in paragraphs:
                identity += 1
                paragraph = len(rows)
                rows.append([identity, content, PARAGRAPH.rank, place, 0, rows[section][0], 0])
                for length in sentences:
                    identity += 1
                    rows.append([identity, content, SENTENCE.rank, place, place + length, rows[paragraph][0], identity])
                    place += length + 1
                rows[paragraph][4], rows[paragraph][6] = place - 1, identity
            rows[section][4], rows[section][6] = place - 1, identity
    numbers = np.array(rows, np.int64).T
    ids, contents, ranks, starts, stops, parents, lasts = numbers
    stems = [np.empty(0, np.int32)] * len(rows)
    return Universe.of(SpanRows(ids, contents, ranks, starts, stops, parents, lasts, [""] * len(rows), stems))


shapes = st.lists(
    st.lists(
        st.lists(st.lists(st.integers(1, 120), min_size=1, max_size=4), min_size=1, max_size=3), min_size=1, max_size=3
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def scored(draw: st.DrawFn) -> tuple[Universe, np.ndarray]:
    made = universe(draw(shapes))
    values = draw(st.lists(st.floats(0, 1, width=32), min_size=len(made), max_size=len(made)))
    return made, np.array(values, np.float32)


@given(scored(), st.integers(1, 30))
def test_best_spans_do_not_overlap_and_stay_in_their_section(case: tuple[Universe, np.ndarray], count: int) -> None:
    made, scores = case
    choices = best(made, scores, scores, count)
    assert len(choices) <= count
    taken = np.zeros(len(made), int)
    for choice in choices:
        taken[choice.first : choice.last] += 1
        assert len(np.unique(made.section[choice.first : choice.last])) == 1
        assert scores[choice.first : choice.last].max() > 0
    assert taken.max(initial=0) <= 1
    if scores.max() > 0:
        assert choices[0].first <= int(np.argmax(scores)) < choices[0].last


@given(scored(), st.integers(1, 600), st.sampled_from([SENTENCE, PARAGRAPH, SECTION]))
def test_filling_keeps_the_budget_and_joins_neighbours(
    case: tuple[Universe, np.ndarray], budget: int, scale: object
) -> None:
    made, scores = case
    choices = fill(made, scores, budget, scale)  # type: ignore[arg-type]
    assert sum(int(made.stop[c.last - 1] - made.start[c.first]) for c in choices) <= budget
    edges = {(c.first, c.last) for c in choices}
    for first, last in edges:
        assert last <= first + 1 or len(np.unique(made.run[first:last])) == 1
        assert not any(
            last == other and made.run[last - 1] == made.run[last] for other, _ in edges if other < len(made)
        )


@given(scored())
def test_a_large_budget_takes_all_that_anything_speaks_for(case: tuple[Universe, np.ndarray]) -> None:
    made, scores = case
    taken = {i for choice in fill(made, scores, 10**9) for i in range(choice.first, choice.last)}
    assert taken == set(np.flatnonzero(scores > 0).tolist())


@given(scored(), st.sampled_from([SENTENCE, PARAGRAPH, SECTION, DOCUMENT]))
def test_ranking_is_by_the_mean_weighted_by_characters(case: tuple[Universe, np.ndarray], scale: object) -> None:
    made, scores = case
    lengths = made.stop - made.start
    choices = ranked(made, scores, scale, 1000)  # type: ignore[arg-type]
    for choice in choices:
        run = slice(choice.first, choice.last)
        assert abs(choice.score - np.average(scores[run].astype(float), weights=lengths[run])) < 1e-6
    assert [c.score for c in choices] == sorted((c.score for c in choices), reverse=True)


def alone(
    made: Universe, scores: list[float], count: int, is_heading: Callable[[int], bool] = lambda sentence: False
) -> list[Choice]:
    """The best spans where the evidence of the sentence scale is all there is."""
    values = np.array(scores, np.float32)
    return best(made, values, values, count, is_heading)


def test_one_good_sentence_stays_a_sentence() -> None:
    made = universe([[[[90, 90, 90], [90, 90]]]])
    choice = alone(made, [0.1, 0.9, 0.1, 0.1, 0.1], 1)[0]
    assert (choice.first, choice.last, choice.scale) == (1, 2, SENTENCE)


def test_sentences_that_agree_become_their_paragraph_then_their_section() -> None:
    made = universe([[[[90, 90, 90], [90, 90]]]])
    paragraph = alone(made, [0.88, 0.9, 0.88, 0.1, 0.1], 1)[0]
    assert (paragraph.first, paragraph.last, paragraph.scale) == (0, 3, PARAGRAPH)
    section = alone(made, [0.88, 0.9, 0.88, 0.85, 0.85], 1)[0]
    assert (section.first, section.last, section.scale) == (0, 5, SECTION)


def test_the_paragraph_takes_the_place_of_a_heading() -> None:
    made = universe([[[[80, 90, 90], [90]]]])
    choice = alone(made, [0.9, 0.2, 0.2, 0.1], 1, lambda sentence: sentence == 0)[0]
    assert (choice.first, choice.last, choice.scale) == (0, 3, PARAGRAPH)


def test_a_scrap_beside_a_hit_is_no_hit() -> None:
    made = universe([[[[12, 90, 90]]]])
    choices = alone(made, [0.8, 0.9, 0.2], 3)
    assert [(choice.first, choice.last) for choice in choices] == [(1, 2), (2, 3)]


def test_a_short_sentence_takes_in_what_follows_it() -> None:
    made = universe([[[[12, 90, 90]]]])
    choice = alone(made, [0.9, 0.2, 0.2], 1)[0]
    assert (choice.first, choice.last) == (0, 2)
    assert made.stop[choice.last - 1] - made.start[choice.first] >= LEAST_CHARACTERS
