"""Questions from JSON lines, SQuAD and TREC files, and what is said of lines that make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import pytest
from octavo.indexes.evaluate.adapters import prepare
from octavo.indexes.evaluate.questions import Question, Relevant, parse_questions, read_questions
from octavo.indexes.evaluate.squad import parse_squad, question_word
from octavo.indexes.evaluate.trec import judged, qrels_lines, read_qrels, read_topics, run_lines
from octavo.pipeline.errors import QueryError

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def test_a_line_says_all_that_a_question_holds() -> None:
    questions = [
        Question("Why?", (Relevant("a.md", 3, 9), Relevant("b.pdf", page=2, grade=3), Relevant("c")), "why", id="x1"),
        Question("And?", (), answerable=False, id="2"),
    ]
    lines = [json.dumps(question.to_json()) for question in questions]
    assert parse_questions([lines[0], "", lines[1]], "q.jsonl") == questions


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"relevant": []}', "question is missing"),
        ('{"question": 7, "relevant": []}', "question is 7"),
        ('{"question": " ", "relevant": [{"source": "a"}]}', "empty"),
        ('{"question": "?"}', "nothing is relevant"),
        ('{"question": "?", "relevant": [{"source": "a"}], "unanswerable": true}', "marked unanswerable"),
        ('{"question": "?", "relevant": "a.md"}', "not a list"),
        ('{"question": "?", "relevant": [{"start": 1, "stop": 2}]}', "source is missing"),
        ('{"question": "?", "relevant": [{"source": "a", "start": 4}]}', "both start and stop"),
        ('{"question": "?", "relevant": [{"source": "a", "start": 4, "stop": 4}]}', r"\[4, 4\)"),
        ('{"question": "?", "relevant": [{"source": "a", "start": 4, "stop": 4.5}]}', "stop is 4.5"),
        ('{"question": "?", "relevant": [{"source": "a", "page": 0}]}', "page 0"),
        ('{"question": "?", "relevant": [{"source": "a", "end": 9}]}', "'end'"),
        ('{"question": "?", "relevant": [{"source": "a", "start_seconds": 1.5}]}', "both start_seconds"),
        ('{"question": "?", "relevant": [{"source": "a", "start_seconds": 2, "stop_seconds": 2}]}', "empty"),
        ('{"question": "?", "relevant": [{"source": "a", "start_seconds": "1", "stop_seconds": 2}]}', 'seconds is "1"'),
        (
            '{"question": "?", "relevant": [{"source": "a", "start_seconds": 1, "stop_seconds": 2, "page": 3}]}',
            "only one of these",
        ),
        ('{"question": "?", "relevant": [{"source": "a", "start_ms": 1}]}', "'start_ms'.*start_seconds"),
        ('{"question": "?", "relevant": [], "unanswerable": true, "without": "a"}', "not a list of sources"),
        ('{"question": "?", "relevant": [{"source": "a"}], "self_made": 1}', "self_made is 1"),
        ('{"question": "?", "relevant": [{"source": "a", "grade": 0}]}', "grade 0"),
        ('{"id": 1, "question": "?", "relevant": [{"source": "a"}]}', "id '1' is that of line 1"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, complaint: str) -> None:
    good = '{"question": "Where?", "relevant": [{"source": "a"}]}'
    with pytest.raises(QueryError, match=complaint) as caught:
        parse_questions([good, line], "q.jsonl")
    assert "q.jsonl, line 2" in str(caught.value)


def test_files_without_questions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    for name in ("empty.jsonl", "missing.jsonl"):
        with pytest.raises(QueryError, match=name):
            read_questions(tmp_path / name)


SQUAD = {
    "data": [
        {
            "title": "Roasting / coffee",
            "paragraphs": [
                {
                    "context": "Beans crack twice.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "How many  cracks?",
                            "answers": [
                                {"text": "crack", "answer_start": 6},
                                *[{"text": "twice", "answer_start": 12}] * 2,
                            ],
                        }
                    ],
                },
                {
                    "context": "The second crack ends a roast.",
                    "qas": [
                        {
                            "id": "2",
                            "question": "What ends it?",
                            "answers": [{"text": "second crack", "answer_start": 4}],
                        },
                        {"id": "3", "question": "Who sings?", "answers": [], "is_impossible": True},
                        {"id": "4", "question": "Heard nothing?", "answers": [{"text": "", "answer_start": 4}]},
                    ],
                },
            ],
        }
    ]
}


def test_squad_offsets_point_into_the_article(tmp_path: Path) -> None:
    found = parse_squad(json.dumps(SQUAD), "s.json")
    ((name, text),) = found.sources.items()
    assert name == "Roasting_coffee.txt"
    assert [question.id for question in found.questions] == ["1", "2", "3"]
    quoted = [[text[place.start : place.stop] for place in question.relevant] for question in found.questions]
    assert quoted == [["twice"], ["second crack"], []]
    assert [question.answerable for question in found.questions] == [True, True, False]
    assert [question.question_class for question in found.questions] == ["how many", "what", "who"]
    (tmp_path / "s.json").write_text(json.dumps(SQUAD))
    assert read_questions(tmp_path / "s.json") == found.questions
    assert prepare("squad", tmp_path / "s.json", tmp_path / "out") == (1, 3)
    assert (tmp_path / "out" / "sources" / name).read_text() == text
    assert read_questions(tmp_path / "out" / "questions.jsonl") == found.questions


@pytest.mark.parametrize("text", ["[", "{}", '{"data": [{"paragraphs": [{"context": 1}]}]}', "[]"])
def test_what_is_not_squad_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"s\.json"):
        parse_squad(text, "s.json")


def test_a_squad_answer_that_stands_elsewhere_is_refused() -> None:
    moved = json.loads(json.dumps(SQUAD))
    moved["data"][0]["paragraphs"][0]["qas"][0]["answers"][1]["answer_start"] = 3
    with pytest.raises(QueryError, match="'twice' does not stand at 3"):
        parse_squad(json.dumps(moved), "s.json")


@pytest.mark.parametrize(("text", "word"), [("In what year?", "what"), ("To whom?", "who"), ("Name it.", "other")])
def test_question_words(text: str, word: str) -> None:
    assert question_word(text) == word


def test_trec_topics_and_judgments() -> None:
    topics = read_topics(
        "<top>\n<num> Number: 7\n<title> slip\n stream\n</top><top><num>9</num><title>x</title></top>", "t"
    )
    assert topics == {"7": "slip stream", "9": "x"} == read_topics("7\tslip stream\n9\tx\n", "t")
    qrels = read_qrels("7 0 d1 2\n7 0 d2 0\n9 0 d1 -1\n", "q")
    assert list(judged(topics, qrels, ".txt")) == [Question("slip stream", (Relevant("d1.txt", grade=2),), id="7")]
    with pytest.raises(QueryError, match=r"q, line 1: '7 0 d1'"):
        read_qrels("7 0 d1\n", "q")
    with pytest.raises(QueryError, match="no topics"):
        read_topics("\n", "t")
    with pytest.raises(QueryError, match="line 1: 'seven'"):
        read_topics("seven", "t")


def test_run_files_are_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "run").write_text(
        "".join(f"{line}\n" for line in run_lines([("1", [("/a b.md", 0.5), ("c", 0.25)])], "me"))
    )
    (tmp_path / "qrels").write_text("".join(f"{line}\n" for line in qrels_lines([("1", {"c": 2})])))
    run = list(ir_measures.read_trec_run(str(tmp_path / "run")))
    assert [(one.query_id, one.doc_id, one.score) for one in run] == [("1", "/a%20b.md", 0.5), ("1", "c", 0.25)]
    assert [(one.doc_id, one.relevance) for one in ir_measures.read_trec_qrels(str(tmp_path / "qrels"))] == [("c", 2)]


@pytest.mark.parametrize("name", ["chroma", "cranfield", "dstc11_track5", "spoken_squad"])
def test_adapters_write_what_eval_reads(name: str, tmp_path: Path) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"no data in {DATA / name}")
    sources, questions = prepare(name, DATA / name, tmp_path, limit=40)
    assert questions == 40
    assert len(list((tmp_path / "sources").iterdir())) == sources
    for question in read_questions(tmp_path / "questions.jsonl"):
        for place in question.relevant:
            text = (tmp_path / "sources" / place.source).read_bytes().decode()
            assert place.stop is None or text[place.start : place.stop].strip()


def test_adapters_say_what_they_miss(tmp_path: Path) -> None:
    for name in ("chroma", "cranfield", "dstc11_track5", "spoken_squad", "squad", "trec"):
        with pytest.raises(QueryError, match="as expected"):
            prepare(name, tmp_path, tmp_path / "out")
