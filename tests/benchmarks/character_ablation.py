"""What each part of the character encoder is worth: trained alike without it, several seeds, one table.

    python tests/benchmarks/character_ablation.py --text BOOKS --lexicon CMUDICT --typed CROWDSPEECH [--steps 400]

Mean and standard deviation over the seeds, on words held out of training: misspellings that people typed and those that
the noise models make, found first among 6,000 words, and codes that lie nearer to a misprint of themselves than to
another code, in percent. The last column is the network's size.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from octavo.pipeline.encoders.character_network import CharacterShape
from octavo.pipeline.training.character import CharacterRecipe, train_vectors
from octavo.pipeline.training.character_score import encode, score
from octavo.pipeline.training.spelling_pairs import SHARES, read_material

WHOLE = CharacterShape()
BY_EAR = ("respelt", "typed", "sounds alike")
ALL: tuple[str, ...] = tuple(SHARES)
VARIANTS = {
    "whole": (WHOLE, True, ALL),
    "48 channels": (replace(WHOLE, channels=48), True, ALL),
    "96 channels": (replace(WHOLE, channels=96), True, ALL),
    "without hard negatives": (WHOLE, False, ALL),
    "without pairs by ear": (WHOLE, True, tuple(kind for kind in ALL if kind not in BY_EAR)),
    "32 numbers": (replace(WHOLE, width=32), True, ALL),
    "16 numbers": (replace(WHOLE, width=16), True, ALL),
}
"""Shape, whether there are hard negatives, kinds of pairs."""


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--text", type=Path, action="append", required=True)
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--typed", type=Path, action="append", default=[])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    material = read_material(options.text, options.lexicon, options.typed)
    print("| variant | typed | made | codes | parameters |\n|---|---|---|---|---|", flush=True)
    for name in options.only or VARIANTS:
        shape, hard, kinds = VARIANTS[name]
        chosen = replace(material, shares={kind: SHARES[kind] for kind in kinds})
        rows = []
        size = 0
        for seed in range(1, options.seeds + 1):
            recipe = CharacterRecipe(
                steps=options.steps, batch=options.batch, warm_up=50, hard=hard, shape=shape, seed=seed
            )
            with TemporaryDirectory() as folder:
                made = train_vectors(chosen, Path(folder), recipe, device=options.device, every=options.steps)
            network = made.network
            reached = score(partial(encode, network), material, "held out")
            rows.append([100 * one for one in (reached.typed, reached.made, reached.codes)])
            size = sum(one.numel() for one in network.parameters())
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = " | ".join(f"{a:.1f} ± {b:.1f}" for a, b in zip(mean, spread, strict=True))
        print(f"| {name} | {cells} | {size:,} |", flush=True)


if __name__ == "__main__":
    main()
