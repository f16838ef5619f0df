"""Recordings of any container and codec that FFmpeg reads, to 16 kHz mono samples on disk.

Everything is streamed: a recording of ten hours takes no more memory than one of a minute.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from ..document import Flag, Source
from ..errors import DamagedSource, EmptySource, EncryptedSource, NoAudioTrack, SilentSource, UnsupportedSource
from ..recording import SAMPLE_RATE, Recording
from .audio_tags import metadata, track_name
from .audio_track import Track
from .media_structure import is_locked, missing_end
from .mono_writer import MAX_SAMPLES, MonoWriter, TooLong

HEADERLESS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "audio/GSM": ("gsm", {}),
    "audio/G722": ("g722", {}),
    "audio/PCMU": ("mulaw", {"sample_rate": "8000"}),
    "audio/PCMA": ("alaw", {"sample_rate": "8000"}),
    "audio/x-sln": ("sln", {}),
}
"""Formats of telephone exchanges without any header: FFmpeg must be told."""


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
                track = Track(container, stream, MonoWriter(out))
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
