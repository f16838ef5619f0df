"""What was heard so far of long recordings that no commit holds yet, so that a killed ingest goes on where it was.

::

    unfinished/<sha256>-<digest of the fingerprint>/0000-<digest of the file>.npz

A file is a stretch of some minutes; it has its name only when it is whole and durable. Reading stops at the first file
that is missing or is not what its name says; the rest is encoded again. Only the process that holds the writer's lock
touches the folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Utterance
from ...pipeline.errors import KnowledgeBaseError
from ...pipeline.posteriors import FRAME, KEPT, Posteriors, window_grid
from .durable import UNFINISHED_SUFFIX, durable

if TYPE_CHECKING:
    from ...pipeline.listening import Stretch

FOLDER = "unfinished"
SUFFIX = ".npz"
KEPT_SECONDS = 31 * 24 * 3600.0
"""A month: what was not gone on with by then is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptStretch:
    """A stretch as it was kept; window and prosody vectors have the precision of a shard."""

    utterances: tuple[Utterance, ...]
    state: Mapping[str, object]
    stop: int


class Unfinished:
    """The stretches kept in a knowledge base's folder."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def kept(self, sha256: str, fingerprint: str) -> Iterator[KeptStretch]:
        """The stretches of a recording from its beginning, one in memory at a time."""
        own = self._own(sha256, fingerprint)
        for other in self._of(sha256):
            if other != own:
                shutil.rmtree(other, ignore_errors=True)
        files = sorted(own.glob(f"*{SUFFIX}"))
        for number, path in enumerate(files):
            stretch = _read(path) if path.name.startswith(f"{number:04}-") else None
            if stretch is None:
                for useless in files[number:]:
                    useless.unlink(missing_ok=True)
                return
            yield stretch

    def keep(self, sha256: str, fingerprint: str, number: int, stretch: Stretch) -> None:
        """Keeps the stretch of a number, from 0, durably.

        Raises:
            KnowledgeBaseError: It cannot be written.
        """
        own = self._own(sha256, fingerprint)
        data = _packed(stretch)
        path = own / f"{number:04}-{_digest(data)}{SUFFIX}"
        try:
            own.mkdir(parents=True, exist_ok=True)
            with durable(path) as file:
                file.write(data)
        except OSError as error:
            raise KnowledgeBaseError(f"{path} cannot be written: {error.strerror}; free some space") from error

    def drop(self, sha256: str) -> None:
        """Forgets a recording: a commit holds it."""
        for folder in self._of(sha256):
            shutil.rmtree(folder, ignore_errors=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def sweep(self, now: float | None = None) -> None:
        """Drops what nobody went on with for a month, and files that a kill left half written."""
        now = time.time() if now is None else now
        for folder in self._all():
            if now - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                for part in folder.glob(f"*{UNFINISHED_SUFFIX}"):
                    part.unlink(missing_ok=True)

    def files(self) -> list[Path]:
        """All stretches kept."""
        return sorted(path for folder in self._all() for path in folder.glob(f"*{SUFFIX}"))

    def _all(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*-*") if path.is_dir())

    def _of(self, sha256: str) -> list[Path]:
        return [path for path in self._all() if path.name.startswith(f"{sha256}-")]

    def _own(self, sha256: str, fingerprint: str) -> Path:
        return self._folder / f"{sha256}-{_digest(fingerprint.encode())}"


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _packed(stretch: Stretch) -> bytes:
    """A stretch as the bytes of an ``.npz`` archive."""
    utterances = stretch.utterances
    state = {"state": dict(stretch.state), "stop": stretch.stop}
    arrays: dict[str, npt.NDArray[Any]] = {"state": np.frombuffer(json.dumps(state).encode(), np.uint8)}
    if utterances:
        arrays |= {
            "bounds": np.array([(one.start, one.stop, len(one.phrases)) for one in utterances], np.int64),
            "symbols": np.concatenate([one.posteriors.symbols for one in utterances]),
            "costs": np.concatenate([one.posteriors.costs for one in utterances]),
            "windows": np.concatenate([one.windows for one in utterances]).astype(np.float16),
            "phrases": np.concatenate([one.phrases.reshape(-1, 2) for one in utterances]).astype(np.int64),
            "manners": np.concatenate([one.manners for one in utterances]).astype(np.float16),
            "measures": np.concatenate([one.measures for one in utterances]).astype(np.float32),
        }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _read(path: Path) -> KeptStretch | None:
    """A stretch; ``None`` if the file is not what its name says."""
    try:
        data = path.read_bytes()
        if _digest(data) != path.name[5 : -len(SUFFIX)]:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        kept = json.loads(arrays["state"].tobytes())
        utterances = tuple(_utterances(arrays)) if "bounds" in arrays else ()
        return KeptStretch(utterances, dict(kept["state"]), int(kept["stop"]))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _utterances(arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[Utterance]:
    bounds = arrays["bounds"]
    frames = (bounds[:, 1] - bounds[:, 0]) // FRAME
    heard = _Parts(frames.tolist())
    windows = _Parts([len(window_grid(count)) for count in frames.tolist()])
    phrases = _Parts(bounds[:, 2].tolist())
    manners = _Parts((bounds[:, 2] + 1).tolist())
    if arrays["symbols"].shape != (heard.total, KEPT) or len(arrays["windows"]) != windows.total:
        raise ValueError("the parts of a stretch do not fit together")
    for at, (start, stop, _) in enumerate(bounds.tolist()):
        yield Utterance(
            start,
            stop,
            Posteriors(arrays["symbols"][heard[at]], arrays["costs"][heard[at]]),
            arrays["windows"][windows[at]].astype(np.float32),
            arrays["phrases"][phrases[at]],
            arrays["manners"][manners[at]].astype(np.float32),
            arrays["measures"][manners[at]],
        )


class _Parts:
    """Where each of several runs of rows stands in the array they were put together to."""

    def __init__(self, counts: Sequence[int]) -> None:
        self._ends = [0, *np.cumsum(counts).tolist()]
        self.total = self._ends[-1]

    def __getitem__(self, at: int) -> slice:
        return slice(self._ends[at], self._ends[at + 1])
