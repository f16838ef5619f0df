"""How far the prosodic measures can be trusted: F0 against Praat, articulation rate against transcripts, and speed.

    python tests/benchmarks/measures.py SPEECH LEXICON [--clips 300] [--phones] [--json]

SPEECH is a folder with ``manifest.jsonl`` (``audio``, ``speaker``, ``text``), LEXICON is CMUdict. Needs ``soundfile``
and ``praat-parselmouth`` (GPL; for this comparison only). With ``--phones`` the rate is taken from the phones of the
shipped speech encoder too.

Clips are spread over the speakers. F0: share of the frames voiced for both trackers in which they are within a
semitone. Rate: Pearson's r of syllables a second with those of the transcript, over the same spoken time. Speed: audio
seconds a second of CPU time, one thread.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from octavo.pipeline.encoders.prosody import ProsodyEncoder
from octavo.pipeline.phones import PHONES
from octavo.pipeline.training.lexicon import Lexicon, read_lexicon
from octavo.pipeline.voice.contour import FRAME, RATE, Contour, contour
from octavo.pipeline.voice.functionals import functionals
from octavo.pipeline.voice.fundamental import fundamental
from octavo.pipeline.voice.measures import MEASURES, Baseline, measures
from octavo.pipeline.voice.rhythm import pauses, speech_frames

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
RATE_AT = [measure.name for measure in MEASURES].index("rate")
VOWELS = {number for number, phone in enumerate(PHONES, 1) if phone[0] in "AEIOU"}


def clips(folder: Path, count: int) -> Iterator[tuple[Mapping[str, Any], Floats]]:
    """Clips spread over the speakers, as 16 kHz mono."""
    import soundfile
    import torch
    import torchaudio

    of: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        of.setdefault(entry["speaker"], []).append(entry)
    random = np.random.default_rng(0)
    queues = [[of[name][n] for n in random.permutation(len(of[name]))] for name in sorted(of)]
    rounds = [queue[n] for n in range(max(map(len, queues))) for queue in queues if n < len(queue)]
    for entry in rounds[:count]:
        samples, rate = soundfile.read(folder / entry["audio"], dtype="float32", always_2d=True)
        mono = torchaudio.functional.resample(torch.from_numpy(samples.mean(axis=1)), rate, SAMPLE_RATE)
        yield entry, np.ascontiguousarray(mono.numpy(), np.float32)


def praat(samples: Floats, frames: int) -> npt.NDArray[np.float64]:
    """F0 of the middle of each frame by Praat's autocorrelation, 0 where unvoiced."""
    import parselmouth

    pitch = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE).to_pitch_ac(
        time_step=0.01, pitch_floor=60, pitch_ceiling=600
    )
    middles = (np.arange(frames) * FRAME + FRAME / 2) / SAMPLE_RATE
    return np.nan_to_num(np.array([pitch.get_value_at_time(at) for at in middles], np.float64))


def syllables(text: str, lexicon: Lexicon) -> int | None:
    """Vowels of the words' first pronunciations; None if a word is unknown."""
    words = re.findall(r"[a-z']+", text.lower())
    if not words or re.search(r"\d", text) or any(word not in lexicon for word in words):
        return None
    return sum(phone in VOWELS for word in words for phone in lexicon[word][0])


def spoken_seconds(row: Contour) -> float:
    speech = speech_frames(row)
    at = np.flatnonzero(speech)
    return float(at[-1] + 1 - at[0] - np.diff(pauses(speech)).sum()) / RATE if len(at) else 0.0


def speeds(samples: Floats) -> dict[str, float]:
    """Times real time on one core, a stage at a time."""
    seconds = len(samples) / SAMPLE_RATE
    row = contour(samples)  # loads the tracker
    parts = [row.cut(slice(at, at + 3 * RATE)) for at in range(0, len(row), 3 * RATE)]
    rows = np.stack([functionals(part) for part in parts])
    encoder, baseline = ProsodyEncoder(), Baseline()
    stages: dict[str, Callable[[], object]] = {
        "F0": lambda: fundamental(samples),
        "F0, spectrum and level": lambda: contour(samples),
        "functionals of 3 s": lambda: [functionals(part) for part in parts],
        "measures of 3 s": lambda: [measures(part) for part in parts],
        "vectors": lambda: encoder.encode(rows, baseline),
    }
    found = {}
    for name, stage in stages.items():
        start = time.process_time()
        stage()
        found[name] = seconds / max(time.process_time() - start, 1e-9)
    return found


def rate_by_phones(samples: Sequence[Floats]) -> list[float]:
    """Rates by the shipped speech encoder, of the utterances that it finds in each clip."""
    from octavo.pipeline.encoders.speech import SpeechEncoder

    encoder = SpeechEncoder()
    found = []
    for one in samples:
        heard = encoder.hear(one)
        lengths = [utterance.stop - utterance.start for utterance in heard]
        rates = [float(utterance.measures[0, RATE_AT]) for utterance in heard]
        found.append(float(np.average(rates, weights=lengths)) if heard else float("nan"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path)
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--phones", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    lexicon = read_lexicon(options.lexicon)
    both = near = 0
    kept: list[Floats] = []
    reference, estimated = [], []
    for entry, samples in clips(options.speech, options.clips):
        row = contour(samples)
        other = praat(samples, len(row))
        voiced = (row.f0 > 0) & (other > 0)
        both += int(voiced.sum())
        near += int((np.abs(12 * np.log2(row.f0[voiced] / other[voiced])) <= 1).sum())
        count, seconds = syllables(entry["text"], lexicon), spoken_seconds(row)
        if count is not None and seconds > 1:
            kept.append(samples)
            reference.append(count / seconds)
            estimated.append(float(measures(row)[RATE_AT]))
    result: dict[str, float] = {
        "F0 within a semitone": near / max(both, 1),
        "frames voiced for both": both,
        "rate by level, r": float(np.corrcoef(reference, estimated)[0, 1]),
        "rate by level, mean over reference": float(np.mean(estimated) / np.mean(reference)),
        "clips with a reference rate": len(reference),
    }
    if options.phones:
        heard = np.array(rate_by_phones(kept))
        known = np.isfinite(heard)
        result["rate by phones, r"] = float(np.corrcoef(np.array(reference)[known], heard[known])[0, 1])
        result["rate by phones, mean over reference"] = float(heard[known].mean() / np.array(reference)[known].mean())
    whole = np.concatenate(kept)[: 60 * SAMPLE_RATE]
    result |= {f"{name}, times real time": speed for name, speed in speeds(whole).items()}
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:45s} {value:.3f}" if abs(value) < 10 else f"{name:45s} {value:.0f}")


if __name__ == "__main__":
    main()
