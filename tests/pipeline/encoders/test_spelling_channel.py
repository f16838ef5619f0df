"""The noisy channel: its probabilities, checked by summing over all divisions, and what it was trained for."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.learned_character import WEIGHTS
from octavo.pipeline.encoders.spelling_channel import (
    LEAST,
    LETTERS,
    LONGEST,
    SYMBOLS,
    ChannelNetwork,
    ChannelShape,
    SpellingChannel,
    lost,
    said,
    spelled,
)

SHAPE = ChannelShape(letters=8, channels=12, dilations=((1, 2),))


@pytest.fixture(scope="module")
def channel() -> SpellingChannel:
    torch.manual_seed(1)
    return SpellingChannel(ChannelNetwork(SHAPE))


def test_letters() -> None:
    assert spelled("aB") == [1, 2]
    assert spelled("café") == spelled("cafe")
    assert spelled("пар") is None
    assert spelled("") is None
    assert len(spelled("a" * 100) or []) == LONGEST
    assert len(LETTERS) + 1 == SYMBOLS


def test_a_probability_is_the_sum_over_all_divisions() -> None:
    torch.manual_seed(2)
    network = ChannelNetwork(ChannelShape(letters=8, channels=12, dilations=((1,),), frames=1)).eval()
    with torch.inference_mode():
        chances, frames = said(network, [[1, 2]])
        assert frames.tolist() == [4]
        table = chances[0].exp().double().numpy()
        for target in ([1], [1, 1], [2, 1, 3]):
            letters = {0, *target}
            ways = [path for path in product(letters, repeat=4) if [one for one, _ in groupby(path) if one] == target]
            whole = sum(np.prod([table[at, one] for at, one in enumerate(path)]) for path in ways)
            assert -lost(chances, frames, [target]).item() == pytest.approx(np.log(whole), rel=1e-4)


def test_company_changes_nothing(channel: SpellingChannel) -> None:
    terms = ["pump", "a very long term indeed", "пар", "pümp"]
    found = channel("pumb", terms)
    assert found.shape == (4,)
    np.testing.assert_allclose(found[[0, 3]], channel("pumb", ["pump"])[0], atol=1e-4)
    assert found[2] == LEAST
    assert (found <= 0).all()
    assert (channel("пар", terms) == LEAST).all()
    assert channel("pump", []).shape == (0,)
    assert channel.reads("pump")
    assert not channel.reads("пар")


def test_shapes_are_kept() -> None:
    assert ChannelShape.from_json(SHAPE.to_json()) == SHAPE
    with pytest.raises(ValueError, match="positive"):
        ChannelShape(frames=0)


@pytest.mark.skipif(not WEIGHTS.exists(), reason="there are no trained weights: octavo train character")
@pytest.mark.parametrize(
    ("written", "meant", "other"),
    [
        ("fisiks", "physics", "fists"),
        ("nolidge", "knowledge", "nodule"),
        ("sykology", "psychology", "mythology"),
        ("farther", "father", "further"),
        ("akomodation", "accommodation", "automation"),
        ("temprature", "temperature", "temperate"),
    ],
)
def test_what_it_was_trained_for(written: str, meant: str, other: str) -> None:
    likeness = character_encoder().likeness
    assert likeness is not None
    assert likeness.channel is not None
    found = likeness.channel(written, [meant, other])
    assert found[0] > found[1]
