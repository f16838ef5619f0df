"""Makes the shipped confidence model again, from books and transcripts alone.

    python -m octavo.indexes.confidence.fit --gutenberg DIR --crowdspeech DIR --work FOLDER [--out FILE]

The texts are ingested shelf by shelf, each a knowledge base of its own; questions are made from each, asked of it with
and without the source that answers, and of the other shelves; the curves are fitted on all of it, and its
quality stated for every shelf by a model that never saw it. What is in FOLDER already is not made again. Seeded.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import OctavoError
from ...pipeline.scale import SENTENCE
from ..retrieve import Encoders, QuestionEncoder
from .features import FEATURES
from .model import SHIPPED, ConfidenceModel, fit_curves, sigmoid
from .quality import area_under_risk, calibration_error, least_area
from .training_questions import Paraphraser, QuestionMaker
from .training_samples import Asked, Samples, contents, judged, spans_of
from .training_shelves import SENTENCES_A_SOURCE, TRANSCRIPTS, crowdspeech_parts, transcripts, typed, write_shelves

if TYPE_CHECKING:
    from ..collection import KnowledgeBase

Floats = npt.NDArray[np.float64]

SEED: Final = 20_26
QUESTIONS: Final = 200
"""Made of each shelf, beside a third as many of other sorts."""
FOREIGN: Final = 0.25
"""Questions of the other shelves asked of each, as a share of those."""

CHOSEN: Final[tuple[str, ...]] = (
    "cosine here",
    "covered asked",
    "covered hits",
    "covered document",
    "words alike",
    "words margin source",
    "words agree",
    "entropy",
    "length",
    "mean weight",
)
"""Features of the shipped model: those whose loss cost something on shelves and sorts of questions that were both left
out of training, and whose curves a person can make sense of. Unknown words are counted by what is covered; by
themselves they mean slips in one set of questions and foreign matter in another."""

SHARES: Final[Mapping[str, float]] = {"answerable": 0.5, "left out": 0.35, "foreign": 0.15}
"""What each sort of question counts in all. How many questions of a team have no answer is not known beforehand."""
RIDGE: Final = 10.0


def collect(
    gutenberg: Path, crowdspeech: Path, work: Path, seed: int = SEED, questions: int = QUESTIONS
) -> dict[str, Samples]:
    """Judged answers by shelf; kept in ``work``."""
    from ...pipeline.encoders.checkpoint import DEFAULT_MODEL
    from ...pipeline.encoders.text import TextEncoder
    from ..collection import KnowledgeBase

    shelves = write_shelves(gutenberg, crowdspeech, work / "shelves")
    made: dict[str, Samples] = {}
    with ExitStack() as stack:
        encoder = TextEncoder(DEFAULT_MODEL, "auto")
        bases = {}
        for folder in shelves:
            kb = work / "kb" / folder.name
            ingest_folder(folder, kb)
            bases[folder.name] = stack.enter_context(KnowledgeBase.open(kb, read_only=True))
        sentences = {name: some_sentences(base, seed) for name, base in bases.items()}
        asked = {}
        for number, (name, base) in enumerate(bases.items()):
            kept = work / f"questions-{name}.jsonl"
            if not kept.exists():
                with base.snapshot() as snapshot:
                    generator = np.random.default_rng([seed, number])
                    strangers = [text for other, own in sentences.items() if other != name for text in own]
                    maker = QuestionMaker(snapshot, Paraphraser.of(snapshot, encoder), generator, strangers)
                    own = [
                        Asked(one.text, one.style, {one.content: [(one.start, one.stop)]})
                        for one in maker.make(questions)
                    ]
                    if name == TRANSCRIPTS:
                        own += _typed(crowdspeech, base, len(own) // 3, generator)
                    own += _self_made(base, seed, questions // 3)
                kept.write_text("".join(json.dumps(_line(one)) + "\n" for one in own), encoding="utf-8")
            asked[name] = [_asked(json.loads(line)) for line in kept.read_text(encoding="utf-8").splitlines()]
        for number, (name, base) in enumerate(bases.items()):
            generator = np.random.default_rng([seed, 100 + number])
            made[name] = _samples(name, base, asked, encoder, work, generator, round(FOREIGN * questions))
    return made


def _samples(
    name: str,
    base: KnowledgeBase,
    asked: Mapping[str, Sequence[Asked]],
    encoder: QuestionEncoder,
    work: Path,
    generator: np.random.Generator,
    strangers: int,
) -> Samples:
    """The judged answers of one shelf, to its own questions and some of others."""
    kept = work / f"samples-{name}.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            if tuple(file["features"].tolist()) == FEATURES:
                return Samples(file["rows"], file["right"], tuple(file["kind"].tolist()))
    others = [one for other, questions in asked.items() if other != name for one in questions]
    foreign = [
        Asked(one.text, f"{one.kind}, foreign", {})
        for one in (others[at] for at in generator.choice(len(others), strangers, replace=False).tolist())
    ]
    every = [*asked[name], *foreign]
    with base.snapshot() as snapshot:
        samples = Samples.of(list(judged(every, snapshot, Encoders(encoder), generator)))
    np.savez(kept, rows=samples.rows, right=samples.right, kind=np.array(samples.kind), features=np.array(FEATURES))
    print(f"{name}: {len(samples):,} answers judged, {samples.right.mean():.0%} right", file=sys.stderr)
    return samples


def weights_of(samples: Samples, shares: Mapping[str, float] = SHARES) -> Floats:
    """What each sample counts, so that sorts of questions have their shares of all. *Shape:* (n,)"""
    sort = np.array(
        ["foreign" if "foreign" in one else "left out" if "left out" in one else "answerable" for one in samples.kind]
    )
    counts = np.zeros(len(samples))
    for name, share in shares.items():
        own = sort == name
        counts[own] = share * len(samples) / max(int(own.sum()), 1)
    return counts


def columns_of(samples: Samples, names: Sequence[str]) -> Floats:
    """Some of the features. *Shape:* (n, len(names))"""
    return samples.rows[:, [FEATURES.index(name) for name in names]]


def fit(samples: Samples, names: Sequence[str] = CHOSEN, ridge: float = RIDGE) -> ConfidenceModel:
    """The model of some samples."""
    return fit_curves(columns_of(samples, names), samples.right, names, weights_of(samples), ridge)


def held_out(shelves: Mapping[str, Samples], names: Sequence[str] = CHOSEN, ridge: float = RIDGE) -> dict[str, Floats]:
    """Probabilities for every shelf by a model of the others."""
    made = {}
    for name, own in shelves.items():
        model = fit(Samples.joined([other for key, other in shelves.items() if key != name]), names, ridge)
        made[name] = sigmoid(model.logits(own.rows))
    return made


def balanced(samples: Samples, seed: int = SEED) -> npt.NDArray[np.int64]:
    """Positions drawn so that sorts of questions have their shares. *Shape:* (n,)"""
    counts = weights_of(samples)
    return np.random.default_rng(seed).choice(len(samples), 4 * len(samples), p=counts / counts.sum())


def some_sentences(base: KnowledgeBase, seed: int, count: int = 300) -> list[str]:
    """Sentences of a shelf, to be talked about on another."""
    with base.snapshot() as snapshot:
        spans = snapshot.between(snapshot.ranges())
        lengths = spans.stop - spans.start
        rows = np.flatnonzero((spans.rank == SENTENCE.rank) & (lengths >= 40) & (lengths < 160))
        chosen = np.random.default_rng(seed).choice(rows, min(count, len(rows)), replace=False)
        return snapshot.texts(spans.take(chosen))


def ingest_folder(folder: Path, kb: Path) -> None:
    """Takes a folder into a new knowledge base; one that is there stays as it is."""
    from ...pipeline.ingest import discover
    from ..intake_run import Ears, intake
    from ..store.catalog import NAME

    if not (kb / NAME).exists():
        kb.parent.mkdir(parents=True, exist_ok=True)
        for _ in intake(kb, discover([str(folder)]), None, Ears(), None):
            pass


def _typed(crowdspeech: Path, base: KnowledgeBase, count: int, generator: np.random.Generator) -> list[Asked]:
    """What people typed who listened to the sentences of the transcripts: questions with slips of the ear."""
    by_name = {Path(source.uri).stem: source.content for source in base.sources()}
    pool = []
    with base.snapshot() as snapshot:
        held = contents(snapshot)
        for part in crowdspeech_parts(crowdspeech):
            truth = transcripts(crowdspeech, part)
            for position, text in typed(crowdspeech, part):
                content = by_name.get(f"{part}-{position // SENTENCES_A_SOURCE:03}")
                if content is None or content not in held or text.casefold() == truth[position].casefold():
                    continue
                first, stop = held[content]
                whole = snapshot.between(np.array([[first, stop]], np.int64))
                body = snapshot.text(content, 0, int(whole.stop[0]))
                at = body.casefold().find(truth[position].casefold())
                if at >= 0:
                    pool.append(Asked(text, "typed by listeners", {content: [(at, at + len(truth[position]))]}))
                if len(pool) >= 20 * count:
                    break
    chosen = generator.choice(len(pool), min(count, len(pool)), replace=False).tolist()
    return [pool[at] for at in chosen]


def _self_made(base: KnowledgeBase, seed: int, count: int) -> list[Asked]:
    """Questions as ``octavo eval --self`` makes them."""
    from ..evaluate.gold import Judge
    from ..evaluate.self_questions import self_questions

    made = []
    with base.snapshot() as snapshot:
        judge = Judge(base, snapshot)
        for question in self_questions(base, count, seed, snapshot=snapshot, unanswerable=0.0):
            made.append(Asked(question.text, f"self {question.question_class}", spans_of(judge.gold(question))))
    return made


def _line(one: Asked) -> dict[str, object]:
    return {"question": one.text, "kind": one.kind, "gold": {str(key): list(spans) for key, spans in one.gold.items()}}


def _asked(line: Mapping[str, object]) -> Asked:
    gold = line["gold"]
    assert isinstance(gold, dict)
    return Asked(
        str(line["question"]),
        str(line["kind"]),
        {int(key): [(int(a), int(b)) for a, b in spans] for key, spans in gold.items()},
    )


def main() -> int:
    """Runs the module's command line."""
    parser = argparse.ArgumentParser(
        prog="python -m octavo.indexes.confidence.fit", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--gutenberg", type=Path, required=True, help="folder of <author>-<book>.txt.gz")
    parser.add_argument("--crowdspeech", type=Path, required=True, help="folder of crowdspeech-<part>-gt.txt.gz")
    parser.add_argument("--work", type=Path, required=True, help="folder for knowledge bases and judged answers")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / SHIPPED)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="made of each shelf; more take longer")
    asked = parser.parse_args()
    try:
        shelves = collect(asked.gutenberg, asked.crowdspeech, asked.work, asked.seed, asked.questions)
        found = held_out(shelves)
        for name, own in shelves.items():
            drawn = balanced(own)
            said, right = found[name][drawn], own.right[drawn]
            print(
                f"{name:12} held out: error of calibration {calibration_error(said, right):.3f}, area under"
                f" risk-coverage {area_under_risk(said, right):.4f} (least possible {least_area(right):.4f})"
            )
        model = fit(Samples.joined(list(shelves.values())))
        asked.out.write_text(json.dumps(model.to_json(), indent=1) + "\n", encoding="utf-8")
    except OctavoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(model.names)} features in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
