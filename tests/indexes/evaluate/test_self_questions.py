"""Questions made from a knowledge base itself: what they ask, what answers them, what is left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo import cli
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.gold import Judge
from octavo.indexes.evaluate.granularity import evaluate
from octavo.indexes.evaluate.passages import Passages
from octavo.indexes.evaluate.question_model import Generated
from octavo.indexes.evaluate.question_styles import GAP, STYLES, Cloze, Keywords, Title, heading_text, plain
from octavo.indexes.evaluate.questions import Question, parse_questions, read_questions
from octavo.indexes.evaluate.run import EvaluationRun, read_run
from octavo.indexes.evaluate.self_questions import self_questions
from octavo.indexes.evaluate.wh_questions import wh_question
from octavo.indexes.retrieve import Encoders, find
from octavo.indexes.store.ranges import normalised, subtracted, within
from octavo.pipeline.document import Block, BlockKind, Document
from octavo.pipeline.errors import ModelError, QueryError
from octavo.pipeline.scale import PARAGRAPH, SECTION, SENTENCE

from ..library import MANUAL, NOTES, document, shelf
from ..sound_world import encoders_of, kb_of, recording_of
from .shelf import encoders, shelve

GUIDE = """# Grinder
Take the upper burr out before you brush the chamber with a dry bristle brush. Wipe the hopper with a damp cloth and
let it dry completely for two hours. Never rinse the burrs with water, because steel burrs rust within a single night.

A finer setting slows the flow of water through the coffee and makes the cup stronger. Turn the collar to the left by
one notch and grind ten grams before you taste again. Note the setting of every bean in the small table under the lid.

# Kettle
White flakes in the kettle are lime that hard water leaves behind. Boil half a litre of vinegar and water, wait for
twenty minutes, and pour it away. Fill the kettle twice with fresh water afterwards, and boil it both times.
"""

GARDEN = """# Kräuter
Rosmarin verträgt Trockenheit besser als nasse Füße und braucht einen durchlässigen, kalkhaltigen Boden im Beet.
Basilikum hingegen verlangt täglich Wasser, möglichst morgens, und verdirbt bei Temperaturen unter zehn Grad rasch.

# Werkzeug
Eine scharfe Rosenschere quetscht die Triebe nicht und schließt die Wunde schneller als eine stumpfe Klinge.
Nach jedem Schnitt wird die Klinge mit Spiritus abgewischt, damit keine Pilzkrankheiten übertragen werden.
"""

TEA = """# 茶の淹れ方
玉露は五十度の低い湯でゆっくり淹れると甘みが出て、苦みと渋みが抑えられる。煎茶は八十度ほどの湯を使い、一分待ってから急須を傾ける。

