"""One track of sound, packet by packet: what is damaged is left out, what is odd is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, NoReturn, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from ..document import Flag, Source
from ..errors import DamagedSource, EmptySource, UnsupportedSource
from ..recording import SAMPLE_RATE
from .audio_clock import FrameClock
from .byte_slip import ByteSlip
from .media_structure import missing_end, states_length
from .mono_writer import MonoWriter, Samples

_OWN_CLOCK: Final = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "loas", "ogg", "mpegts", "mpeg", "flv", "amr"})
"""Containers whose first time stamp means nothing: encoder delay, or a broadcaster's clock."""

_EXACT: Final = frozenset({"wav", "w64", "aiff", "caf", "flac", "mov", "ape", "tta", "wv", "tak", "asf", "au", "mpc"})
"""Containers that state how much sound they hold, and mean it."""

_PRIMING_US: Final = 100_000
_MISSING_US: Final = 100_000
_FAILURES: Final = 64
"""Reads in a row that may fail before a file counts as ended."""

_LOWEST_RATE: Final = 2_000
_FLOATS: Final = {"flt": "f4", "fltp": "f4", "dbl": "f8", "dblp": "f8"}
_LOUDEST: Final = 1e6
"""Numbers above are damage, not sound; they would overflow in the resampler."""


@dataclass(slots=True)
class Track:
    """One pass over one audio track."""

    container: InputContainer
    stream: AudioStream
    writer: MonoWriter
    clock: FrameClock = field(default_factory=FrameClock)
    slip: ByteSlip = field(default_factory=ByteSlip)
    packets: int = 0
    damaged: int = 0
    last_failed: bool = False
    last_cut: bool = False
    first_damaged_us: int = 0
    non_finite: int = 0
    error: str = ""
    _origin_us: int | None = None
    _resampler: AudioResampler | None = None
    _layout: tuple[str, str, int] = ("", "", 0)

    def decode(self) -> None:
        """Decode it all.

        Raises:
            UnsupportedSource: There is no decoder for it.
            TooLong: See :class:`MonoWriter`.
        """
        context = cast("av.CodecContext | None", self.stream.codec_context)
        if context is None:
            raise UnsupportedSource(f"{self.container.name}: FFmpeg has no decoder for its track of sound")
        context.thread_count = 1
        for packet in self._demux():
            if packet.size:  # not the one that asks the decoder for what it still holds
                self.last_failed, self.last_cut = False, packet.is_corrupt
            try:
                for frame in packet.decode():
                    self._add(frame)
            except EOFError:
                break
            except (FFmpegError, ValueError) as error:
                self._note_damage(error)
        self._end_resampler()

    def explain(self, path: Path, source: Source) -> NoReturn:
        """Say why there is no sample.

        Raises:
            DamagedSource: Packets, but none could be decoded.
            EmptySource: No packets.
        """
        if self.damaged:
            raise DamagedSource(
                f"{source.uri}: none of its packets of {self._codec()} can be read and decoded ({self.error})"
            )
        stated = _microseconds(self.stream.duration, self.stream.time_base)
        ending = missing_end(path) or (f"{stated / 1e6:.1f} s are announced" if stated and stated > _MISSING_US else "")
        raise EmptySource(f"{source.uri}: it holds no sound" + (f" ({ending}: it was cut short)" if ending else ""))

    def flags(self, path: Path) -> list[Flag]:
        """What was met."""
        flags = [*self.clock.flags(), *self.writer.flags]
        if self.damaged > self.last_failed:  # a last one that fails is an incomplete one
            at = self.first_damaged_us / 1e6
            detail = f"{self.damaged} of {self.packets} packets could not be decoded, the first at {at:.1f} s"
            flags.append(Flag("damaged-packets", f"{detail} ({self.error})"))
        if self.slip.lost:
            detail = f"{self.slip.lost} bytes were lost, as if line ends had been converted; samples are in step again"
            flags.append(Flag("bytes-lost", detail))
        if self.non_finite:
            flags.append(Flag("non-finite", f"{self.non_finite} samples were no numbers; they read as 0"))
        if ending := self._ending(path):
            flags.append(Flag("truncated", ending))
        return flags

    def _ending(self, path: Path) -> str:
        """How the recording ends too early; empty where it does not."""
        name = self.container.format.name.partition(",")[0]
        if name in _EXACT or (name == "mp3" and states_length(path)):
            stated = _microseconds(self.stream.duration, self.stream.time_base)
            start = max(0, _microseconds(self.stream.start_time, self.stream.time_base) or 0)
            held = self.clock.now_us - self.clock.start_us
            if stated and stated - start - held > _MISSING_US and stated - self.clock.now_us > _MISSING_US:
                return f"{stated / 1e6:.1f} s are announced, {held / 1e6:.1f} s are there"
        if ending := missing_end(path):
            return ending
        return "its last packet is incomplete" if self.last_failed or self.last_cut else ""

    def _demux(self) -> Iterator[Packet[AudioStream]]:
        failures = 0
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, EOFError):
                return
            except (FFmpegError, ValueError) as error:
                self._note_damage(error)
                failures += 1
                if failures > _FAILURES:
                    return
                packets = self.container.demux(self.stream)
                continue
            except IndexError:
                self._note_damage(ValueError("of a track that was never announced"))
                packets = self.container.demux(self.stream)
                continue
            if packet.size:
                failures = 0
                self.packets += 1
            yield packet

    def _note_damage(self, error: Exception) -> None:
        if not self.damaged:
            self.first_damaged_us = self.clock.now_us
        self.damaged += 1
        self.last_failed = True
        self.error = str(getattr(error, "strerror", "") or error)

    def _add(self, frame: AudioFrame) -> None:
        if not frame.samples:
            return
        if frame.sample_rate < _LOWEST_RATE:
            raise ValueError(f"{frame.sample_rate} samples a second")
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        if layout != self._layout:
            self._end_resampler()
            self._layout = layout
        stamp = _microseconds(frame.pts, frame.time_base or self.stream.time_base)
        if self._origin_us is None:
            self._origin_us = self._origin(stamp)
        begin = self.clock.place(None if stamp is None else stamp - self._origin_us, frame.samples, frame.sample_rate)
        if begin is not None:
            self._end_resampler()
            self.writer.go_to(round(begin * SAMPLE_RATE / 1e6))
        if (dtype := _FLOATS.get(layout[0])) is not None:
            self._replace_non_finite(frame, dtype)
        if self._in_bytes_of_16(frame):
            frame = self._mended(frame)
        frame.pts = None
        if self._resampler is None:
            self._begin_resampler(frame)
        else:
            self._write(self._resampler.resample(frame))

    def _in_bytes_of_16(self, frame: AudioFrame) -> bool:
        """Whether the file's bytes are samples of 16 bits one after another, so that a lost byte shifts them all."""
        lossless = self.stream.codec_context.codec.canonical_name in ("pcm_s16le", "flac")
        return lossless and frame.layout.nb_channels == 1 and frame.format.name in ("s16", "s16p")

    def _mended(self, frame: AudioFrame) -> AudioFrame:
        sound = cast(Samples, frame.to_ndarray()).reshape(-1)
        mended = self.slip.mend(sound)
        if mended is sound:
            return frame
        made = AudioFrame(format=frame.format.name, layout=frame.layout, samples=len(mended))
        made.planes[0].update(mended.tobytes().ljust(made.planes[0].buffer_size, b"\0"))
        made.sample_rate, made.time_base = frame.sample_rate, frame.time_base
        return made

    def _begin_resampler(self, frame: AudioFrame) -> None:
        # Not straight from two channels to one: they may cancel out, and that must be seen.
        layouts = ["stereo"] if frame.layout.nb_channels == 2 else ["mono", frame.layout.name]
        for layout in layouts:
            resampler = AudioResampler(format="s16", layout=layout, rate=SAMPLE_RATE)
            try:
                self._write(resampler.resample(frame))
            except FFmpegError:  # FFmpeg cannot mix channels of unknown position; ours are averaged in _write
                if layout is layouts[-1]:
                    raise
            else:
                self._resampler = resampler
                return

    def _origin(self, stamp: int | None) -> int:
        """The time stamp that is time zero."""
        name = self.container.format.name.partition(",")[0]
        alone = not any(
            stream.type == "video" and not stream.disposition & av.stream.Disposition.attached_pic
            for stream in self.container.streams
        )
        if name in _OWN_CLOCK:
            start = stamp if alone else self.container.start_time
            return start or 0
        # FFmpeg takes the encoder's delay off by a tag of iTunes, and the first block of WMA, and does not move the
        # time stamps behind them. (The length that Microsoft's encoder states agrees; FFmpeg's own WMA is then 46 ms
        # early.)
        if stamp is not None and alone and name in ("mov", "asf") and 0 < stamp < _PRIMING_US:
            return stamp
        return 0

    def _replace_non_finite(self, frame: AudioFrame, dtype: str) -> None:
        channels = 1 if frame.format.is_planar else frame.layout.nb_channels
        for plane in frame.planes:
            values = np.frombuffer(memoryview(plane), dtype, frame.samples * channels)
            if not np.abs(values).max() <= _LOUDEST:  # also where it is no number
                bad = ~(np.abs(values) <= _LOUDEST)
                self.non_finite += int(bad.sum())
                plane.update(np.where(bad, 0, values).astype(dtype).tobytes().ljust(plane.buffer_size, b"\0"))

    def _end_resampler(self) -> None:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            try:
                self._write(resampler.resample(None))
            except (FFmpegError, EOFError) as error:
                self._note_damage(error)

    def _write(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            sound = cast(Samples, frame.to_ndarray()).reshape(frame.samples, -1)
            if sound.shape[1] > 2:
                sound = np.rint(sound.mean(axis=1, keepdims=True)).astype(np.int16)
            self.writer.add(sound)

    def _codec(self) -> str:
        return self.stream.codec_context.codec.canonical_name


def _microseconds(stamp: int | None, time_base: Fraction | None) -> int | None:
    if stamp is None or time_base is None:
        return None
    return stamp * time_base.numerator * 1_000_000 // time_base.denominator
