"""What each part of the noisy channel is worth: trained alike without it, several seeds, one table.

    python tests/benchmarks/channel_ablation.py --text BOOKS --lexicon CMUDICT --typed CROWDSPEECH [--steps 300]

Mean and standard deviation over the seeds, on words held out of training: what a letter of a misspelling costs by the
channel, in nats, of those that people typed and of those that poor spellers would make; and the misspellings that
people typed, decided rightly among the 50 words that the shipped vectors propose of 6,000, in percent, with the
weights of the decision fitted for each channel. Without a channel: the other features decide alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from octavo.pipeline.encoders.learned_character import LearnedCharacterEncoder
from octavo.pipeline.encoders.spelling_channel import ChannelNetwork, ChannelShape, lost, said, spelled
from octavo.pipeline.training.character_score import decided, fit_likeness
from octavo.pipeline.training.lexicon import part_of
from octavo.pipeline.training.spelling_channel import ChannelRecipe, train_channel
from octavo.pipeline.training.spelling_pairs import SpellingMaterial, read_material

WHOLE = ChannelShape()
VARIANTS = {
    "whole": WHOLE,
    "without inception branches": replace(WHOLE, widths=(3,)),
    "without dilation": replace(WHOLE, dilations=((1,), (1,), (1,))),
    "one block": replace(WHOLE, dilations=((1, 2, 4),)),
    "no block": replace(WHOLE, dilations=()),
    "2 frames a letter": replace(WHOLE, frames=2),
    "64 channels": replace(WHOLE, channels=64),
}
_MADE = 1_000


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--text", type=Path, action="append", required=True)
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--typed", type=Path, action="append", default=[])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=160)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    material = read_material(options.text, options.lexicon, options.typed)
    vectors = LearnedCharacterEncoder()
    typed, made = material.kept["held out"], made_poorly(material)
    print(
        "| variant | typed, nats | made, nats | decided | parameters | ms a step |\n|---|---|---|---|---|---|",
        flush=True,
    )
    alone = 100 * decided(vectors.encode, fit_likeness(vectors.encode, None, material), material, "held out")
    print(f"| no channel | | | {alone:.1f} | 0 | |", flush=True)
    for name in options.only or VARIANTS:
        rows = []
        size = 0
        for seed in range(1, options.seeds + 1):
            recipe = ChannelRecipe(steps=options.steps, batch=options.batch, seed=seed, shape=VARIANTS[name])
            began = process_time()
            with TemporaryDirectory() as folder:
                network = train_channel(material, Path(folder), recipe, every=options.steps)
            took = 1000 * (process_time() - began) / options.steps
            likeness = fit_likeness(vectors.encode, network, material, recipe.fitted)
            right = 100 * decided(vectors.encode, likeness, material, "held out")
            rows.append([nats_a_letter(network, typed), nats_a_letter(network, made), right, took])
            size = sum(one.numel() for one in network.parameters())
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = [
            f"{a:.{digits}f} ± {b:.{digits}f}" for a, b, digits in zip(mean[:3], spread[:3], (3, 3, 1), strict=True)
        ]
        print(f"| {name} | {' | '.join(cells)} | {size:,} | {mean[3]:.0f} |", flush=True)


def made_poorly(material: SpellingMaterial) -> list[tuple[str, str]]:
    """Words held out, and what a poor speller makes of them."""
    chance = Random(5)
    words = [word for word in material.vocabulary if part_of(word) == "held out" and len(word) > 3]
    return [(word, material.poorly(word, chance)) for word in chance.choices(words, k=_MADE)]


def nats_a_letter(network: ChannelNetwork, pairs: Sequence[tuple[str, str]]) -> float:
    """Of what is written, by the channel; what it cannot write is left out."""
    import torch

    read = [(a, b) for a, b in ((spelled(word), spelled(written)) for word, written in pairs) if a and b]
    with torch.inference_mode():
        chances, frames = said(network, [word for word, _ in read])
        nats = lost(chances, frames, [written for _, written in read])
    kept = nats.isfinite()
    letters = sum(len(written) for (_, written), one in zip(read, kept.tolist(), strict=True) if one)
    return float(nats[kept].sum()) / letters


if __name__ == "__main__":
    main()
