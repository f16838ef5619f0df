"""Trains the text pyramid: a question lies near what answers it at every scale, and a teacher keeps it from forgetting.

The body of ``octavo train text``. One loop, readable from top to bottom. The transformer is frozen and was asked
beforehand (:mod:`.text_material`), so a batch is a few documents of one book as pooled token states and all questions
on them. The same arguments and the same seed give the same weights on the same kind of machine. A run that was stopped
goes on from its last checkpoint, with the batches that it would have had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..encoders.text_pyramid import QUESTION, WIDTHS, PyramidShape, TextPyramid, cut_to, save_pyramid
from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from .running_average import follow
from .text_batches import Batch, ShelvedBook, draw, gathered
from .text_material import Book, Part, TextMaterial
from .unfinished_run import UnfinishedRun
from .warmed_cosine import warmed_cosine

NAME: Final = "text"
TRAINED: Final = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)


@dataclass(frozen=True, slots=True)
class TextRecipe:
    """How to train: InfoNCE (van den Oord et al., 2018) at every scale and width, and distillation.

    Attributes:
        steps: Batches, 0 for principal axes alone; the learning rate rises over the first ``warm_up`` and falls to
            nothing along a cosine.
        documents, questions: Most in a batch.
        temperature: What cosines are divided by.
        teacher: Weight of what is distilled: how a question's cosines are spread over units of which each sentence was
            read alone (Hinton et al., 2015); 0 does without.
        scales: Whether every scale has its loss, or the paragraph alone: for ablation.
        patience: Validations without a gain after which to stop.
    """

    steps: int = 400
    documents: int = 16
    questions: int = 192
    learning_rate: float = 1e-3
    warm_up: int = 50
    weight_decay: float = 0.05
    temperature: float = 0.05
    teacher: float = 1.0
    scales: bool = True
    average: float = 0.99
    patience: int = 4
    seed: int = 1
    channels: int = 96

    def shape(self, whole: PyramidShape) -> PyramidShape:
        """The network, for a transformer."""
        channels = self.channels if self.steps else 0
        return PyramidShape(whole.width, whole.static, whole.vocabulary, channels)


@dataclass(frozen=True, slots=True)
class TextScore:
    """Mean reciprocal rank of what answers a question, among all of its book.

    Attributes:
        scales: By name of scale.
        widths: Mean over scales of vectors cut off at so many numbers.
    """

    scales: Mapping[str, float]
    widths: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Over scales and widths."""
        return float(np.mean([*self.scales.values(), *self.widths.values()]))

    def __str__(self) -> str:
        found = ", ".join(f"{name} {value:.1%}" for name, value in self.scales.items())
        return found + "; " + ", ".join(f"{width} numbers {value:.1%}" for width, value in self.widths.items())


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands, told now and then."""

    step: int
    steps: int
    loss: float
    seconds: float
    watched: TextScore

    def __str__(self) -> str:
        done = f"step {self.step}/{self.steps}  loss {self.loss:.3f}  {self.seconds:.0f} s"
        return f"{done}  watched: {self.watched}"


def train(
    material: TextMaterial,
    out: Path,
    recipe: TextRecipe,
    *,
    device: str = "cpu",
    tell: Callable[[Progress], None] = lambda progress: None,
    every: int = 100,
) -> Path:
    """Trains, and writes ``text.safetensors`` and its card ``text.md``.

    Args:
        out: Folder of the checkpoint; training goes on from one that is there.
        every: Steps between two validations, each followed by a checkpoint.

    Raises:
        ModelError: The checkpoint in ``out`` is of another recipe.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    shape = recipe.shape(material.shape)
    pyramid = material.pyramid(shape).to(device).train()
    average = {name: value.detach().clone() for name, value in pyramid.state_dict().items()}
    best = {name: value.clone() for name, value in average.items()}
    optimizer = torch.optim.AdamW(pyramid.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    held = {"pyramid": pyramid.state_dict(), "average": average, "best": best}
    state = UnfinishedRun(out / "unfinished.safetensors", asdict(recipe), held, optimizer)
    step, rest = state.resume()
    highest, since, seconds = rest or (-1.0, 0.0, 0.0)
    learnt = [ShelvedBook(book, device) for book in material.books["learnt"]]
    plain = score(material.pyramid(shape).to(device), material, "watched", device)
    highest = max(highest, plain.mean)  # what is no better than plain pooling is not kept
    total, counted, began = 0.0, 0, monotonic() - seconds
    while step < recipe.steps and since < recipe.patience:
        batch = draw(learnt, recipe.documents, recipe.questions, np.random.default_rng([recipe.seed, step]))
        for group in optimizer.param_groups:
            group["lr"] = warmed_cosine(recipe.learning_rate, step, recipe.steps, recipe.warm_up)
        with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=device.startswith("cuda")):
            loss = losses(pyramid, batch, recipe)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(pyramid.parameters(), 1.0)
        optimizer.step()
        step += 1
        follow(average, pyramid.state_dict(), step, recipe.average)
        total, counted = total + loss.item(), counted + 1
        if step % every == 0 or step == recipe.steps:
            watched = score(_pyramid_of(average, material, shape, device), material, "watched", device)
            since = 0 if watched.mean > highest else since + 1
            if watched.mean > highest:
                highest = watched.mean
                for name, value in average.items():
                    best[name].copy_(value)
            seconds = monotonic() - began
            state.save(step, highest, since, seconds)
            tell(Progress(step, recipe.steps, total / max(counted, 1), seconds, watched))
            total, counted = 0.0, 0
    # Rounded as they will be stored, so that the scores are those of the file.
    final = _pyramid_of({name: value.half().float() for name, value in best.items()}, material, shape, device)
    parts: tuple[Part, ...] = ("watched", "held out")
    scores = {part: score(final, material, part, device) for part in parts}
    unturned = replace(material, turn=np.eye(shape.width, dtype=np.float32))
    before = {part: score(unturned.pyramid(shape).to(device), material, part, device) for part in parts}
    told = {str(part): json.dumps(asdict(one)) for part, one in scores.items()}
    told |= {f"{part}, plain": json.dumps(asdict(one)) for part, one in before.items()}
    header = {"recipe": json.dumps(asdict(recipe)), "steps": str(step)} | told
    path = out / f"{NAME}.safetensors"
    save_pyramid(final.state_dict(), shape, path, material.model, material.digest, header)
    (out / f"{NAME}.md").write_text(card(final, recipe, step, seconds, material, scores, before), encoding="utf-8")
    return path