# 道具の手入れ
急須は洗剤を使わずに湯だけで洗い、蓋を外して完全に乾かしてから棚に戻す。茶筅は水に浸してから使い、乾燥させるときは穂先を下に向けない。
"""


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    with shelf(
        tmp_path_factory.mktemp("self") / "kb",
        document("manual.md", MANUAL),
        document("notes.md", NOTES),
        document("guide.md", GUIDE),
        document("garten.md", GARDEN, "de"),
        document("tea.md", TEA, "ja"),
    ) as base:
        yield base


def text_of(kb: KnowledgeBase, question: Question) -> list[str]:
    """What its places say."""
    contents = {source.uri: source.content for source in kb.sources()}
    with kb.snapshot() as snapshot:
        return [snapshot.text(contents[place.source], place.start or 0, place.stop or 0) for place in question.relevant]


def words(text: str) -> set[str]:
    return set(plain(text).casefold().replace(".", " ").replace(",", " ").split())


def test_questions_are_always_the_same_and_each_its_own(kb: KnowledgeBase) -> None:
    made = self_questions(kb, 24, seed=3)
    assert made == self_questions(kb, 24, seed=3)
    assert made != self_questions(kb, 24, seed=4)
    assert len({question.text.casefold() for question in made}) == len(made)
    assert len({question.id for question in made}) == len(made)
    assert all(question.self_made for question in made)
    places = [(p.source, p.start, p.stop) for question in made for p in question.relevant]
    assert len(set(places)) == len(places)


def test_they_spread_over_styles_and_sources(kb: KnowledgeBase) -> None:
    made = self_questions(kb, 24)
    classes = Counter(question.question_class for question in made)
    assert set(classes) == {"cloze", "keywords", "title", "wh"}
    sources = Counter(Path(p.source).name for question in made for p in question.relevant)
    assert set(sources) == {"manual.md", "notes.md", "guide.md", "garten.md", "tea.md"}
    assert 3 <= sum(not question.answerable for question in made) <= 5


def test_a_question_says_what_its_answer_says(kb: KnowledgeBase) -> None:
    for question in self_questions(kb, 40):
        if not question.answerable:
            continue
        for answer in text_of(kb, question):
            assert answer.strip()
            if question.question_class == "cloze":
                pieces = [piece for piece in question.text.split(GAP) if piece.strip(" .,")]
                at = 0
                for piece in pieces:
                    at = plain(answer).index(piece.rstrip(" ."), at)
            if question.question_class == "keywords":
                assert words(question.text) <= words(answer) or not question.text.isascii()
            if question.question_class == "title":
                assert question.text not in answer


def test_what_is_left_out_cannot_answer(kb: KnowledgeBase) -> None:
    made = self_questions(kb, 30, unanswerable=0.5)
    without = [question for question in made if not question.answerable]
    assert len(without) >= 10
    with kb.snapshot() as snapshot:
        judge = Judge(kb, snapshot)
        for question in without:
            (name,) = question.without
            ranges = judge.ranges(question)
            assert ranges is not None
            found = find(question.text, snapshot, encoders(), {}, ranges=ranges)
            (content,) = judge.left_out(question)
            assert content not in found.universe.content
            assert len(found.universe) or not name
    run = evaluate(kb, encoders(), made, (400,)).run
    uris = [(question.without[0] if question.without else "") for question in made]
    assert run.spans is not None
    for at, answer in enumerate(run.spans.returned["fused"]):
        assert uris[at] not in {run.spans.sources[one.source][0] for one in answer}


def test_what_another_source_says_too_is_not_unanswerable(tmp_path: Path) -> None:
    copy = document("copy.md", GUIDE.replace("# Grinder", "# Mill"))
    with shelf(tmp_path / "kb", document("guide.md", GUIDE), copy) as base:
        made = self_questions(base, 20, unanswerable=0.5, styles=[Cloze(), Keywords()])
        assert all(question.answerable for question in made)
        for question in made:
            assert len(question.relevant) == 2
            assert len(set(text_of(base, question))) == 1


def test_words_that_fit_elsewhere_make_no_question(tmp_path: Path) -> None:
    line = "The silver kettle stands on the wooden shelf beside the narrow window of the kitchen"
    text = f"# One\n{line} today.\n\n# Two\nPerhaps {line.lower()} again, as it did before.\n"
    none = pytest.raises(QueryError, match="no text that a question could be made of")
    with shelf(tmp_path / "kb", document("a.md", text)) as base, none:
        self_questions(base, 5, styles=[Cloze()])


def nested(name: str, text: str) -> Document:
    """A document whose headings have as many # as they are deep."""
    blocks = []
    for line in re.finditer(r"[^\n]+", text):
        depth = len(line.group()) - len(line.group().lstrip("#"))
        kind = BlockKind.HEADING if depth else BlockKind.PARAGRAPH
        blocks.append(Block(line.start() + (depth + 1 if depth else 0), line.end(), kind, depth))
    return replace(document(name, text), blocks=tuple(blocks))


def test_headings_that_repeat_get_the_ones_above(tmp_path: Path) -> None:
    body = "Enough is written here of the {0} to be worth a question, and of nothing else than the {0} in this house."
    text = "".join(f"# {part}\n## 1. Overview\n{body.format(part)}\n" for part in ("Pump", "Valve"))
    with shelf(tmp_path / "kb", nested("a.md", text)) as base:
        made = {question.text: text_of(base, question) for question in self_questions(base, 9, styles=[Title()])}
    assert made == {f"{part}: Overview": [body.format(part)] for part in ("Pump", "Valve")}


def test_a_heading_in_two_places_has_two_answers(tmp_path: Path) -> None:
    bodies = [
        "Loosen the four screws of the lid and lift it off before anything else is done to this machine.",
        "Hold the lever down for as long as the lamp is green, and let it go as soon as it turns red.",
    ]
    texts = [f"# First steps\n{body}\n" for body in bodies]
    with shelf(tmp_path / "kb", nested("a.md", texts[0]), nested("b.md", texts[1])) as base:
        (question,) = self_questions(base, 9, styles=[Title()], unanswerable=0.5)
        assert question.text == "First steps"
        assert sorted(text_of(base, question)) == sorted(bodies)


def test_headings_read_as_questions_do() -> None:
    assert heading_text(["2 Pump", "2.1 Overview"]) == "Pump: Overview"
    assert heading_text(["Overview", "**Overview**"]) == "Overview"


