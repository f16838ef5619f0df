"""Phone error rate of the speech encoder on speakers that it was not trained on.

    python tests/benchmarks/phones.py SPEECH [--weights FILE]

SPEECH holds ``timit_dev`` (hand-labelled phones of TIMIT, folded to the 39 of Lee and Hon, 1989) and ``dev`` with
``speechocean762_phones.txt`` beside it (canonical phones: a speaker's own errors count as errors of the encoder).
Greedy reading, no language model. The interval is a bootstrap over utterances.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.pipeline.phones import PHONES, phone_ids
from rapidfuzz.distance import Levenshtein

_FOLDED = {
    "ix": "ih", "ax": "ah", "ax-h": "ah", "axr": "er", "ux": "uw", "ao": "aa", "el": "l", "em": "m", "en": "n",
    "nx": "n", "eng": "ng", "zh": "sh", "hv": "hh",
    # Not one of CMUdict's phones: nearly always a t between vowels.
    "dx": "t",
    # Silences, closures and glottal stops: a closure belongs to the burst behind it, which is labelled as well.
    **dict.fromkeys(["pau", "epi", "h#", "q", "bcl", "dcl", "gcl", "pcl", "tcl", "kcl"], ""),
}  # fmt: skip
"""TIMIT's 61 symbols, and the two of ours that Lee and Hon fold (AO, ZH)."""


def folded(names: Sequence[str]) -> tuple[int, ...]:
    """Phones in the set in which errors are counted."""
    kept = [_FOLDED.get(name.lower(), name.lower()) for name in names]
    return phone_ids([name.upper() for name in kept if name])


def timit(speech: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Recordings and their phones."""
    for path in sorted((speech / "timit_dev").glob("*/*.phn")):
        yield path.with_suffix(".flac"), folded([line.split()[2] for line in path.read_text().splitlines()])


def speechocean(speech: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Recordings and their phones."""
    canonical: dict[str, list[str]] = {}
    for line in (speech / "speechocean762_phones.txt").read_text().splitlines():
        word, phones = line.split("\t")
        names = [phone.split("_")[0].rstrip("012") for phone in phones.split()]
        canonical.setdefault(word.partition(".")[0], []).extend(names)
    for line in (speech / "dev" / "manifest.jsonl").read_text().splitlines():
        path = Path(json.loads(line)["audio"])
        yield speech / "dev" / path, folded(canonical[path.stem.rpartition("-")[2]])


def error_rate(edits: npt.NDArray[np.int64], phones: npt.NDArray[np.int64]) -> str:
    """In percent, with a bootstrap interval of 95 %."""
    generator = np.random.default_rng(1)
    drawn = generator.integers(0, len(edits), (2000, len(edits)))
    rates = 100 * edits[drawn].sum(1) / phones[drawn].sum(1)
    low, high = np.percentile(rates, (2.5, 97.5))
    return f"{100 * edits.sum() / phones.sum():.1f} % ({low:.1f} to {high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("speech", type=Path)
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    for name, corpus in (("timit_dev", timit), ("dev", speechocean)):
        edits, phones = error_rates(corpus(arguments.speech), arguments.weights)
        rate = error_rate(edits, phones)
        print(f"{name}: {len(edits)} utterances, {phones.sum()} phones, phone error rate {rate}")


def error_rates(
    corpus: Iterable[tuple[Path, tuple[int, ...]]], weights: Path | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Edits and phones of each recording. *Shape:* (n,) twice."""
    read = reader(weights)
    pairs = [(Levenshtein.distance(said, read(path)), len(said)) for path, said in corpus]
    edits, phones = np.array(pairs, np.int64).T
    return edits, phones


def reader(weights: Path | None) -> Callable[[Path], tuple[int, ...]]:
    """Reads the phones of a recording, folded."""
    from octavo.pipeline.encoders.speech import WEIGHTS, SpeechEncoder
    from octavo.pipeline.reading import Reader
    from octavo.pipeline.recording import Recording

    encoder = SpeechEncoder(weights or WEIGHTS, "cpu")
    files = Reader()

    def read(path: Path) -> tuple[int, ...]:
        recording = files.read(path)
        assert isinstance(recording, Recording)
        with recording:
            utterances = [one for stretch in encoder.encode(recording) for one in stretch.utterances]
        best = [int(phone) for one in utterances for phone, _ in groupby(one.posteriors.symbols[:, 0]) if phone]
        return folded([PHONES[phone - 1] for phone in best])

    return read


if __name__ == "__main__":
    main()
