"""Makes small recordings."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from octavo.pipeline.document import Source
from octavo.pipeline.reading.audio import read_audio
from octavo.pipeline.recording import Recording

Sound = npt.NDArray[np.float32]
"""*Shape:* (samples,)"""

TONE = 440


def tone(seconds: float, rate: int, frequency: float = TONE, level: float = 0.5) -> Sound:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def chirp(seconds: float, rate: int) -> Sound:
    """A tone that rises from 200 to 2000 Hz, so that it matches itself at one offset alone."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 * times + 900 * times**2 / seconds))).astype(np.float32)


def write_wav(path: Path, channels: Sequence[Sound], rate: int) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.rint(np.stack(channels, 1) * 32767).astype("<i2").tobytes())
    return path


def write(
    path: Path,
    codec: str,
    tracks: Sequence[Sequence[Sound]],
    rate: int,
    *,
    stamps: Callable[[int], int | None] = lambda sample: sample,
    picture: bool = False,
    default: int | None = None,
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode tracks of channels of sound.

    Args:
        stamps: The time stamp, in samples, of the frame that begins with a sample; ``None`` leaves the frame out.
        picture: Whether a second of video comes along.
        default: The track that is marked as such.
    """
    with av.open(str(path), "w", options=options or {}) as out:
        out.metadata.update(tags or {})
        video = out.add_stream("mpeg4", rate=5, width=32, height=32) if picture else None
        streams = []
        for number, channels in enumerate(tracks):
            stream = cast(AudioStream, out.add_stream(codec, rate=rate, layout=_layout(channels)))
            stream.codec_context.format = _FORMATS.get(codec, stream.codec_context.format.name)
            if codec == "wmav2":
                stream.bit_rate = 128_000
            if default is not None:
                stream.disposition = av.stream.Disposition(av.stream.Disposition.default if number == default else 0)
            streams.append(stream)
        out.start_encoding()
        packets = list(_pictures(video)) if video else []
        for stream, channels in zip(streams, tracks, strict=True):
            packets += _encode(stream, channels, rate, stamps)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            out.mux(packet)
    return path


_FORMATS = {"wavpack": "s16p", "tta": "s16"}


def _layout(channels: Sequence[Sound]) -> str:
    return {1: "mono", 2: "stereo"}[len(channels)]


def _encode(
    stream: AudioStream, channels: Sequence[Sound], rate: int, stamps: Callable[[int], int | None]
) -> Iterator[Any]:
    size = stream.codec_context.frame_size or rate // 50
    form = stream.codec_context.format.name
    samples = np.stack(channels).astype(np.float32)
    for start in range(0, samples.shape[1], size):
        stamp = stamps(start)
        if stamp is None:
            continue
        part: npt.NDArray[Any] = samples[:, start : start + size]
        if form.startswith("s16"):
            part = np.rint(part * 32767).astype(np.int16)
        elif form.startswith("s32"):
            part = np.rint(part.astype(np.float64) * 2147483520).astype(np.int32)
        packed = part if form.endswith("p") else part.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format=form, layout=_layout(channels))
        frame.sample_rate, frame.pts, frame.time_base = rate, stamp, Fraction(1, rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _pictures(stream: VideoStream) -> Iterator[Any]:
    for _ in range(5):
        yield from stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24"))
    yield from stream.encode(None)


def source(path: Path, media_type: str = "audio/x-test") -> Source:
    return Source(str(path), media_type, "0" * 64)


def listen(path: Path, **arguments: Any) -> Recording:
    return read_audio(path, source(path, **arguments), path.with_name(path.name + ".pcm"))


def codes(recording: Recording) -> set[str]:
    return {flag.code for flag in recording.flags}


def lag(heard: Sound, meant: Sound, most: int = 3200) -> int:
    """By how many samples ``heard`` is late, by cross-correlation."""
    size = 1 << (len(heard) + len(meant)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    around = np.concatenate([product[-most:], product[:most]])
    return int(around.argmax()) - most