def test_a_single_source_has_nothing_to_leave_out(tmp_path: Path) -> None:
    with shelf(tmp_path / "kb", document("guide.md", GUIDE)) as base:
        assert all(question.answerable for question in self_questions(base, 12, unanswerable=0.5))


def test_nothing_to_ask_is_said(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "empty", create=True) as base, pytest.raises(QueryError, match="no text"):
        self_questions(base)
    with shelf(tmp_path / "kb", document("tiny.md", "Yes.\n")) as base, pytest.raises(QueryError, match="no text"):
        self_questions(base)
    with pytest.raises(QueryError, match="0 questions"):
        self_questions(base, 0)


def test_transcripts_are_asked_too(tmp_path: Path) -> None:
    lines = ["please send the router invoice again", "my supervisor is the broken modem warranty", "thank you"]
    with kb_of(tmp_path / "kb", recording_of(tmp_path, "memo", lines, transcribed=True)) as base:
        made = self_questions(base, 4, styles=[Cloze(), Keywords()])
        assert {Path(place.source).name for question in made for place in question.relevant} == {"memo.wav"}
        run = evaluate(base, encoders_of(), made, (400,)).run
    assert np.nanmean(run.scores["recall@400"][:, run.row("fused")]) == 1


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 40), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_any_draw_is_sound(kb: KnowledgeBase, count: int, seed: int, share: float) -> None:
    made = self_questions(kb, count, seed, unanswerable=share)
    assert 1 <= len(made) <= count
    assert sum(not question.answerable for question in made) <= share * count + 1e-9
    with kb.snapshot() as snapshot:
        judge = Judge(kb, snapshot)
        for question in made:
            gold = judge.gold(question)
            assert (gold.characters > 0) is question.answerable
    again = parse_questions([json.dumps(question.to_json()) for question in made], "q")
    assert again == made


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=6),
)
def test_ranges_are_subtracted_id_by_id(kept: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    a, b = (np.array([(at, at + size) for at, size in spans], np.int64).reshape(-1, 2) for spans in (kept, taken))
    ids = np.arange(60)
    wanted = within(ids, normalised(a)) & ~within(ids, normalised(b))
    assert (within(ids, subtracted(a, b)) == wanted).all()


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("A grinder is a machine that breaks beans.", "What is a grinder?"),
        ("However, the bean probe is a sensor in the drum.", "What is the bean probe?"),
        ("Ada Lovelace was the first programmer of them all.", "Who or what was Ada Lovelace?"),
        ("E-4304 means that the pump is dry.", "What does E-4304 mean?"),
        ("Rinse the filter every week.", "How often should you rinse the filter?"),
        ("To reset the pump, hold the button for five seconds.", "How do you reset the pump?"),
        ("If an update fails, the roaster starts the old version.", "What happens if an update fails?"),
        ("If the lamp blinks red, call the service.", "What should you do if the lamp blinks red?"),
        ("The operator must close the valve first.", "What must the operator do?"),
        ("The filter must be replaced every year.", "What must be done with the filter?"),
        ("The lamp is red because the tank is empty.", "Why is the lamp red?"),
        ("The plant was opened in Graz in 1998.", "When was the plant opened in Graz?"),
        ("The pump runs for two hours without water.", "The pump runs for how many hours without water?"),
        ("The tax was raised by 12 percent last year.", "The tax was raised by what percentage last year?"),
        ("The repair costs $120 in most of the towns.", "The repair costs how much money in most of the towns?"),
    ],
)
def test_patterns_of_sentences(sentence: str, question: str) -> None:
    assert wh_question(sentence) == question


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a device that nobody can name.",
        "This must be closed before you leave the room.",
        "The second cause is a batch that was too large.",
        "Undo the two clips on the left side.",
        "every six months check the spark arrester",
        "Its result was the best of all the years.",
        "The notes of november 2015 rank equally with others.",
        "In the end twenty five members were there.",
        "Too short a line.",
        "Li WB Bzik DJ is a name in a list of authors.",
    ],
)
def test_sentences_that_make_no_question(sentence: str) -> None:
    assert wh_question(sentence) is None


@given(st.text(max_size=200))
def test_no_sentence_breaks_the_patterns(sentence: str) -> None:
    question = wh_question(sentence)
    assert question is None or question.endswith("?")


