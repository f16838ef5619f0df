"""The report: a page that stands alone, says what the JSON says, and is true for any data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from octavo import cli
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.command import Outcome
from octavo.indexes.evaluate.compare import compare
from octavo.indexes.evaluate.granularity import Evaluation, evaluate
from octavo.indexes.evaluate.page.axis import around
from octavo.indexes.evaluate.page.drawing import DARK, LIGHT, SERIES, spread, text_width
from octavo.indexes.evaluate.page.examples import examples
from octavo.indexes.evaluate.page.page import figures
from octavo.indexes.evaluate.page.recall_plot import fused_finding
from octavo.indexes.evaluate.page.tiles import shown
from octavo.indexes.evaluate.questions import Question, Relevant, write_questions
from octavo.indexes.evaluate.rows import FUSED
from octavo.indexes.evaluate.run import EvaluationRun, read_run
from octavo.indexes.evaluate.summary import summarise
from octavo.indexes.evaluate.writing import write_report
from octavo.indexes.retrieve import Encoders
from selectolax.lexbor import LexborHTMLParser

from .shelf import BUDGETS, QUESTIONS, encoders, shelve

Written = tuple[str, dict[str, Any]]


@pytest.fixture
def evaluation(kb: KnowledgeBase) -> Evaluation:
    return evaluate(kb, encoders(), QUESTIONS, BUDGETS)


@pytest.fixture
def written(kb: KnowledgeBase, tmp_path: Path) -> Callable[..., Written]:
    """Writes a report and gives its page and its JSON."""

    def write(evaluation: Evaluation, earlier: EvaluationRun | None = None) -> Written:
        run = evaluation.run
        outcome = Outcome(evaluation, summarise(run), compare(earlier, run) if earlier else None, ())
        write_report(tmp_path / "out" / "page.html", outcome, kb, earlier, "questions.jsonl")
        page = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
        return page, json.loads((tmp_path / "out" / "page.json").read_text(encoding="utf-8"))

    return write


def with_run(evaluation: Evaluation, **changes: Any) -> Evaluation:
    return replace(evaluation, run=replace(evaluation.run, **changes))


def check(page: str) -> LexborHTMLParser:
    """The page stands alone, and its plots are well-formed."""
    tree = LexborHTMLParser(page)
    assert tree.css_first("h1") is not None
    assert not tree.css("script, link, img, iframe, object, embed, base, form")
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            assert name not in ("src", "href", "srcset", "data", "action", "poster"), f"{node.tag} refers to {value}"
            assert not name.startswith("on")
    assert "url(" not in page
    assert "@import" not in page
    for start in page.split("<svg")[1:]:
        etree.fromstring("<svg" + start.split("</svg>")[0] + "</svg>")
    return tree


def check_tiles(tree: LexborHTMLParser, made: dict[str, Any]) -> int:
    """Each number of the tiles is that of the JSON, by whichever of the ways of writing a number."""
    numbers = tree.css("dt[data-path]")
    for node in numbers:
        value: Any = made["summary"]["signals"]
        for key in (node.attributes["data-path"] or "").split("/"):
            value = value[key]
        assert node.text() in {shown(value, form) for form in ("percent", "ms", "count", "points")}
    return len(numbers)


def test_the_page_stands_alone_and_says_what_the_json_says(
    evaluation: Evaluation, written: Callable[..., Written]
) -> None:
    page, made = written(evaluation)
    tree = check(page)
    assert check_tiles(tree, made) >= 9
    assert len(tree.css(".tile")) == 4
    assert {one.attributes["id"] for one in tree.css("section")} >= {"recall", "worth", "classes", "examples", "method"}
    assert len(page.encode()) < 250_000
    assert "prefers-color-scheme:dark" in page


def test_texts_of_questions_and_sources_are_escaped(evaluation: Evaluation, written: Callable[..., Written]) -> None:
    hostile = '<script>alert("1")</script><img src=x onerror=alert(2)>\x1b[31m'
    questions = tuple(
        replace(one, text=f"{hostile} {number}", key=f"{hostile} {number}", question_class=hostile)
        for number, one in enumerate(evaluation.run.questions)
    )
    page, _ = written(with_run(evaluation, questions=questions, knowledge_base=hostile, model=hostile))
    check(page)
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page.split("<main>")[1].split("<section")[1]


def test_the_folder_holds_page_run_plots_and_trec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(tmp_path / "questions.jsonl", QUESTIONS)
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *given, **named: encoders()))
    with shelve(tmp_path):
        out = tmp_path / "out"
        arguments = ["eval", str(tmp_path / "questions.jsonl"), "--kb", str(tmp_path / "kb"), "--budgets", "60,120,400"]
        assert cli.main([*arguments, "--report", str(out)]) == cli.DONE
        names = {path.name for path in out.iterdir()}
        assert names >= {
            "report.html",
            "run.json",
            "run.trec",
            "run.trec.qrels",
            "recall.svg",
            "worth.svg",
            "classes.svg",
        }
        for path in out.glob("*.svg"):
            root = etree.parse(str(path)).getroot()
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert "prefers-color-scheme" in path.read_text()
        run = read_run(out)
        assert run.spans is not None
        assert set(run.spans.returned) >= {FUSED}
        capsys.readouterr()
        # Against the folder; the page then shows the change.
        assert cli.main([*arguments, "--against", str(out), "--report", str(tmp_path / "new.html")]) == cli.DONE
        page = (tmp_path / "new.html").read_text()
        assert LexborHTMLParser(check(page).html or "").css_first("#change") is not None
        assert read_run(tmp_path / "new.json").questions == run.questions
        assert cli.main([*arguments, "--report", str(tmp_path / "run.pdf")]) == cli.USAGE
        assert "name a file .json or .html, or a folder" in capsys.readouterr().err


def test_a_run_without_confidence_or_spans_still_makes_a_page(
    evaluation: Evaluation, written: Callable[..., Written]
) -> None:
    old = {
        name: values for name, values in evaluation.run.signals.items() if name.startswith(("ms", "char", "cit", "dup"))
    }
    page, made = written(with_run(evaluation, signals=old, spans=None))
    tree = check(page)
    assert check_tiles(tree, made) >= 8
    assert "was not measured" in page
    assert "does not hold which spans were returned" in page
    assert "spans" not in made


def test_few_or_no_answers_make_a_page(kb: KnowledgeBase, written: Callable[..., Written]) -> None:
    unanswerable = [Question(f"Who painted pump {number}?", (), answerable=False) for number in range(3)]
    sources = [Question("What is said of releases?", (Relevant("notes"),)), Question("Pump?", (Relevant("manual"),))]
    for questions in (QUESTIONS[:1], unanswerable, sources, QUESTIONS[5:]):
        for budgets in (BUDGETS, (200,)):
            page, made = written(evaluate(kb, encoders(), questions, budgets))
            check_tiles(check(page), made)
            assert "nan" not in page.split("<main>")[1].lower().replace("finance", "")


def test_examples_quote_the_gold_where_it_was_returned(kb: KnowledgeBase, evaluation: Evaluation) -> None:
    run = evaluation.run
    values = run.scores[run.main].copy()
    assert run.spans is not None
    single = next(name for name in run.spans.returned if name != FUSED)
    values[:, run.row(single)] = 0.0
    found = examples(kb, replace(run, scores={**run.scores, run.main: values}))
    assert found.lost == ()
    assert found.won_of == int(np.nansum(values[:, run.row(FUSED)] > 0))
    first = found.won[0]
    quoted = [text for span in first.ours.spans for text, gold in span.pieces if gold]
    gold = [text for span in first.gold for text, marked in span.pieces if marked]
    assert quoted
    assert all(any(" ".join(text.split()) in " ".join(one.split()) for one in gold) for text in quoted)
    assert first.ours.spans[0].where.startswith(("manual.md · ", "notes.md · "))


def test_texts_that_changed_since_a_run_are_not_shown(kb: KnowledgeBase, evaluation: Evaluation) -> None:
    run = evaluation.run
    assert run.spans is not None
    stale = replace(run.spans, sources=tuple((uri, "0" * 64) for uri, _ in run.spans.sources))
    values = run.scores[run.main] * 0
    found = examples(kb, run, replace(run, spans=stale, scores={**run.scores, run.main: values}))
    assert found.won
    assert all("changed" in text for span in found.won[0].other.spans for text, _ in span.pieces)


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        ((0.2, 0.2, 0.2), "Fused beats every single scale at every budget"),
        ((0.0, 0.2, 0.2), "Fused beats every single scale from 120 characters on; in 120"),
        ((0.2, 0.2, 0.0), "Fused beats every single scale up to 120 characters: "),
        ((0.2, 0.0, 0.2), "Fused beats every single scale at 60 and 400 characters; not shown in 120"),
        ((0.0, 0.0, 0.0), "No difference shown between fused and the best single scale"),
        ((0.2, -0.2, 0.2), "alone beat fused"),
        ((-0.2, 0.2, 0.2), "Fused is beaten by"),
    ],
)
def test_the_finding_is_that_of_the_data(evaluation: Evaluation, lead: tuple[float, ...], said: str) -> None:
    run = many(evaluation.run, 60)
    scores = dict(run.scores)
    for budget, ahead in zip(run.budgets, lead, strict=True):
        values = np.full_like(scores[f"recall@{budget}"], 0.5)
        # Level in half of the questions, so that the test has something to say.
        values[::2, run.row(FUSED)] += 2 * ahead
        values += np.random.default_rng(1).normal(0, 1e-3, values.shape) if not ahead else 0
        scores[f"recall@{budget}"] = values
    run = replace(run, scores=scores)
    assert said in fused_finding(run, summarise(run))


def many(run: EvaluationRun, count: int) -> EvaluationRun:
    """A run of so many questions, all of them its first."""
    first = run.questions[0]
    return replace(
        run,
        questions=tuple(replace(first, id=f"{number}", key=f"{number}") for number in range(count)),
        scores={name: np.repeat(values[:1], count, axis=0) for name, values in run.scores.items()},
        signals={name: np.repeat(values[:1], count) for name, values in run.signals.items()},
        spans=None,
    )


@pytest.mark.parametrize(
    ("confidence", "said"),
    [(0.7, "means what it says"), (0.99, "promises too much"), (0.3, "promises too little")],
)
def test_confidence_is_judged_by_what_came_true(evaluation: Evaluation, confidence: float, said: str) -> None:
    run = many(evaluation.run, 400)
    right = (np.arange(400) % 10 < 7).astype(np.float64)
    signals = {
        **run.signals,
        "confidence": np.full(400, confidence),
        "answer in hits": right,
        "abstained": np.zeros(400),
        "score cosine": np.linspace(0, 1, 400),
    }
    run = replace(run, signals=signals)
    summary = summarise(run)
    made = {one.name: one for one in figures(run, summary, None, summary.to_json()["signals"])}
    assert said in made["calibration"].finding
    assert "30.0\u00a0%" in made["risk"].finding


@given(
    st.lists(st.floats(0, 500), max_size=12),
    st.floats(1, 40),
)
def test_labels_keep_apart_and_in_order(wanted: list[float], gap: float) -> None:
    places = spread(wanted, gap, 0, 500)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    apart = min(gap, 500 / max(len(wanted) - 1, 1))
    for a, b in pairwise(order):
        assert places[b] - places[a] >= apart - 1e-6
    assert all(-1e-6 <= place <= 500 + 1e-6 for place in places)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_an_axis_holds_its_values_and_has_ticks(values: list[float]) -> None:
    axis = around(values, 0, 100)
    assert axis.low <= min(values) + 1e-6
    assert axis.high >= max(values) - 1e-6
    assert 2 <= len(axis.ticks()) <= 13
    assert all(-1e-6 <= axis(tick) <= 100 + 1e-6 for tick in axis.ticks())


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colours_stand_out_from_the_paper(colours: dict[str, str]) -> None:
    def contrast(name: str) -> float:
        pair = sorted((luminance(colours[name]), luminance(colours["paper"])))
        return (pair[1] + 0.05) / (pair[0] + 0.05)

    assert all(contrast(name) >= 3 for name in (*SERIES, "oracle"))
    assert all(contrast(name) >= 4.5 for name in ("ink", "soft", "good", "bad", "doubt", "fused"))


def test_wide_texts_are_wider() -> None:
    assert text_width("MMM") > text_width("mmm") > text_width("iii")
