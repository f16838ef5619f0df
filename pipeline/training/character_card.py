"""The model card of the character encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..encoders.spelling_channel import ChannelNetwork
from .character_score import SpellingScore, score
from .spelling_pairs import SpellingMaterial

if TYPE_CHECKING:
    from .character import CharacterRecipe, TrainedVectors
    from .spelling_channel import ChannelRecipe


def card(
    vectors: TrainedVectors,
    letters: ChannelNetwork,
    recipe: CharacterRecipe,
    channel: ChannelRecipe,
    material: SpellingMaterial,
    scores: Mapping[str, SpellingScore],
    right: Mapping[str, float],
) -> str:
    """The model card."""
    from ..encoders.character import CharacterEncoder

    network, hashed = vectors.network, CharacterEncoder()
    rows = [f"| {part}, this encoder | {_cells(one, f'{right[part]:.1%}')} |" for part, one in scores.items()]
    rows += [f"| {part}, hashed n-grams | {_cells(score(hashed.encode, material, part))} |" for part in scores]
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in material.shares.items())
    return f"""# Characters

Bytes of a term, or of two words with the space between them -> a unit vector of {network.shape.width} numbers. Near:
misspellings, slips of the hand, misreadings of a scanner, lost and added spaces and hyphens, other marks on letters,
inflections, what is written for the same sound. Capitals make no difference at all. Not near: other codes and numbers.

- Network: {sum(p.numel() for p in network.parameters()):,} parameters; two convolutions over bytes, pooled by
  where in the word a thing stands, see `pipeline/encoders/character_network.py`. 16-bit floats.
- Beside it a noisy channel of {sum(p.numel() for p in letters.parameters()):,} parameters, which compares a word with
  the 50 terms that the vectors propose, letter by letter, see `pipeline/encoders/spelling_channel.py`; in the header
  the weights of `pipeline/encoders/likeness.py`, which decides by it, fitted on the words watched.
- Trained by `octavo train character --steps {recipe.steps} --seed {recipe.seed}`:
  {vectors.steps:,} batches of {recipe.batch} pairs and as many hard negatives in {vectors.seconds / 60:.0f} minutes.
  The channel: {channel.steps:,} batches of {channel.batch} words.
- Pairs: {shares}; noise models in `pipeline/training/spelling_noise.py` and `respelling.py`.
  The channel learns from poor spellers alone: 40% typed by people, the rest respelt, often with several errors.
- The weights that ship with Octavo come from 13 books in the public domain (Project Gutenberg), the Carnegie Mellon
  Pronouncing Dictionary (2-clause BSD) and CrowdSpeech (CC BY 4.0): what seven people each typed for a recording.
- Words are split by a hash into those learnt from, those watched, by which the best weights are chosen, and those held
  out. Typed: misspellings that people made whose word is the nearest among 6,000. Made: those of the noise models.
  Decided: the same, of the 50 nearest the likeliest. Codes: nearer to a misprint of itself than to a code with
  another figure.

| Part | Typed | Decided | Made | Codes |
|---|---|---|---|---|
{chr(10).join(rows)}

English; other languages in Latin letters gain from what keyboards and scanners do, other scripts were not trained on.
"""


def _cells(one: SpellingScore, decided: str = "") -> str:
    return f"{one.typed:.1%} of {one.pairs} | {decided} | {one.made:.1%} | {one.codes:.1%}"
