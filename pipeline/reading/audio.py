"""Recordings of any container and codec that FFmpeg reads, to 16 kHz mono samples on disk.

Everything is streamed: a recording of ten hours takes no more memory than one of a minute.
"""

from __future__ import annotations

import io
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
from ..errors import DamagedSource, EmptySource, EncryptedSource, NoAudioTrack, SilentSource, UnsupportedSource
from ..recording import SAMPLE_RATE, Recording
from .audio_clock import FrameClock
from .audio_tags import metadata, track_name
from .byte_slip import ByteSlip
from .media_structure import is_locked, missing_end, states_length
from .mono_writer import MAX_SAMPLES, MonoWriter, Samples, TooLong

HEADERLESS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "audio/GSM": ("gsm", {}),
    "audio/G722": ("g722", {}),
    "audio/PCMU": ("mulaw", {"sample_rate": "8000"}),
    "audio/PCMA": ("alaw", {"sample_rate": "8000"}),
    "audio/x-sln": ("sln", {}),
}
"""Formats of telephone exchanges without any header: FFmpeg must be told."""

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


def read_audio(path: Path, source: Source, pcm: Path) -> Recording:
    """Decode the sound of a recording or video.

    The track is the default one, or the first; if that is empty or silent, the next.

    Args:
        path: The file.
        source: What the recording names as its origin.
        pcm: Where the samples are written; removed again if anything is raised.

    Raises:
        NoAudioTrack: There is no track of sound.
        SilentSource: Nothing above -60 dB of full scale.
        EmptySource: Not one sample.
        EncryptedSource: The sound is locked.
        UnsupportedSource: FFmpeg has no decoder for it, or it is longer than two days.
        DamagedSource: Nothing can be decoded.
    """
    try:
        return _read(path, source, pcm)
    except TooLong:
        pcm.unlink(missing_ok=True)
        hours = MAX_SAMPLES // SAMPLE_RATE // 3600
        raise UnsupportedSource(f"{source.uri}: longer than {hours} hours; split it") from None
    except BaseException:
        pcm.unlink(missing_ok=True)
        raise


def _read(path: Path, source: Source, pcm: Path) -> Recording:
    if is_locked(path):
        raise EncryptedSource(f"{source.uri}: its sound is encrypted; export it without copy protection")
    order: list[int] = []
    silent = False
    failed: EmptySource | DamagedSource | UnsupportedSource | None = None
    for attempt in range(64):
        with _File(path) as file, _open(file, path, source) as container:
            order = order or _order(container, source)
            if attempt == len(order):
                break
            stream = container.streams.audio[order[attempt]]
            with pcm.open("wb") as out:
                track = _Track(container, stream, MonoWriter(out))
                try:
                    track.decode()
                    track.writer.finish()
                    if not track.writer.samples:
                        track.explain(path, source)
                except (EmptySource, DamagedSource, UnsupportedSource) as error:
                    failed = failed or error
                    continue
            if track.writer.silent:
                silent = True
                continue
            flags = [*track.flags(path), *_other_tracks(container, order, attempt)]
            return Recording(
                source,
                track.writer.samples,
                track.clock.start_us,
                metadata(container.metadata, stream.metadata),
                tuple(flags),
                pcm,
                _format(container, stream, len(order)),
            )
    if silent or failed is None:
        raise SilentSource(f"{source.uri}: silent from beginning to end (nothing above -60 dB of full scale)")
    raise failed


class _File(io.FileIO):
    """A file for FFmpeg, which takes a negative number for a refusal but not an exception."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except OSError:  # a damaged header pointed before the beginning
            return -1


def _open(file: _File, path: Path, source: Source) -> InputContainer:
    """Open a file, and nothing else: playlists and references to other files lead nowhere."""
    name, options = HEADERLESS.get(source.media_type, (None, {}))
    try:
        return av.open(
            file,
            "r",
            format=name,
            container_options={"protocol_whitelist": "none", **options},
            metadata_errors="replace",
            buffer_size=1 << 18,
            io_open=_refuse,
        )
    except (FFmpegError, ValueError) as error:
        ending = missing_end(path)
        because = f"{ending}: it was cut short" if ending else f"{getattr(error, 'strerror', '') or error}"
        raise DamagedSource(f"{source.uri}: cannot be opened as {source.media_type} ({because})") from error


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError(f"{url}: a recording may not open other files")


def _order(container: InputContainer, source: Source) -> list[int]:
    """Positions of the audio tracks, the one to read first first.

    Raises:
        NoAudioTrack: There is none.
    """
    tracks = container.streams.audio
    if not tracks:
        kinds = ", ".join(sorted({stream.type for stream in container.streams}))
        raise NoAudioTrack(f"{source.uri}: " + (f"no track of sound, only {kinds}" if kinds else "no track at all"))
    return sorted(range(len(tracks)), key=lambda i: (not _is_default(tracks[i]), i))


def _is_default(stream: AudioStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.default)


def _other_tracks(container: InputContainer, order: list[int], chosen: int) -> list[Flag]:
    if len(order) == 1:
        return []
    names = [track_name(i + 1, container.streams.audio[i].metadata) for i in order]
    read = names.pop(chosen)
    return [Flag("several-tracks", f"read: {read}; not read: {'; '.join(names)}"[:1000])]


def _format(container: InputContainer, stream: AudioStream, tracks: int) -> str:
    context = stream.codec_context
    channels = {1: "mono", 2: "stereo"}.get(context.layout.nb_channels, f"{context.layout.nb_channels} channels")
    names = container.format.name.split(",")
    name = "mp4" if "mp4" in names else names[0]
    several = f", {tracks} tracks" if tracks > 1 else ""
    return f"{name}, {context.codec.canonical_name}, {context.sample_rate} Hz, {channels}{several}"


@dataclass(slots=True)
class _Track:
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
