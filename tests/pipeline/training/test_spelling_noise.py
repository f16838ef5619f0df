"""Noise: seeded, small, and for codes never another code."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from octavo.pipeline.encoders.character import confusable_form
from octavo.pipeline.training import spelling_noise
from octavo.pipeline.training.spelling_noise import (
    NEIGHBOURING_KEYS,
    accented,
    code,
    code_misread,
    key_slip,
    letter_slip,
    misread,
    other_code,
    recased,
    respaced,
)
from rapidfuzz.distance import OSA

MODELS = (key_slip, letter_slip, misread, respaced, accented, recased)
TERMS = st.text("abcdefghijklmnopqrstuvwxyz0123456789- 'éü", min_size=1, max_size=20)


@given(st.sampled_from(MODELS), TERMS, st.integers(0, 1 << 30))
def test_the_same_chance_gives_the_same(model: object, term: str, seed: int) -> None:
    assert callable(model)
    assert model(term, Random(seed)) == model(term, Random(seed))


@given(st.sampled_from((key_slip, letter_slip, respaced)), TERMS, st.integers(0, 1 << 30))
def test_a_slip_is_one_edit(model: object, term: str, seed: int) -> None:
    assert callable(model)
    assert OSA.distance(term, model(term, Random(seed))) <= 1


@given(st.integers(0, 1 << 30))
@example(39792)  # jic175, which is not to become jicl75
def test_a_misprint_of_a_code_is_no_other_code(seed: int) -> None:
    chance = Random(seed)
    term = code(chance)
    bare = [confusable_form("".join(filter(str.isalnum, one))) for one in (term, code_misread(term, chance))]
    # vv and rn in the letters of a code print like w and m, so the forms may differ in length, not in figures
    assert [c for c in bare[0] if c.isdigit()] == [c for c in bare[1] if c.isdigit()]


@given(st.integers(0, 1 << 30))
def test_another_code_is_another_code(seed: int) -> None:
    chance = Random(seed)
    term = code(chance)
    other = other_code(term, chance)
    assert other != term
    assert [c for c in other if c.isdigit()] != [c for c in term if c.isdigit()]


def test_neighbouring_keys_touch() -> None:
    assert set(NEIGHBOURING_KEYS["g"]) == set("ftyhbv") | ({"r"} & set(NEIGHBOURING_KEYS["g"]))
    assert "p" not in NEIGHBOURING_KEYS["q"]
    for key, near in NEIGHBOURING_KEYS.items():
        assert all(key in NEIGHBOURING_KEYS[other] for other in near if key.isalnum())


def test_marks_come_and_go() -> None:
    assert accented("café", Random(1)) == "cafe"
    made = accented("cafe", Random(1))
    assert made != "cafe"
    assert accented(made, Random(1)) == "cafe"


def test_hyphens_and_spaces() -> None:
    made = {respaced("data base", Random(seed)) for seed in range(40)}
    assert made == {"database", "data-base"}
    assert respaced("abc", Random(1)) == "abc"


@pytest.mark.parametrize("name", [name for name in dir(spelling_noise) if name in {m.__name__ for m in MODELS}])
def test_every_model_says_what_it_does(name: str) -> None:
    assert getattr(spelling_noise, name).__doc__