def test_passages_leave_headings_out(kb: KnowledgeBase) -> None:
    content = next(source.content for source in kb.sources() if source.uri.endswith("guide.md"))
    with kb.snapshot() as snapshot:
        passages = Passages(snapshot)
        read = []
        for scale in (SENTENCE, PARAGRAPH, SECTION):
            read = [passages.read(content, row) for row in passages.rows(content, scale).tolist()]
            assert all(snapshot.text(content, one.start, one.stop) == one.text for one in read if one.text)
            assert not any(one.text.startswith("Grinder") for one in read)
        assert {style.scale for style in STYLES} == {SENTENCE, PARAGRAPH, SECTION}
        sentence = next(one for one in read if one.text)
        for word in sentence.words:
            assert sentence.text[word.start : word.stop].strip()


class Parrot:
    """A language model that asks for the longest word it was given."""

    def generate(self, prompt: str, tokens: int) -> str:
        text = prompt.split("Text: ")[1].split("\n\n")[0]
        return f" What is said of {max(text.split(), key=len).strip('.,')}? And more.\nText: next"


def test_a_language_model_can_ask(kb: KnowledgeBase) -> None:
    made = self_questions(kb, 12, styles=[*STYLES, Generated(Parrot())])
    asked = [question for question in made if question.question_class == "generated"]
    assert asked
    assert all(question.text.startswith("What is said of ") and question.text.endswith("?") for question in asked)


@pytest.fixture(scope="module", params=["t5", "gpt2"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights, and a tokenizer that knows the manual's words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp(str(request.param))
    vocabulary = ["<pad>", "</s>", "<unk>", *sorted(set(f"{MANUAL} {GUIDE} ? Text: Question:".split()))]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    sizes: dict[str, Any] = {"vocab_size": len(vocabulary), "pad_token_id": 0, "eos_token_id": 1}
    start: dict[str, Any] = {"decoder_start_token_id": 0}
    model = (
        T5ForConditionalGeneration(T5Config(**sizes, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, **start))
        if request.param == "t5"
        else GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=1, n_embd=16, n_layer=1, n_head=2, n_positions=512))
    )
    model.save_pretrained(folder)
    return folder


def test_a_checkpoint_writes_text(checkpoint: Path) -> None:
    from octavo.pipeline.encoders.text_generator import TextGenerator

    generator = TextGenerator(str(checkpoint), "cpu")
    prompt = f"Text: {MANUAL} Question:"
    said = generator.generate(prompt, 8)
    assert said == generator.generate(prompt, 8)
    assert len(said.split()) <= 8
    assert generator.generate("pump " * 3000, 4) is not None


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    from octavo.pipeline.encoders.text_generator import TextGenerator

    with pytest.raises(ModelError, match="cannot write text"):
        TextGenerator(str(tmp_path), "cpu")


# The command


@pytest.fixture
def eval_self(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *given, **named: encoders()))
    with shelve(tmp_path):
        yield ["eval", "--kb", str(tmp_path / "kb"), "--budgets", "120,400"]


def test_eval_self_is_marked_as_such(eval_self: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "made.jsonl", tmp_path / "run"
    asked = [*eval_self, "--self", "--count", "9", "--write-questions", str(file)]
    assert cli.main([*asked, "--report", str(report)]) == cli.DONE
    assert "made from the knowledge base itself" in capsys.readouterr().out
    assert cli.main([*asked, "--json"]) == cli.DONE
    made = json.loads(capsys.readouterr().out)
    assert made["caveat"].startswith("The questions were made from the knowledge base itself")
    run = read_run(report)
    assert run.caveat == made["caveat"]
    assert all(question.self_made for question in run.questions)
    questions = read_questions(file)
    assert len(questions) == len(run.questions)
    # Edited by people and asked again.
    edited = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    edited[0].pop("self_made")
    edited[0]["question"] = "What else is said of it?"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in edited), encoding="utf-8")
    assert cli.main([eval_self[0], str(file), *eval_self[1:]]) == cli.DONE
    assert f"{len(edited) - 1} of the {len(edited)} questions were made from" in capsys.readouterr().out


def test_questions_of_people_are_not_marked(kb: KnowledgeBase) -> None:
    asked = [replace(question, self_made=False) for question in self_questions(kb, 4)]
    run = evaluate(kb, encoders(), asked, (400,)).run
    assert run.caveat == ""
    assert "caveat" not in run.to_json()
    assert EvaluationRun.from_json(run.to_json()).caveat == ""


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "give QUESTIONS or --self"),
        (["nowhere.jsonl", "--self"], "give QUESTIONS or --self"),
        (["nowhere.jsonl", "--self-model", "x"], "go with --self"),
        (["--self", "--self-model", "/nowhere"], "cannot write text"),
    ],
)
def test_what_makes_no_sense_is_said(
    eval_self: list[str], options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*eval_self, *options]) in (cli.USAGE, cli.FAILED)
    assert complaint in capsys.readouterr().err
