"""What each part of the speech network is worth: trained alike without it, several seeds, one table.

    python tests/benchmarks/ablation.py SPEECH --corpus real:2.2 --corpus flite --results ablation.jsonl

SPEECH is as in ``phones.py``; corpora are made by ``python -m octavo.pipeline.training.speech_corpus``. Every variant
hears the same hours. Runs that RESULTS holds are not made again, so a stopped table is gone on with. A row gives mean
and standard deviation over the seeds of the phone error rate on speakers held out of training, on ``timit_dev`` and on
``dev``, and of the share of held-out windows whose own phones are the nearest of 1,000 (``words``: the space of words,
trained on the first corpus alone to save time). The prosody vector does not rest on this network.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from octavo.pipeline.training.speech import Progress, SpeechRecipe, train
from octavo.pipeline.training.speech_recipe import finish
from octavo.pipeline.training.word_space import WordSpaceRecipe
from octavo.tests.benchmarks.phones import error_rates, speechocean, timit

WHOLE = SpeechRecipe()
VARIANTS = {
    "whole": WHOLE,
    "single scale (no level above 40 ms)": replace(WHOLE, shape=replace(WHOLE.shape, levels=2)),
    "without inception branches": replace(WHOLE, shape=replace(WHOLE.shape, widths=(5,))),
    "without dilation": replace(WHOLE, shape=replace(WHOLE.shape, dilations=(1,))),
    "without attention": replace(WHOLE, shape=replace(WHOLE.shape, attention=False)),
    "without skips": replace(WHOLE, shape=replace(WHOLE.shape, skips=False)),
    "without losses above 20 ms": replace(WHOLE, coarse_weight=0.0, rate_weight=0.0),
    "without the framewise loss": replace(WHOLE, frames_weight=0.0),
    "without agreement of two masks": replace(WHOLE, consistency_weight=0.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("speech", type=Path)
    parser.add_argument("--corpus", action="append", required=True, help="FOLDER or FOLDER:WEIGHT")
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one for each run")
    parser.add_argument("--steps", type=int, default=1_400)
    parser.add_argument("--word-steps", type=int, default=150)
    parser.add_argument("--batch-seconds", type=float, default=20.0)
    parser.add_argument("--learning-rate", type=float, default=8e-4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    options = parser.parse_args()
    corpora = [
        (Path(folder), float(weight or 1)) for folder, _, weight in (one.partition(":") for one in options.corpus)
    ]
    done: dict[str, list[float]] = {}
    if options.results.exists():
        done = dict(map(json.loads, options.results.read_text().splitlines()))
    names = options.only or list(VARIANTS)
    settings = f"{options.steps} x {options.batch_seconds:g} s, {options.learning_rate:g}"
    for seed in range(1, options.seeds + 1):
        for name in names:
            run = f"{name}; {settings}; {seed}"
            if run not in done:
                done[run] = one_run(VARIANTS[name], seed, corpora, options)
                with options.results.open("a") as file:
                    file.write(json.dumps([run, done[run]]) + "\n")
    print("| variant | runs | held out | timit_dev | dev | words |\n|---|---|---|---|---|---|")
    for name in names:
        wanted = f"{name}; {settings}; "
        rows = [rates for run, rates in done.items() if run.startswith(wanted)]
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        cells = [f"{a:.1f} ± {b:.1f}" for a, b in zip(mean[:3], spread[:3], strict=True)]
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} | {mean[3]:.3f} ± {spread[3]:.3f} |")


def one_run(
    recipe: SpeechRecipe, seed: int, corpora: list[tuple[Path, float]], options: argparse.Namespace
) -> list[float]:
    """Phone error rates held out, on TIMIT and on speechocean, in percent, and the share of nearest windows."""
    told: list[Progress] = []
    recipe = replace(
        recipe,
        seed=seed,
        steps=options.steps,
        warm_up=options.steps // 8,
        batch_seconds=options.batch_seconds,
        learning_rate=options.learning_rate,
    )
    words = WordSpaceRecipe(steps=options.word_steps, seed=seed)
    with TemporaryDirectory() as folder:
        out = Path(folder)
        network = train(
            corpora,
            out,
            recipe,
            device=options.device,
            tell=told.append,
            every=recipe.steps,
        )
        scores: dict[str, str] = {}
        weights = finish(network, [corpora[0][0]], out, recipe, words, scores=scores, tell=lambda line: None)
        found = [error_rates(corpus(options.speech), weights) for corpus in (timit, speechocean)]
    held_out = told[-1].phone_error_rate
    assert held_out is not None
    rates = [100 * float(edits.sum() / phones.sum()) for edits, phones in found]
    return [held_out, *rates, float(json.loads(scores["nearest"]))]


if __name__ == "__main__":
    main()
