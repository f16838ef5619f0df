"""Whose transcript a file is, also in a folder that has just changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from octavo.pipeline.transcript_owner import recording_of


def test_a_recording_that_comes_within_the_same_time_stamp_is_seen(tmp_path: Path) -> None:
    sidecar = tmp_path / "talk.vtt"
    sidecar.write_text("WEBVTT\n")
    stamp = time.time_ns()
    os.utime(tmp_path, ns=(stamp, stamp))
    assert recording_of(sidecar) is None
    (tmp_path / "talk.wav").touch()
    os.utime(tmp_path, ns=(stamp, stamp))
    assert recording_of(sidecar) == tmp_path / "talk.wav"