def losses(pyramid: TextPyramid, batch: Batch, recipe: TextRecipe) -> Tensor:
    """Every question finds what answers it among all units of the batch, at every scale and every width."""
    vectors = pyramid(batch.sums, batch.rank).float()
    questions = batch.rank == QUESTION
    asked, asked_alone = vectors[questions], normalize(batch.alone[questions], dim=1)
    made = []
    for scale in TRAINED if recipe.scales else (PARAGRAPH,):
        units = batch.rank == scale.rank
        right = batch.answers[scale]
        answered = right.any(1)
        said = asked_alone @ normalize(batch.alone[units], dim=1).T / recipe.temperature
        for width in (*WIDTHS, vectors.shape[1]):
            if width > vectors.shape[1]:
                continue
            logits = cut_to(asked, width) @ cut_to(vectors[units], width).T / recipe.temperature
            found = logits.masked_fill(~right, -1e4).logsumexp(1) - logits.logsumexp(1)
            made.append(-found[answered].mean())
            if recipe.teacher:
                kept = torch.nn.functional.kl_div(
                    logits.log_softmax(1), said.log_softmax(1), reduction="batchmean", log_target=True
                )
                made.append(recipe.teacher * kept)
    return torch.stack(made).sum() / len(made)


@torch.inference_mode()
def score(pyramid: TextPyramid, material: TextMaterial, part: Part, device: str = "cpu") -> TextScore:
    """Mean reciprocal ranks in the books of a part, each question among all units of its book."""
    pyramid.eval()
    width = pyramid.shape.width
    found: dict[tuple[Scale, int], list[float]] = {}
    for vectors, batch in _encoded(pyramid, material.books[part], device):
        questions = batch.rank == QUESTION
        for kept in (*(one for one in WIDTHS if one < width), width):
            asked = cut_to(vectors[questions], kept)
            for scale in TRAINED:
                cosines = asked @ cut_to(vectors[batch.rank == scale.rank], kept).T
                right = batch.answers[scale]
                answered = right.any(1)
                nearest = cosines.masked_fill(~right, -2).amax(1, keepdim=True)
                ranks = (cosines > nearest).sum(1)[answered] + 1
                found.setdefault((scale, kept), []).extend((1 / ranks).tolist())
    mean = {key: round(float(np.mean(ranks)), 4) for key, ranks in found.items()}
    kept_widths = sorted({kept for _, kept in mean})
    return TextScore(
        {scale.name: mean[scale, width] for scale in TRAINED},
        {kept: round(float(np.mean([mean[scale, kept] for scale in TRAINED])), 4) for kept in kept_widths},
    )


