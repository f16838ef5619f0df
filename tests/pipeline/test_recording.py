"""A recording owns the file of its samples."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from octavo.pipeline.document import Flag, Metadata, Source
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.scratch import scratch_path

SOURCE = Source("/a.wav", "audio/wav", "0" * 64)


def recording(folder: Path, values: list[int], start_us: int = 0) -> Recording:
    pcm = folder / "a.pcm"
    np.array(values, "<i2").tofile(pcm)
    return Recording(SOURCE, len(values), start_us, Metadata(), (), pcm)


def test_any_part_is_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-32768, 32768, 1000).tolist()
    with recording(tmp_path, values) as whole:
        meant = np.array(values) / 32768
        for start, stop in [(0, 1000), (0, 0), (1000, 1000), (3, 777), (999, 1000)]:
            part = whole.read(start, stop)
            assert part.dtype == np.float32
            assert part.shape == (stop - start,)
            assert np.array_equal(part, meant[start:stop])


def test_full_scale(tmp_path: Path) -> None:
    with recording(tmp_path, [-32768, 0, 32767]) as whole:
        assert whole.read(0, 3).tolist() == [-1, 0, 32767 / 32768]


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, 4), (4, 4)])
def test_parts_that_are_not_there(tmp_path: Path, start: int, stop: int) -> None:
    with recording(tmp_path, [1, 2, 3]) as whole, pytest.raises(ValueError, match="not in a recording of 3"):
        whole.read(start, stop)


def test_times(tmp_path: Path) -> None:
    with recording(tmp_path, [0] * 24_000, start_us=1_500_000) as whole:
        assert whole.seconds == 1.5
        assert whole.seconds_at(0) == 1.5
        assert whole.seconds_at(SAMPLE_RATE) == 2.5


def test_the_file_goes_with_its_owner(tmp_path: Path) -> None:
    one = recording(tmp_path, [1])
    states = [one.closed]
    one.close()
    one.close()
    assert [*states, one.closed] == [False, True]
    assert not one.pcm.exists()
    with pytest.raises(ValueError, match="read the file again"):
        one.read(0, 1)
    with recording(tmp_path, [1]) as two:
        pass
    assert not two.pcm.exists()
    pcm = recording(tmp_path, [1]).pcm  # forgotten
    gc.collect()
    assert not pcm.exists()


def test_the_file_can_change_hands(tmp_path: Path) -> None:
    one = recording(tmp_path, [7])
    one.detach()
    assert one.closed
    pcm = one.pcm
    del one
    gc.collect()
    assert pcm.exists()


def test_recordings_check_themselves(tmp_path: Path) -> None:
    pcm = tmp_path / "a.pcm"
    pcm.write_bytes(bytes(6))
    with pytest.raises(ValueError, match="0 samples is none"):
        Recording(SOURCE, 0, 0, Metadata(), (), pcm)
    with pytest.raises(ValueError, match="before its file does"):
        Recording(SOURCE, 3, -1, Metadata(), (), pcm)
    with pytest.raises(ValueError, match="has 6 bytes"):
        Recording(SOURCE, 4, 0, Metadata(), (Flag("truncated"),), pcm)
    with pytest.raises(ValueError, match="are not at"):
        Recording(SOURCE, 4, 0, Metadata(), (), tmp_path / "absent")
    assert pcm.exists()  # not owned by what could not be made


SCRATCH = """
import os, sys
from octavo.pipeline.scratch import scratch_path
path = scratch_path(".pcm")
path.write_bytes(b"x")
print(path, flush=True)
sys.stdin.readline()
"""


def test_scratch_folders_end_with_their_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start() -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", SCRATCH]
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    (killed, left), (ended, used) = start(), start()
    assert left.exists()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.exists()
    third, _ = start()  # removes what was abandoned, and not what is in use
    assert not left.parent.exists()
    assert used.exists()
    for process in (ended, third):
        process.communicate("\n")
    assert list(tmp_path.iterdir()) == []


def test_scratch_paths_differ() -> None:
    first, second = scratch_path(".pcm"), scratch_path(".pcm")
    assert first != second
    assert first.parent == second.parent
    assert first.parent.stat().st_mode & 0o077 == 0
