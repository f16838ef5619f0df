"""Models that others trained: the disk is asked first, and the hub for what is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from octavo.pipeline.encoders.pretrained import from_disk_or_hub
from octavo.pipeline.errors import ModelError


def asked(found_on_disk: bool) -> tuple[list[bool], Callable[[bool], str]]:
    """What a loader was told, and the loader."""
    told: list[bool] = []

    def load(local: bool) -> str:
        told.append(local)
        if local and not found_on_disk:
            raise OSError("not in the cache")
        return "loaded"

    return told, load


@pytest.mark.parametrize(("found", "told"), [(True, [True]), (False, [True, False])])
def test_the_hub_is_asked_only_for_what_is_not_there(found: bool, told: list[bool]) -> None:
    calls, load = asked(found)
    assert from_disk_or_hub("org/name", load, what="model", files="config.json") == "loaded"
    assert calls == told


def test_a_folder_is_never_looked_for_on_the_hub(tmp_path: Path) -> None:
    calls, load = asked(False)
    with pytest.raises(ModelError, match=r"the recogniser .* cannot be loaded \(OSError: not in the cache\).*a\.json"):
        from_disk_or_hub(str(tmp_path), load, what="recogniser", files="a.json")
    assert calls == [True]


def test_what_a_loader_says_itself_is_passed_on() -> None:
    def load(local: bool) -> str:
        raise ModelError("of another kind")

    with pytest.raises(ModelError, match=r"^of another kind$"):
        from_disk_or_hub("org/name", load, what="model", files="config.json")
