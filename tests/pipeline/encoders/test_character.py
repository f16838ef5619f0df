"""The character encoder: near spellings lie near, and the projection keeps cosines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.encoders.character import BUCKETS, CharacterEncoder, _features, confusable_form

ENCODER = CharacterEncoder()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_vectors_are_unit_and_do_not_depend_on_company(terms: list[str]) -> None:
    vectors = ENCODER.encode(terms)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[-1], ENCODER.encode(terms[-1:])[0], atol=1e-6)


def test_slips_lie_nearer_than_other_words() -> None:
    words = ["database", "parameter", "temperature", "grinder", "warranty", "e-4304", "descaling", "pressure"]
    vectors = ENCODER.encode(words)
    for slip, right in (("databse", 0), ("temprature", 2), ("e-43o4", 5), ("warrranty", 4), ("descalling", 6)):
        assert int(np.argmax(vectors @ ENCODER.encode([slip])[0])) == right


def test_the_projection_keeps_the_cosine_of_the_features() -> None:
    terms = ["temperature", "temprature", "database", "pressure", "e-4304", "e-43o4", "grinder"]
    bags = np.zeros((len(terms), BUCKETS))
    for row, term in enumerate(terms):
        bags[row, list(_features(term))] = 1
    bags /= np.linalg.norm(bags, axis=1, keepdims=True)
    projected = ENCODER.encode(terms)
    # Random projection to 64 numbers: standard error of a cosine about 1/8.
    assert np.abs(projected @ projected.T - bags @ bags.T).max() < 0.45


def test_confusable_forms() -> None:
    assert confusable_form("e-43o4") == confusable_form("e-4304")
    assert confusable_form("rnodel") == confusable_form("model")
    assert confusable_form("e-4304") != confusable_form("e-4305")


def test_no_terms_no_vectors() -> None:
    assert ENCODER.encode([]).shape == (0, 64)
