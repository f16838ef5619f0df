"""What each part of the text pyramid is worth: trained alike without it, several seeds, one table.

    python tests/benchmarks/text_ablation.py --data BOOKS --states DIR [--steps 300]

DIR is where the transformer's states of the books are kept (the --out of an earlier ``octavo train text`` will do).
Mean and standard deviation over the seeds of the mean reciprocal rank of what answers a question among all of its book,
on books held out of training, in percent: by scale at full width, then the mean over scales at each width.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from octavo.pipeline.encoders.text_pyramid import load_pyramid
from octavo.pipeline.training.text import TextRecipe, TextScore, score, train
from octavo.pipeline.training.text_material import TextMaterial, read_material

WHOLE = TextRecipe()
VARIANTS = {
    "whole pyramid": WHOLE,
    "without the small network": replace(WHOLE, channels=1),
    "without losses at every scale": replace(WHOLE, scales=False),
    "without the teacher": replace(WHOLE, teacher=0.0),
}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--states", type=Path, required=True)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    material = read_material(options.data, options.model, options.states, device=options.device)
    plain = score(material.pyramid(WHOLE.shape(material.shape)), material, "held out")
    print("| variant | " + " | ".join([*plain.scales, *(f"{width} numbers" for width in plain.widths)]) + " |")
    print("|---" * (1 + len(plain.scales) + len(plain.widths)) + "|", flush=True)
    print(row("plain pooling, turned to its principal axes", [plain]), flush=True)
    print(row("plain pooling, cut off as it is", [unturned(material)]), flush=True)
    for name in options.only or VARIANTS:
        reached = []
        for seed in range(1, options.seeds + 1):
            recipe = replace(VARIANTS[name], steps=options.steps, seed=seed)
            with TemporaryDirectory() as folder:
                path = train(material, Path(folder), recipe, device=options.device, every=options.steps)
                told = json.loads(load_pyramid(path).metadata["held out"])
            reached.append(TextScore(told["scales"], {int(width): one for width, one in told["widths"].items()}))
        print(row(name, reached), flush=True)


def unturned(material: TextMaterial) -> TextScore:
    """Plain pooling in the transformer's own coordinates."""
    axes = replace(material, turn=np.eye(material.shape.width, dtype=np.float32))
    return score(axes.pyramid(WHOLE.shape(material.shape)), material, "held out")


def row(name: str, reached: list[TextScore]) -> str:
    """A row of the table."""
    rows = [[100 * value for value in (*one.scales.values(), *one.widths.values())] for one in reached]
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    if len(rows) == 1:
        return f"| {name} | " + " | ".join(f"{value:.1f}" for value in mean) + " |"
    return f"| {name} | " + " | ".join(f"{a:.1f} ± {b:.1f}" for a, b in zip(mean, spread, strict=True)) + " |"


if __name__ == "__main__":
    main()
