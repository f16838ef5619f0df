"""Odd, damaged and silent files of several taggers' test suites: each gives sound or a reason code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from octavo.pipeline.errors import SourceError
from octavo.pipeline.reading import Limits, Reader
from octavo.pipeline.recording import Recording

ODD = Path(__file__).resolve().parents[4] / "shared" / "data" / "robust" / "audio"


@pytest.mark.skipif(not ODD.is_dir(), reason=f"{ODD} is not there: the shared data are not on this machine")
def test_every_odd_file_has_an_outcome() -> None:
    outcomes: Counter[str] = Counter()
    with Reader(Limits(seconds=60, memory_bytes=512 * 1024**2)) as reader:
        for path in sorted(path for path in ODD.rglob("*") if path.is_file()):
            outcomes[outcome(reader, path)] += 1
    assert set(outcomes) <= {"read", "silent", "empty", "no-audio", "damaged"}
    assert outcomes["read"] >= 25


def outcome(reader: Reader, path: Path) -> str:
    try:
        found = reader.read(path)
    except SourceError as error:
        return error.code if path.name in str(error) else f"{error} does not name {path}"
    assert isinstance(found, Recording), path
    with found:
        sound = found.read(0, min(found.samples, 1 << 20))
        assert sound.max() - sound.min() > 0.002, path
    return "read"
