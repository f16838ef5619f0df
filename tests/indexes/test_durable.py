"""Files that are whole or not there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from octavo.indexes.store.durable import UNFINISHED_SUFFIX, check_file, checksum, durable


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "one"
    with durable(path) as file:
        file.write(b"octavo")
        assert checksum(file) == hashlib.blake2b(b"octavo", digest_size=32).hexdigest()
        assert not path.exists()
    assert path.read_bytes() == b"octavo"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path) -> None:
    with durable(path) as file:
        file.write(b"half")
        raise ValueError("half way")


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="half way"):
        write_half(path)
    assert path.read_bytes() == b"before"
    assert (tmp_path / f"one{UNFINISHED_SUFFIX}").exists()  # for whoever collects what a kill left


def test_a_check_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "one"
    with durable(path) as file:
        file.write(b"octavo")
        expected = checksum(file)
    assert check_file(path, 6, expected) == ""
    assert "6 bytes, 7 were committed" in check_file(path, 7, expected)
    path.write_bytes(b"octave")
    assert "does not match its checksum" in check_file(path, 6, expected)
    path.unlink()
    assert check_file(path, 6, expected) == f"{path} is missing"
