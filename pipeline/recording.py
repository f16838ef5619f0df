"""What reading a recording gives: its sound as samples on disk, and how samples and file time relate.

Positions are half-open integers that count samples of mono sound at 16 kHz. Seconds are for people and are made at the
edge.
"""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from .document import Flag, Metadata, Source

SAMPLE_RATE: Final = 16_000
"""Samples a second, of every recording."""

SAMPLE_DTYPE: Final = np.dtype("<i2")
"""Of the samples on disk: 16 bits, little-endian, mono, without a header."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Recording:
    """A decoded recording, and the owner of the scratch file that holds its samples.

    A context manager. The file is removed by :meth:`close`, or when the recording is forgotten, or at exit.

    Attributes:
        samples: Length in samples.
        start_us: File time of the first sample in microseconds. Sample ``n`` stands at
            ``start_us / 1e6 + n / SAMPLE_RATE`` seconds; gaps between time stamps are silence among the samples.
        flags: What is missing or doubtful.
        pcm: The scratch file, see :data:`SAMPLE_DTYPE`.
        format: Container, codec, sample rate, channels and tracks of the file, for people.

    Raises:
        ValueError: There is no sample, the file time is negative, or the scratch file has another length.
    """

    source: Source
    samples: int
    start_us: int
    metadata: Metadata
    flags: tuple[Flag, ...]
    pcm: Path
    format: str = ""
    _remove: weakref.finalize[[Path], Recording] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"a recording of {self.samples} samples is none")
        if self.start_us < 0:
            raise ValueError(f"a recording begins at {self.start_us} µs, before its file does")
        try:
            size = self.pcm.stat().st_size
        except OSError as error:
            raise ValueError(f"the samples of {self.source.uri} are not at {self.pcm} ({error.strerror})") from error
        if size != self.samples * SAMPLE_DTYPE.itemsize:
            raise ValueError(f"{self.samples} samples, but {self.pcm} has {size:,} bytes, not 2 for each")
        object.__setattr__(self, "_remove", weakref.finalize(self, _unlink, self.pcm))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def seconds(self) -> float:
        """Length, for people."""
        return self.samples / SAMPLE_RATE

    @property
    def closed(self) -> bool:
        """Whether the samples are gone, or another's."""
        return not self._remove.alive

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Samples ``[start, stop)`` as numbers from -1 to just below 1.

        *Shape:* (stop - start,)

        Raises:
            ValueError: The span reaches out of the recording, or the recording is closed.
        """
        if not 0 <= start <= stop <= self.samples:
            raise ValueError(f"samples [{start}, {stop}) are not in a recording of {self.samples}")
        if self.closed:
            raise ValueError(f"the samples of {self.source.uri} were removed by close(); read the file again")
        with self.pcm.open("rb") as file:
            stored = np.fromfile(file, SAMPLE_DTYPE, stop - start, offset=start * SAMPLE_DTYPE.itemsize)
        if len(stored) != stop - start:
            raise ValueError(f"{self.pcm} was cut short while in use: {len(stored)} samples of {stop - start}")
        return stored.astype(np.float32) / np.float32(32768)

    def seconds_at(self, sample: int) -> float:
        """File time of a sample, or of the end, for people."""
        return self.start_us / 1e6 + sample / SAMPLE_RATE

    def close(self) -> None:
        """Remove the scratch file. Closing twice does no harm."""
        self._remove()

    def detach(self) -> None:
        """Give the scratch file up to another owner: it stays, and this recording counts as closed."""
        self._remove.detach()


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
