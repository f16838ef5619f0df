"""Public question sets as a folder of sources to ingest and a ``questions.jsonl`` to ask.

    python -m octavo.indexes.evaluate.adapters chroma DATA OUT
    octavo ingest OUT/sources --kb KB
    octavo eval OUT/questions.jsonl --kb KB

``chroma`` (questions_df.csv, *.md), ``cranfield`` (cran.all.1400.xml, cran.qry.xml, cranqrel.trec.txt),
``dstc11_track5`` (knowledge.json.gz, val_logs.json.gz, val_labels.json.gz), ``spoken_squad`` and ``squad`` (DATA is the
SQuAD-format file, or spoken_squad's folder), ``trec`` (DATA holds topics, qrels and the sources in documents/).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...pipeline.errors import OctavoError, QueryError
from .questions import Question, Relevant, write_questions
from .squad import parse_squad
from .trec import judged, read_qrels, read_topics

Sources = dict[str, str]
Made = tuple[Sources, list[Question]]

CONTEXT_TURNS = 3
"""Turns of a dialogue that make up the question: a last turn alone often names nothing ("Do they have parking?")."""


def chroma(data: Path) -> Made:
    """The Chroma chunking benchmark (Smith and Troynikov 2024): character spans in five corpora, its classes."""
    sources = {path.name: _read(path) for path in sorted(data.glob("*.md")) if path.stem.lower() != "readme"}
    questions = []
    with open(data / "questions_df.csv", newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            source = f"{row['corpus_id']}.md"
            relevant = []
            for found in json.loads(row["references"]):
                start, stop = int(found["start_index"]), int(found["end_index"])
                if sources[source][start:stop] != found["content"]:
                    raise QueryError(f"question {number}: [{start}, {stop}) of {source} is not what the file quotes")
                relevant.append(Relevant(source, start, stop))
            text = " ".join(row["question"].split())
            questions.append(Question(text, tuple(relevant), row["corpus_id"], id=str(number)))
    return sources, questions


def cranfield(data: Path) -> Made:
    """Cranfield (Cleverdon 1967): 1,400 abstracts, whole abstracts relevant.

    Its judgments count topics by position, 1 to 225, not by the number in the topic. Two documents are empty, and so
    are no sources; what is judged relevant there is left out.
    """
    sources: Sources = {}
    # The file is a sequence of documents without a root.
    for one in ElementTree.fromstring(f"<all>{_read(data / 'cran.all.1400.xml')}</all>"):
        fields = {part.tag: " ".join((part.text or "").split()) for part in one}
        if fields["title"] or fields["text"]:
            body = fields["text"].removeprefix(fields["title"]).strip()
            sources[f"{fields['docno']}.txt"] = f"{fields['title']}\n\n{body}\n"
    topics = read_topics(_read(data / "cran.qry.xml"), "cran.qry.xml")
    by_position = {str(position): text for position, text in enumerate(topics.values(), 1)}
    qrels = read_qrels(_read(data / "cranqrel.trec.txt"), "cranqrel.trec.txt")
    there = {
        topic: {document: grade for document, grade in grades.items() if f"{document}.txt" in sources}
        for topic, grades in qrels.items()
    }
    return sources, list(judged(by_position, there, ".txt"))


def dstc11_track5(data: Path) -> Made:
    """DSTC11 track 5 (Zhao et al. 2023): reviews and FAQs of hotels and restaurants; one file an entity.

    A question is the last turns of a dialogue that needs this knowledge; relevant are the sentences and FAQs it was
    answered from. Classed by domain and kind of source. Turns that need no knowledge are no questions.
    """
    sources: Sources = {}
    at: dict[tuple[str, str, str, str, str], Relevant] = {}
    for domain, entities in _zipped(data / "knowledge.json.gz").items():
        for entity, known in entities.items():
            name = f"{domain}-{entity}.md"
            text = f"# {known['name'] or domain}\n\n## Reviews\n\n"
            for number, review in (known.get("reviews") or {}).items():
                for sentence, words in review["sentences"].items():
                    at[domain, entity, "review", number, sentence] = Relevant(name, len(text), len(text) + len(words))
                    text += f"{words} "
                text = text[:-1] + "\n\n"
            text += "## Frequently asked\n\n"
            for number, asked in (known.get("faqs") or {}).items():
                both = f"{asked['question']} {asked['answer']}"
                at[domain, entity, "faq", number, ""] = Relevant(name, len(text), len(text) + len(both))
                text += f"{both}\n\n"
            sources[name] = text
    questions = []
    labels, logs = _zipped(data / "val_labels.json.gz"), _zipped(data / "val_logs.json.gz")
    for number, (label, log) in enumerate(zip(labels, logs, strict=True), 1):
        if not label["target"]:
            continue
        keys = [
            (k["domain"], str(k["entity_id"]), k["doc_type"], str(k["doc_id"]), str(k.get("sent_id", "")))
            for k in label["knowledge"]
        ]
        kinds = "+".join(sorted({key[2] for key in keys}))
        text = " ".join(" ".join(turn["text"].split()) for turn in log[-CONTEXT_TURNS:])
        questions.append(Question(text, tuple(at[key] for key in keys), f"{keys[0][0]} {kinds}", id=str(number)))
    return sources, questions


def spoken_squad(data: Path) -> Made:
    """Spoken-SQuAD (Lee et al. 2018): answers in transcripts; the set with fewest errors, or the one named."""
    return squad(data / "spoken_test-v1.1.json.gz" if data.is_dir() else data)


def squad(data: Path) -> Made:
    """Any SQuAD-format file, gzipped or not."""
    text = gzip.decompress(data.read_bytes()).decode() if data.suffix == ".gz" else _read(data)
    found = parse_squad(text, data.name)
    return found.sources, found.questions


def trec(data: Path) -> Made:
    """TREC topics and judgments over a folder ``documents``, of which a document's number is the file's name."""
    files = [path for path in sorted((data / "documents").rglob("*")) if path.is_file()]
    topics = read_topics(_read(next(data.glob("topics*"), data / "topics.txt")), "topics")
    qrels = read_qrels(_read(next(data.glob("qrels*"), data / "qrels.txt")), "qrels")
    return {path.relative_to(data / "documents").as_posix(): _read(path) for path in files}, list(judged(topics, qrels))


ADAPTERS: dict[str, Callable[[Path], Made]] = {
    adapter.__name__: adapter for adapter in (chroma, cranfield, dstc11_track5, spoken_squad, squad, trec)
}


def prepare(name: str, data: Path, out: Path, limit: int | None = None) -> tuple[int, int]:
    """Write ``out/sources`` and ``out/questions.jsonl``; returns how many sources and questions.

    Args:
        limit: Only so many questions, evenly spread over the set; all sources.

    Raises:
        QueryError: The data are not what the adapter expects.
    """
    try:
        sources, questions = ADAPTERS[name](data)
    except (OSError, KeyError, TypeError, AttributeError, ElementTree.ParseError, json.JSONDecodeError) as error:
        raise QueryError(f"{data} does not hold {name} as expected: {error!r}") from error
    if limit is not None and 0 < limit < len(questions):
        questions = [questions[at * len(questions) // limit] for at in range(limit)]
    for source, text in sources.items():
        path = out / "sources" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")  # offsets count line ends as they are
    write_questions(out / "questions.jsonl", questions)
    return len(sources), len(questions)


def _read(path: Path) -> str:
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def _zipped(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def main() -> int:
    """Runs the module's command line."""
    parser = argparse.ArgumentParser(
        prog="python -m octavo.indexes.evaluate.adapters", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("name", choices=sorted(ADAPTERS))
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--limit", type=int, help="only so many questions, evenly spread")
    asked = parser.parse_args()
    try:
        sources, questions = prepare(asked.name, asked.data, asked.out, asked.limit)
    except OctavoError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{sources:,} sources in {asked.out / 'sources'}, {questions:,} questions in {asked.out / 'questions.jsonl'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
