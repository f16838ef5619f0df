"""Recordings of many containers and codecs become 16 kHz mono, at the right times, or say why not."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from octavo.pipeline import errors
from octavo.pipeline.reading import identify, read_document, read_in_process
from octavo.pipeline.reading.mono_writer import MAX_SAMPLES
from octavo.pipeline.recording import SAMPLE_RATE, Recording

from .audio_world import Sound, chirp, codes, lag, listen, tone, write, write_wav

LOSSLESS = [
    ("a.wav", "pcm_s16le", 16000, 1),
    ("a.wav", "pcm_s16le", 8000, 1),
    ("a.wav", "pcm_s24le", 44100, 2),
    ("a.wav", "pcm_f32le", 48000, 2),
    ("a.aiff", "pcm_s16be", 22050, 1),
    ("a.au", "pcm_s16be", 11025, 2),
    ("a.caf", "pcm_s16le", 44100, 1),
    ("a.w64", "pcm_s16le", 32000, 1),
    ("a.flac", "flac", 44100, 2),
    ("a.m4a", "alac", 44100, 2),
    ("a.mkv", "flac", 48000, 1),
    ("a.mov", "pcm_s16le", 48000, 2),
    ("a.wv", "wavpack", 44100, 2),
    ("a.tta", "tta", 44100, 2),
]

LOSSY = [
    ("a.ogg", "libopus", 48000, 1),
    ("a.ogg", "libopus", 48000, 2),
    ("a.webm", "libopus", 48000, 2),
    ("a.mka", "libopus", 48000, 1),
    ("a.mp3", "libmp3lame", 44100, 2),
    ("a.mp3", "libmp3lame", 16000, 1),
    ("a.mkv", "libmp3lame", 44100, 1),
    ("a.m4a", "aac", 44100, 2),
    ("a.mp4", "aac", 48000, 1),
    ("a.aac", "aac", 44100, 2),
    ("a.ts", "aac", 48000, 2),
    ("a.ac3", "ac3", 48000, 2),
    ("a.wma", "wmav2", 44100, 2),
    ("a.mp2", "mp2", 44100, 2),
    ("a.amr", "libopencore_amrnb", 8000, 1),
    ("a.wav", "pcm_mulaw", 8000, 1),
    ("a.wav", "pcm_alaw", 8000, 1),
    ("a.wav", "adpcm_ima_wav", 22050, 1),
]


@pytest.mark.parametrize(("name", "codec", "rate", "channels"), LOSSLESS)
def test_lossless_sound_comes_back(tmp_path: Path, name: str, codec: str, rate: int, channels: int) -> None:
    path = write(tmp_path / name, codec, [[chirp(2, rate)] * channels], rate)
    with listen(path) as recording:
        assert (recording.samples, recording.start_us, recording.flags) == (2 * SAMPLE_RATE, 0, ())
        heard, meant = recording.read(0, recording.samples), chirp(2, SAMPLE_RATE)
        # Within one step of 16 bits where nothing was resampled; the resampler cuts its edges, and ripples.
        inner = slice(200, -200)
        assert np.abs(heard - meant)[inner].max() < (2 / 32768 if rate == SAMPLE_RATE else 0.01)
        assert f"{rate} Hz" in recording.format


@pytest.mark.parametrize(("name", "codec", "rate", "channels"), LOSSY)
def test_lossy_sound_is_where_it_was(tmp_path: Path, name: str, codec: str, rate: int, channels: int) -> None:
    path = write(tmp_path / name, codec, [[chirp(2, rate)] * channels], rate)
    assert identify(path).media_type.startswith(("audio/", "video/"))
    with listen(path) as recording:
        assert recording.flags == ()
        assert abs(recording.seconds - 2) < 0.12  # coders of frames pad the last
        heard, meant = recording.read(0, recording.samples), chirp(2, SAMPLE_RATE)
        shift = lag(heard, meant)
        late = recording.start_us / 1e6 + shift / SAMPLE_RATE
        # These have no place to tell the encoder's delay in.
        told = name not in ("a.aac", "a.ts", "a.ac3", "a.mp2", "a.amr", "a.wma")
        assert abs(late) <= (0.001 if told else 0.05)
        heard, meant = heard[max(0, shift) :], meant[max(0, -shift) :]
        length = min(len(heard), len(meant))
        assert np.corrcoef(heard[:length], meant[:length])[0, 1] > 0.9


def test_frequency_and_length_of_a_tone(tmp_path: Path) -> None:
    with listen(write_wav(tmp_path / "a.wav", [tone(3, 44100)], 44100)) as recording:
        sound = recording.read(SAMPLE_RATE, 2 * SAMPLE_RATE)
        assert int(np.abs(np.fft.rfft(sound)).argmax()) == 440
        assert np.abs(sound).max() == pytest.approx(0.5, abs=0.005)
        assert recording.seconds == 3


def test_two_channels_are_averaged(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", [tone(2, 16000, 440), tone(2, 16000, 1000)], 16000)
    with listen(path) as recording:
        meant = (tone(2, 16000, 440) + tone(2, 16000, 1000)) / 2
        assert np.abs(recording.read(0, 32000) - meant).max() < 2 / 32768
        assert recording.flags == ()


def test_channels_of_opposite_phase_do_not_cancel(tmp_path: Path) -> None:
    with listen(write_wav(tmp_path / "a.wav", [tone(2.5, 16000), -tone(2.5, 16000)], 16000)) as recording:
        assert codes(recording) == {"opposite-phase"}
        assert np.abs(recording.read(0, 40000) - tone(2.5, 16000)).max() < 2 / 32768


def test_phase_that_changes_half_way_is_followed(tmp_path: Path) -> None:
    left = tone(6, 16000)
    right = np.concatenate([left[:48000], -left[48000:]])
    with listen(write_wav(tmp_path / "a.wav", [left, right], 16000)) as recording:
        loudness = [np.abs(recording.read(16000 * i, 16000 * (i + 1))).max() for i in range(6)]
        assert loudness == pytest.approx([0.5] * 6, abs=0.001)


def test_one_silent_channel_is_no_opposite_phase(tmp_path: Path) -> None:
    with listen(write_wav(tmp_path / "a.wav", [tone(2, 16000), 0 * tone(2, 16000)], 16000)) as recording:
        assert recording.flags == ()


@pytest.mark.parametrize("channels", [3, 6, 8, 11])
def test_more_channels_than_two(tmp_path: Path, channels: int) -> None:
    path = write_wav(tmp_path / "a.wav", [tone(2, 16000, level=0.2)] * channels, 16000)
    with listen(path) as recording:
        sound = recording.read(0, 16000)
        assert int(np.abs(np.fft.rfft(sound)).argmax()) == 440
        assert np.abs(sound).max() == pytest.approx(0.2, abs=0.03)
        assert recording.flags == ()


def test_rate_and_channels_that_change_half_way(tmp_path: Path) -> None:
    first = write(tmp_path / "a.mp3", "libmp3lame", [[tone(2, 44100)] * 2], 44100, options={"write_xing": "0"})
    second = write(tmp_path / "b.mp3", "libmp3lame", [[tone(2, 22050)]], 22050, options={"write_xing": "0"})
    both = tmp_path / "both.mp3"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    with listen(both) as recording:
        assert abs(recording.seconds - 4) < 0.3
        for at in (1.0, 3.0):
            sound = recording.read(round(at * SAMPLE_RATE), round((at + 0.5) * SAMPLE_RATE))
            assert abs(int(np.abs(np.fft.rfft(sound)).argmax()) * 2 - 440) <= 2


def test_video_gives_its_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", "libopus", [[tone(2, 48000)]], 48000, picture=True)
    with listen(path) as recording:
        assert abs(recording.seconds - 2) < 0.05
        assert abs(recording.start_us) < 10_000


def test_video_without_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", "libopus", [], 48000, picture=True)
    with pytest.raises(errors.NoAudioTrack, match="only video") as caught:
        listen(path)
    assert caught.value.code == "no-audio"


def test_the_default_track_is_taken_and_the_others_named(tmp_path: Path) -> None:
    tracks = [[tone(2, 48000, 300)], [tone(2, 48000, 1000)]]
    for default, frequency in ((0, 300), (1, 1000)):
        with listen(write(tmp_path / "a.mka", "libopus", tracks, 48000, default=default)) as recording:
            assert int(np.abs(np.fft.rfft(recording.read(8000, 24000))).argmax()) == frequency
            assert codes(recording) == {"several-tracks"}
            assert f"read: track {default + 1}" in recording.flags[0].detail
            assert f"not read: track {2 - default}" in recording.flags[0].detail
            assert "2 tracks" in recording.format


def test_a_silent_first_track_is_passed_over(tmp_path: Path) -> None:
    tracks = [[0 * tone(2, 48000)], [tone(2, 48000)]]
    with listen(write(tmp_path / "a.mka", "flac", tracks, 48000)) as recording:
        assert "read: track 2" in recording.flags[0].detail


def test_time_begins_where_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mka", "flac", [[tone(2, 48000)]], 48000, stamps=lambda n: n + 72_000)
    with listen(path) as recording:
        assert abs(recording.start_us - 1_500_000) <= 1000
        assert recording.seconds_at(SAMPLE_RATE) == pytest.approx(2.5, abs=0.001)


def test_gaps_are_filled_with_silence(tmp_path: Path) -> None:
    sound = chirp(4, 48000)
    path = write(tmp_path / "a.mka", "flac", [[sound]], 48000, stamps=lambda n: n if n < 96_000 else n + 36_000)
    with listen(path) as recording:
        assert codes(recording) == {"gap-filled"}
        assert "one gap" in recording.flags[0].detail
        assert "0.75 s" in recording.flags[0].detail
        assert abs(recording.samples - 4.75 * SAMPLE_RATE) <= 16
        heard, meant = recording.read(0, recording.samples), chirp(4, SAMPLE_RATE)
        cut = int(np.flatnonzero(heard == 0)[0]) if (heard == 0).any() else 0
        assert cut > 0
        late = heard[-SAMPLE_RATE:]
        assert abs(lag(late, meant[-SAMPLE_RATE:])) <= 16


def test_jumps_are_reported_and_not_followed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mka",
        "flac",
        [[tone(4, 48000)]],
        48000,
        stamps=lambda n: n + 480_000 + (48_000 * 7200 if n >= 96_000 else 0),
    )
    with listen(path) as recording:
        assert codes(recording) == {"timestamp-jump"}
        assert recording.flags[0].detail.startswith("at 12.0")
        assert abs(recording.seconds - 4) < 0.01
        assert recording.start_us == 10_000_000


def test_numbers_that_are_none_read_as_zero(tmp_path: Path) -> None:
    sound = tone(2, 16000)
    sound[100:110] = np.nan
    sound[200] = np.inf
    sound[300] = -1e30
    with listen(_float_wav(tmp_path / "a.wav", sound, 16000)) as recording:
        assert [(flag.code, flag.detail[:3]) for flag in recording.flags] == [("non-finite", "12 ")]
        heard = recording.read(0, recording.samples)
        assert not heard[100:110].any()
        assert not heard[[200, 300]].any()
        meant = tone(2, 16000)
        assert np.abs(heard - meant)[400:].max() < 2 / 32768


def test_nothing_but_nan_is_silent(tmp_path: Path) -> None:
    with pytest.raises(errors.SilentSource):
        listen(_float_wav(tmp_path / "a.wav", np.full(16000, np.nan, np.float32), 16000))


def _float_wav(path: Path, sound: Sound, rate: int) -> Path:
    data = sound.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, rate, 4 * rate, 4, 32)
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    return path


def test_silence_has_a_code(tmp_path: Path) -> None:
    for level in (0.0, 0.0009):
        with pytest.raises(errors.SilentSource, match="-60 dB") as caught:
            listen(write_wav(tmp_path / "a.wav", [tone(2, 16000, level=level)], 16000))
        assert caught.value.code == "silent"
        assert not (tmp_path / "a.wav.pcm").exists()
    with listen(write_wav(tmp_path / "a.wav", [tone(2, 16000, level=0.002)], 16000)) as recording:
        assert recording.samples == 32000


def test_a_header_alone_is_empty(tmp_path: Path) -> None:
    with pytest.raises(errors.EmptySource, match="holds no sound") as caught:
        listen(write_wav(tmp_path / "a.wav", [tone(0, 16000)], 16000))
    assert caught.value.code == "empty"


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.aiff", "pcm_s16be"),
        ("a.flac", "flac"),
        ("a.mp3", "libmp3lame"),
        ("a.ogg", "libopus"),
        ("a.mka", "flac"),
        ("a.wma", "wmav2"),
        ("a.wv", "wavpack"),
        ("a.caf", "pcm_s16le"),
    ],
)
def test_files_that_end_early(tmp_path: Path, name: str, codec: str) -> None:
    whole = write(tmp_path / name, codec, [[tone(4, 48000)]], 48000)
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with listen(cut) as recording:
        assert "truncated" in codes(recording)
        assert 1.5 < recording.seconds < 3


def test_a_last_packet_that_is_incomplete(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.amr", "libopencore_amrnb", [[tone(2, 8000)]], 8000)
    with listen(whole) as recording:
        assert recording.flags == ()
    cut = tmp_path / "cut.amr"
    cut.write_bytes(whole.read_bytes()[:-7])
    with listen(cut) as recording:
        assert codes(recording) == {"truncated"}


def test_mp4_that_ends_early(tmp_path: Path) -> None:
    sound = [[tone(4, 48000)]]
    whole = write(tmp_path / "a.mp4", "aac", sound, 48000, options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with listen(cut) as recording:
        assert "truncated" in codes(recording)
    whole = write(tmp_path / "b.mp4", "aac", sound, 48000)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(errors.DamagedSource, match="cut short"):
        listen(cut)


def test_damaged_packets_cost_no_more_than_themselves(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mka", "flac", [[chirp(8, 16000)]], 16000)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    start = len(data) // 2
    data[start : start + 3000] = rng.integers(0, 256, 3000, np.uint8).tobytes()
    path.write_bytes(data)
    with listen(path) as recording:
        assert codes(recording) & {"damaged-packets", "gap-filled"}
        assert abs(recording.seconds - 8) < 0.05
        heard, meant = recording.read(0, recording.samples), chirp(8, 16000)
        assert np.abs(heard - meant)[:32000].max() < 2 / 32768
        assert abs(lag(heard[-32000:], meant[-32000:])) <= 16


def test_noise_under_a_known_header_is_damaged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, head in (("a.flac", b"fLaC"), ("a.ogg", b"OggS\0\2"), ("a.mp4", b"\0\0\0\x20ftypisom")):
        path = tmp_path / name
        path.write_bytes(head + rng.integers(0, 256, 20_000, np.uint8).tobytes())
        with pytest.raises(errors.SourceError) as caught:
            listen(path)
        assert caught.value.code in ("damaged", "empty", "no-audio")


def test_copy_protection_has_a_code(tmp_path: Path) -> None:
    path = write(tmp_path / "a.m4a", "aac", [[tone(1, 48000)]], 48000)
    data = path.read_bytes()
    assert data.count(b"mp4a") == 1
    for entry in (b"drms", b"enca", b"aavd"):
        (tmp_path / "b.m4a").write_bytes(data.replace(b"mp4a", entry))
        with pytest.raises(errors.EncryptedSource, match="copy protection"):
            listen(tmp_path / "b.m4a")
    path = write(tmp_path / "a.wma", "wmav2", [[tone(1, 48000)]], 48000)
    guid = bytes.fromhex("FBB31122 23BD D211 B4B7 00A0C955FC6E")
    data = path.read_bytes()
    (tmp_path / "b.wma").write_bytes(data[:30] + guid + data[30:])
    with pytest.raises(errors.EncryptedSource):
        listen(tmp_path / "b.wma")


def test_an_unknown_codec_has_a_code(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mka", "flac", [[tone(1, 48000)]], 48000)
    path.write_bytes(path.read_bytes().replace(b"A_FLAC", b"A_FLOC"))
    with pytest.raises(errors.UnsupportedSource, match="no decoder"):
        listen(path)


def test_days_of_silence_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mka", "flac", [[tone(4, 48000)]], 48000, stamps=lambda n: n + n // 4800 * 48_000 * 3500)
    with listen(path) as recording:  # gaps of less than an hour, until there is half a day of them
        assert codes(recording) == {"gap-filled", "timestamp-jump"}
        assert recording.seconds < 12.1 * 3600 < MAX_SAMPLES / SAMPLE_RATE
        assert recording.pcm.stat().st_blocks * 512 < 10_000_000


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    tags = {"title": "A  call", "artist": "Ann", "date": "2024-05-06"}
    with listen(write(tmp_path / "a.flac", "flac", [[tone(1, 44100)]], 44100, tags=tags)) as recording:
        metadata = recording.metadata
        assert (metadata.title, metadata.author, metadata.created) == ("A call", "Ann", "2024-05-06")
        assert recording.format == "flac, flac, 44100 Hz, mono"


def test_no_other_file_is_opened(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", [tone(1, 16000)], 16000)
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n"
    script = f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n"
    for text in (listed, script, f"ID3\x03\0\0\0\0\0\0{listed}"):
        path = tmp_path / "list.mp3"
        path.write_text(text)
        with pytest.raises(errors.SourceError):
            listen(path)


def test_telephone_formats_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", "pcm_mulaw", [[tone(2, 8000)]], 8000)
    with av.open(str(path)) as container:
        raw = b"".join(bytes(packet) for packet in container.demux(audio=0))
    bare = tmp_path / "a.ulaw"
    bare.write_bytes(raw)
    found = read_in_process(bare)
    assert isinstance(found, Recording)
    with found:
        assert found.samples == 2 * SAMPLE_RATE
        assert int(np.abs(np.fft.rfft(found.read(0, 16000))).argmax()) == 440


def test_a_recording_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(errors.UnsupportedSource, match="a recording"):
        read_document(write_wav(tmp_path / "a.wav", [tone(1, 16000)], 16000))