def _encoded(pyramid: TextPyramid, books: Sequence[Book], device: str) -> Iterator[tuple[Tensor, Batch]]:
    for book in books:
        batch = gathered(ShelvedBook(book, device), np.arange(len(book.whole)))
        yield pyramid(batch.sums, batch.rank).float(), batch


def _pyramid_of(tensors: Mapping[str, Tensor], material: TextMaterial, shape: PyramidShape, device: str) -> TextPyramid:
    pyramid = material.pyramid(shape)
    pyramid.load_state_dict(dict(tensors))
    return pyramid.to(device).eval()


def card(
    pyramid: TextPyramid,
    recipe: TextRecipe,
    steps: int,
    seconds: float,
    material: TextMaterial,
    scores: Mapping[Part, TextScore],
    before: Mapping[Part, TextScore],
) -> str:
    """The model card."""
    widths = [*next(iter(scores.values())).widths]
    columns = [scale.name for scale in TRAINED] + [f"{width} numbers" for width in widths]
    lines = ["| Part | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for part in scores:
        for name, one in (("plain pooling", before[part]), ("this", scores[part])):
            cells = [f"{value:.1%}" for value in (*one.scales.values(), *one.widths.values())]
            lines.append(f"| {part}, {name} | " + " | ".join(cells) + " |")
    books = {part: ", ".join(book.name for book in material.books[part]) for part in ("learnt", *scores)}
    network = f"{sum(p.numel() for p in pyramid.parameters()):,} parameters on top of the frozen {material.model}"
    made = f"{steps:,} batches in {seconds / 60:.0f} minutes, the weights of the best validation"
    if not recipe.steps:
        network = f"None: plain means of the states of {material.model}, turned, which leaves every cosine as it was"
        made = "the principal axes of the sentences learnt from"
    return f"""# Text

Pooled token states of sentences, paragraphs, sections and documents, and of questions -> unit vectors of
{pyramid.shape.width} numbers, of which the first {", ".join(map(str, WIDTHS))} are good by themselves.

- Network: {network}. See `pipeline/encoders/text_pyramid.py`; 16-bit floats.
- Made by `octavo train text --steps {recipe.steps} --seed {recipe.seed}`: {made}.
- Learnt from {books["learnt"]}; watched, to choose the best weights: {books["watched"]}; held out: {books["held out"]}.
- Questions are made from the books without a language model, see `pipeline/training/text_questions.py`.
- Mean reciprocal rank of what answers a question among all of its book, at full width by scale, then the mean over
  scales by width:

{chr(10).join(lines)}

English prose and verse of the 17th to the early 20th century; other languages were not trained on.
"""
