"""What each part of the character encoder is worth: trained alike without it, several seeds, one table.

    python tests/benchmarks/character_ablation.py --text BOOKS --lexicon CMUDICT --typed CROWDSPEECH [--steps 400]

Mean and standard deviation over the seeds, on words held out of training: misspellings that people typed and those that
the noise models make, found first among 6,000 words, and codes that lie nearer to a misprint of themselves than to
another code, in percent. The last column is the network's size.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from octavo.pipeline.encoders.character_network import CharacterShape, load_network
from octavo.pipeline.training.character import CharacterRecipe, train
from octavo.pipeline.training.spelling_pairs import read_material

WHOLE = CharacterShape()
VARIANTS = {
    "whole": (WHOLE, True),
    "without inception branches": (replace(WHOLE, widths=(5,), pooled=False), True),
    "without dilation": (replace(WHOLE, dilations=(1,)), True),
    "without the way back down": (replace(WHOLE, top_down=False), True),
    "single level": (replace(WHOLE, channels=WHOLE.channels[:1]), True),
    "without hard negatives": (WHOLE, False),
    "32 numbers": (replace(WHOLE, width=32), True),
}


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
        shape, hard = VARIANTS[name]
        rows = []
        size = 0
        for seed in range(1, options.seeds + 1):
            recipe = CharacterRecipe(
                steps=options.steps, batch=options.batch, warm_up=50, hard=hard, shape=shape, seed=seed
            )
            with TemporaryDirectory() as folder:
                loaded = load_network(train(material, Path(folder), recipe, device=options.device, every=options.steps))
            reached = json.loads(loaded.metadata["held out"])
            rows.append([100 * reached[one] for one in ("typed", "made", "codes")])
            size = sum(one.numel() for one in loaded.network.parameters())
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = " | ".join(f"{a:.1f} ± {b:.1f}" for a, b in zip(mean, spread, strict=True))
        print(f"| {name} | {cells} | {size:,} |", flush=True)


if __name__ == "__main__":
    main()
