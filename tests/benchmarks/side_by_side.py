"""Two adjacent words asked of recordings without transcripts: each word by itself, and both as one keyword too.

    OMP_NUM_THREADS=1 python tests/benchmarks/side_by_side.py CORPUS [--others 300]

CORPUS is made by ``python -m octavo.pipeline.training.speech_corpus``. A knowledge base is made of its utterances by
people that training holds out and of ``--others`` that it does not; of each held-out one, two adjacent words that
carry meaning are asked. An utterance is right if its text has the two side by side.
"""

from __future__ import annotations

import argparse
import random
import re
import wave
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
from octavo import KnowledgeBase, cli
from octavo.indexes.sound import joined
from octavo.indexes.sound.calibration_fit import held_out
from octavo.indexes.sound.hearing import Hearing
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.pipeline.terms import query_stems
from octavo.pipeline.training.speech_corpus import SpeechCorpus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--others", type=int, default=300)
    options = parser.parse_args()
    corpus = SpeechCorpus(options.corpus)
    own = list(held_out(corpus))
    rest = sorted(set(range(len(corpus))) - set(own))
    others = np.random.default_rng(1).choice(rest, min(options.others, len(rest)), replace=False).tolist()
    said = {
        str(number): " ".join(re.findall("[a-z']+", corpus.utterances[number].text.lower())) for number in own + others
    }
    pairs = asked_pairs({name: said[name] for name in map(str, own)})
    with TemporaryDirectory() as folder:
        for name in said:
            with wave.open(f"{folder}/{name}.wav", "wb") as file:
                file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
                file.writeframes(corpus.pcm(int(name)).tobytes())
        assert cli.main(["ingest", folder, "--kb", f"{folder}/kb"]) == cli.DONE
        with KnowledgeBase.open(f"{folder}/kb") as base:
            apart, together = reciprocal_ranks(base, pairs, said, phrases=False), reciprocal_ranks(base, pairs, said)
    print(f"{len(pairs)} pairs of words, {len(said)} recordings\n\n| | MRR | first |\n|---|---|---|")
    for name, ranks in (("each by itself", apart), ("both as one, too", together)):
        print(f"| {name} | {ranks.mean():.3f} | {(ranks == 1).mean():.1%} |")
    print(f"\nbetter {(together > apart).sum()}, worse {(together < apart).sum()}")


def asked_pairs(said: Mapping[str, str]) -> list[str]:
    """Of each text two adjacent words of four letters and more that are no words of grammar, where it has such."""
    generator, found = random.Random(1), []
    for text in said.values():
        words = text.split()
        pairs = [" ".join(words[at : at + 2]) for at in range(len(words) - 1)]
        terms = [query_stems(pair, ["en"]) for pair in pairs]
        fit = [
            pair
            for pair, own in zip(pairs, terms, strict=True)
            if len(own) == 2 and all(len(term.text) > 3 and not term.stop_word for term in own)
        ]
        if fit:
            found.append(generator.choice(fit))
    return found


def reciprocal_ranks(
    base: KnowledgeBase, pairs: list[str], said: Mapping[str, str], *, phrases: bool = True
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Of the first right utterance for each pair, 0 where none is found. *Shape:* (pairs,)"""
    found = np.zeros(len(pairs))
    hearing = Hearing()
    as_one = joined.phrases if phrases else lambda words: []
    with base.snapshot() as snapshot, mock.patch.object(joined, "phrases", as_one):
        for at, pair in enumerate(pairs):
            heard = joined.listen_for(joined.listened_for(pair, snapshot), snapshot, hearing, k=10)
            names = [Path(snapshot.content(one.content, None).source.uri).stem for one in heard]
            right = [rank for rank, name in enumerate(names, 1) if pair in said[name]]
            found[at] = 1 / right[0] if right else 0.0
    return found


if __name__ == "__main__":
    main()
