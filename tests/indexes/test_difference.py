"""``octavo diff`` names what changed answers: a file, a model, a setting, a reader, a competitor; never by guessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.cli import main
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.calibration import SETTING, CalibrationMap
from octavo.indexes.difference.alignment import Alignment
from octavo.indexes.difference.compare import Answered, Difference, compare
from octavo.indexes.difference.questions import Asked
from octavo.indexes.difference.sides import Side, parse_side
from octavo.indexes.evaluate.questions import Question, Relevant
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.document import BOXES_DTYPE, Page
from octavo.pipeline.embed import Encoded
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import QueryError
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.pipeline.scale import SENTENCE
from octavo.pipeline.segment import cut
from octavo.pipeline.terms import lexis

from .library import MANUAL, NOTES, BagOfWords, document, encoded
from .sound_world import encoders_of, kb_of, recording_of

PUMP = "# Pumps\nThe pump rattles when its seal is worn. Replace the seal after two years.\n"
BREW = "# Brewing\nCoffee is brewed at 93 degrees. The grinder has forty steps.\n"


@dataclass
class Shelf:
    """A knowledge base in the making, with everything that shapes it in the hand of the test."""

    base: KnowledgeBase
    encoder: Any = field(default_factory=BagOfWords)
    model: str = "bag"
    versions: dict[str, str] = field(default_factory=dict)

    def made(self, name: str, text: str, raw: str | None, versions: Mapping[str, str]) -> tuple[Encoded, str]:
        """A document as ingest hands it on; ``raw`` is what the file holds if its reader makes another text of it."""
        one = document(name, text)
        one = replace(one, source=replace(one.source, sha256=hashlib.sha256((raw or text).encode()).hexdigest()))
        spans = cut(one)
        words = lexis(text, [span for span in spans if span.scale is SENTENCE], "en")
        stages = {"reader": "plain/1", "segmenter": "1", "terms": "1"} | self.versions | dict(versions)
        stages["encoder"] = self.encoder.fingerprint
        embeddings = [made for _, made in self.encoder.encode([(text, spans)])]
        return Encoded(one, spans, words, embeddings, stages), json.dumps(stages)

    def commit(self, files: Mapping[str, str | tuple[str, str, str]], remove: tuple[str, ...] = ()) -> int:
        """Files by name: their text, or text, reader's version and what stands in the file."""
        with self.base.writer() as writer:
            for name, given in files.items():
                text, reader, raw = given if isinstance(given, tuple) else (given, "", None)
                encoded, recipe = self.made(name, text, raw, {"reader": reader} if reader else {})
                writer.add(encoded, recipe, len(text), 1_700_000_000_000_000_000)
            for name in remove:
                writer.remove(f"/shelf/{name}")
            settings = getattr(self.encoder, "settings", {})
            return writer.commit({"action": "ingest", "model": self.model, "encoder": settings})

    def side(self, number: int | None = None) -> Side:
        return Side(self.base, Encoders(self.encoder, CharacterEncoder()), self.base.snapshot(number))


def shelf(folder: Path, **options: Any) -> Shelf:
    return Shelf(KnowledgeBase.open(folder, create=True, term_encoder=CharacterEncoder()), **options)


@contextmanager
def sides(before: Side, after: Side) -> Iterator[tuple[Side, Side]]:
    with before.snapshot, after.snapshot:
        yield before, after


def difference(before: Side, after: Side, *questions: str | Question, k: int = 3) -> Difference:
    asked = [
        Asked(str(at), one) if isinstance(one, str) else Asked(one.id or str(at), one.text, one)
        for at, one in enumerate(questions, 1)
    ]
    with sides(before, after):
        return compare(before, after, asked, k=k)


def causes(answered: Answered) -> list[tuple[str, str, bool]]:
    return [(cause.kind, cause.label.name, cause.certain) for cause in answered.causes]


def test_nothing_changed(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "notes.md": NOTES})
    one.commit({"brew.md": BREW})
    found = difference(one.side(1), one.side(1), "What does E-4304 mean?", "How long is the warranty?")
    assert (found.changed, found.share, dict(found.labels())) == ([], 0, {})
    # Far away from what is asked, a new file may be cited last but must not be blamed for more.
    found = difference(one.side(1), one.side(2), "What does E-4304 mean?", k=1)
    assert found.changed == []


def test_one_changed_file(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "notes.md": NOTES, "brew.md": BREW})
    edited = "# Preface\nThis manual is for everybody.\n\n" + MANUAL.replace("for two years", "for five years")
    one.commit({"manual.md": edited})
    found = difference(one.side(1), one.side(2), "How long is the warranty?", "Where are recipes kept?", k=1)
    assert [str(label) for label in found.labels()] == ["file"]
    warranty, recipes = found.answered
    assert causes(warranty) == [("file", "", True)]
    assert warranty.causes[0].sources == ("/shelf/manual.md",)
    (hit,) = warranty.change.hits
    assert hit.status == "reworded"
    assert hit.before is not None
    assert hit.after is not None
    assert "two years" in hit.before.text
    assert "five years" in hit.after.text
    assert not recipes.change.changed
    # The same sentence, only further down: no change that a reader sees.
    found = difference(one.side(1), one.side(2), "What does E-4305 mean?", k=1)
    (hit,) = found.answered[0].change.hits
    assert hit.status == "same"
    assert hit.before is not None
    assert hit.after is not None
    assert hit.after.citation.start == hit.before.citation.start + len("# Preface\nThis manual is for everybody.\n\n")


def test_one_changed_reader_version(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    torn = PUMP.replace("rattles when", "rat- tles when")
    one.commit({"pump.md": (torn, "plain/1", PUMP), "manual.md": MANUAL})
    one.commit({"pump.md": (PUMP, "plain/2", PUMP)})
    found = difference(one.side(1), one.side(2), "Why does the pump rattle?", "How long is the warranty?", k=1)
    assert [str(label) for label in found.labels()] == ["reader plain: plain/1 -> plain/2"]
    rattle, warranty = found.answered
    assert causes(rattle) == [("reader", "plain", True)]
    assert rattle.causes[0].label.old == "plain/1"
    assert not warranty.change.changed


def test_text_recognition_is_a_setting(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"scan.md": ("# Scan\nNothing.\n", "pdf/3, pymupdf 2.0, rapidocr absent", PUMP), "manual.md": MANUAL})
    one.commit({"scan.md": (PUMP, "pdf/3, pymupdf 2.0, rapidocr 3.4", PUMP)})
    found = difference(one.side(1), one.side(2), "Why does the pump rattle?", k=1)
    assert causes(found.answered[0]) == [("setting", "ocr", True)]
    assert (found.answered[0].causes[0].label.old, found.answered[0].causes[0].label.new) == ("absent", "3.4")


def test_a_calibration_is_a_setting(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "notes.md": NOTES})
    for threshold in (0.0, 1.0):
        with one.base.writer() as writer:
            writer.keep(SETTING, json.dumps(CalibrationMap(threshold=threshold).to_json()))
            writer.commit({"action": "calibrate"})
    found = difference(one.side(2), one.side(3), "What does E-4304 mean?")
    assert causes(found.answered[0]) == [("setting", "calibration", True)]
    assert "threshold 0" in found.answered[0].causes[0].label.old
    # With a changed file too, each change is laid to its own cause.
    one.commit({"manual.md": MANUAL.replace("pump is dry", "tank is empty")})
    found = difference(one.side(2), one.side(4), "What does E-4304 mean?", k=1)
    assert causes(found.answered[0]) == [("file", "", True), ("setting", "calibration", True)]


def test_a_competitor(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "brew.md": BREW})
    one.commit(
        {"rattle.md": "# Rattling\nE-4304 means that the pump is dry, says the pump maker.\n", "notes.md": NOTES}
    )
    found = difference(one.side(1), one.side(2), "What does E-4304 mean of the pump?", k=1)
    (answered,) = found.answered
    assert causes(answered) == [("competitor", "", True)]
    assert answered.causes[0].label.kind == "came"
    assert answered.causes[0].sources == ("/shelf/rattle.md",)
    assert "took the place" in answered.causes[0].detail
    # And back again: the file went.
    found = difference(one.side(2), one.side(1), "What does E-4304 mean of the pump?", k=1)
    assert [(cause.kind, cause.label.kind) for cause in found.answered[0].causes] == [("file", "went")]


def test_two_changes_at_once_on_different_sources(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    torn = PUMP.replace("rattles when", "rat- tles when")
    one.commit({"pump.md": (torn, "plain/1", PUMP), "manual.md": MANUAL, "brew.md": BREW})
    changed = BREW.replace("93", "88")
    one.commit({"pump.md": (PUMP, "plain/2", PUMP), "brew.md": changed, "notes.md": NOTES})
    found = difference(
        one.side(1),
        one.side(2),
        "Why does the pump rattle?",
        "At how many degrees is coffee brewed?",
        "How often is the filter rinsed?",
        k=1,
    )
    rattle, brewed, rinsed = found.answered
    assert causes(rattle) == [("reader", "plain", True)]
    assert causes(brewed) == [("file", "", True)]
    assert brewed.causes[0].sources == ("/shelf/brew.md",)
    assert not rinsed.change.changed
    assert found.counted() == {"file": (1, 0), "reader": (1, 0)}


def test_two_changes_of_one_source_are_both_possible(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    torn = PUMP.replace("rattles when", "rat- tles when")
    one.commit({"pump.md": (torn, "plain/1", PUMP), "manual.md": MANUAL})
    one.commit({"pump.md": (PUMP.replace("two years", "ten years"), "plain/2", PUMP + " ")})
    found = difference(one.side(1), one.side(2), "Why does the pump rattle?", k=1)
    assert sorted(causes(found.answered[0])) == [("file", "", False), ("reader", "plain", False)]
    assert found.counted() == {"file": (0, 1), "reader": (0, 1)}


def test_better_or_worse(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "brew.md": BREW})
    one.commit({"rattle.md": "# Rattling\nE-4304 means that the pump is dry, says the pump maker.\n"})
    one.commit({"manual.md": "# Preface\nFor all.\n\n" + MANUAL}, remove=("rattle.md",))
    quote = "E-4304 means that the pump is dry."
    at = MANUAL.index(quote)
    question = Question(
        "What does E-4304 mean of the pump?", (Relevant("manual.md", at, at + len(quote)),), answerable=True
    )
    found = difference(one.side(1), one.side(2), question, k=1)
    verdict = found.answered[0].verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.before, verdict.after) == ("worse", 1.0, 0.0)
    found = difference(one.side(2), one.side(3), question, k=1)  # labels move with the text
    verdict = found.answered[0].verdict
    assert verdict is not None
    assert (verdict.outcome, verdict.before, verdict.after) == ("better", 0.0, 1.0)


def verdicts(
    before: Side, after: Side, *questions: Question, k: int = 1
) -> list[tuple[str, float | None, float | None]]:
    found = difference(before, after, *questions, k=k)
    return [(one.verdict.outcome, one.verdict.before, one.verdict.after) for one in found.answered if one.verdict]


def test_what_was_cut_or_deleted_is_still_wanted(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "brew.md": BREW, "notes.md": NOTES})
    one.commit({}, remove=("brew.md",))
    both = Question("What does E-4304 mean?", (Relevant("manual.md"), Relevant("brew.md")))
    gone = Question("At how many degrees is coffee brewed?", (Relevant("brew.md"),))
    assert verdicts(one.side(1), one.side(2), both, gone) == [("same", 0.5, 0.5), ("worse", 1.0, 0.0)]


def test_times_of_recordings_are_judged(tmp_path: Path) -> None:
    said = ["my router is broken", "please send the invoice again"]
    base = kb_of(
        tmp_path / "kb", recording_of(tmp_path, "call", said), encoded(document("notes.md", NOTES), BagOfWords())
    )
    with base.writer() as writer:
        writer.remove("/calls/call.wav")
        writer.commit({"action": "delete"})
    with base.writer() as writer:
        writer.add(recording_of(tmp_path, "call", said, transcribed=True), "read anew", 1, 1_700_000_000_000_000_000)
        writer.commit({"action": "ingest"})
    with base.snapshot(1) as snapshot:
        heard = snapshot.sounds_between(snapshot.ranges())
        start, stop = heard.start[1] / SAMPLE_RATE, heard.stop[1] / SAMPLE_RATE
    relevant = (Relevant("call.wav", start_seconds=start, stop_seconds=stop),)

    def side(number: int) -> Side:
        return Side(base, encoders_of(), base.snapshot(number))

    asked = Question("please send the invoice", relevant)
    (found,) = verdicts(side(1), side(2), asked)
    assert (found[0], found[2]) == ("worse", 0.0)
    assert found[1] is not None
    assert found[1] > 0.1  # the words that were heard, of the whole utterance
    (found,) = verdicts(side(2), side(3), asked)
    assert (found[0], found[1]) == ("better", 0.0)
    assert found[2] == pytest.approx(1.0, abs=0.01)  # the sentence of the transcript: all of it


def test_pages_are_judged(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    cut_at = MANUAL.index("# ", 10)
    paged = replace(
        document("manual.md", MANUAL),
        pages=tuple(
            Page(number, start, stop, 595.0, 842.0, np.empty(0, BOXES_DTYPE))
            for number, start, stop in ((1, 0, cut_at), (2, cut_at, len(MANUAL)))
        ),
    )
    with one.base.writer() as writer:
        writer.add(encoded(paged, BagOfWords()), "shelf", len(MANUAL), 1_700_000_000_000_000_000)
        writer.commit({"action": "ingest"})
    one.commit({"rattle.md": "# Rattling\nE-4304 means that the pump is dry, says the pump maker.\n"})
    page = 1 if MANUAL.index("E-4304") < cut_at else 2
    right = Question("What does E-4304 mean of the pump?", (Relevant("manual.md", page=page),))
    wrong = Question("What does E-4304 mean of the pump?", (Relevant("manual.md", page=3 - page),))
    (first, second) = verdicts(one.side(1), one.side(2), right, wrong)
    assert first[0] == "worse"
    assert first[1] is not None
    assert first[1] > 0
    assert second == ("same", 0.0, 0.0)


def test_a_compaction_is_no_change(tmp_path: Path) -> None:
    one = shelf(tmp_path / "kb")
    one.commit({"manual.md": MANUAL, "notes.md": NOTES})
    one.commit({"brew.md": BREW})
    one.base.compact()
    found = difference(one.side(2), one.side(3), "What does E-4304 mean?", "How long is the warranty?")
    assert found.changed == []
    assert [label.kind for label in found.besides] == ["index"]


def test_generations_folders_and_shares_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnowledgeBase, "encoders", lambda base: Encoders(BagOfWords(), CharacterEncoder()))
    one, two = shelf(tmp_path / "kb"), shelf(tmp_path / "other")
    one.commit({"manual.md": MANUAL, "notes.md": NOTES})
    one.commit({"manual.md": MANUAL.replace("for two years", "for five years")})
    two.commit({"manual.md": MANUAL, "notes.md": NOTES})
    one.base.close()
    two.base.close()
    asked = tmp_path / "questions.txt"
    asked.write_text('How long is the warranty?\n\n{"question": "Where are recipes kept?", "id": "r"}\n')
    kb = str(tmp_path / "kb")
    options = ["--questions", str(asked), "-k", "1", "--json"]
    assert main(["diff", "1", "2", "--kb", kb, *options]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["questions"], made["changed"], made["causes"]) == (2, 1, {"file": {"certain": 1, "possible": 0}})
    assert [answer["id"] for answer in made["answers"]] == ["1", "r"]
    assert made["answers"][0]["hits"][0]["status"] == "reworded"
    assert main(["diff", f"{kb}@1", str(tmp_path / "other"), *options]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0
    assert main(["diff", str(tmp_path / "other"), kb, *options[:-1], "--fail-if-changed", "20%"]) == 1
    shown = capsys.readouterr()
    assert "1 of 2 answers changed (50.0%)" in shown.out
    assert "because /shelf/manual.md changed" in shown.out
    assert "50.0% of the answers changed, 20.0% are allowed" in shown.err
    assert main(["diff", "1", "2", "--kb", kb, *options[:-1], "--fail-if-changed", "50"]) == 0
    assert main(["diff", "1", "9", "--kb", kb, *options]) == 2
    assert main(["diff", "1", "2", "--kb", kb, *options, "--fail-if-changed", "many"]) == 2
    for wrong in ("7", "nowhere"):
        with pytest.raises(QueryError, match=wrong):
            parse_side(wrong, None)


@given(st.text("ab\n ", max_size=60), st.text("ab\n ", max_size=60))
def test_alignment_moves_what_is_kept(old: str, new: str) -> None:
    aligned = Alignment(old, new)
    for start in range(len(old)):
        moved = aligned.moved(start, start + 1)
        if moved is not None:
            assert 0 <= moved[0] < moved[1] <= len(new)
    same = Alignment(old, old)
    assert all(same.moved(at, len(old)) == (at, len(old)) for at in range(len(old)))
    if old:
        assert Alignment(old, "new: " + old).moved(0, len(old)) is not None
        put_before = Alignment(old + "#", "7" + old + "#").moved(len(old), len(old) + 1)
        assert put_before == (len(old) + 1, len(old) + 2)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two tiny transformers with random weights."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = sorted(set((MANUAL + NOTES + BREW + PUMP).casefold()) - {"\n", " "})
    vocabulary = {piece: at for at, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters])}
    made = {}
    for seed, name in enumerate(("small", "smaller")):
        folder = tmp_path_factory.mktemp(name)
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
        ).save_pretrained(folder)
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=128,
        )
        BertModel(config).save_pretrained(folder)
        made[name] = str(folder)
    return made


VAGUE = ("Is it dangerous?", "Whom do I call?", "Who decides this?", "When was that?", "What else matters?")
"""Questions whose words the files do not have, so that vectors decide."""


def with_model(folder: Path, model: str, tokens: int = 32, **files: str) -> Shelf:
    from octavo.pipeline.encoders.text import TextEncoder

    one = shelf(folder, encoder=TextEncoder(model, "cpu", window_tokens=tokens), model=model)
    one.commit({"manual.md": MANUAL, "notes.md": NOTES, "brew.md": BREW, **{f"{k}.md": v for k, v in files.items()}})
    return one


def test_one_changed_model(tmp_path: Path, models: dict[str, str]) -> None:
    old, new = (with_model(tmp_path / name, folder) for name, folder in models.items())
    found = difference(old.side(), new.side(), *VAGUE)
    assert found.changed
    (label,) = found.labels()
    assert (label.kind, label.old, label.new) == ("model", models["small"], models["smaller"])
    assert {one for answered in found.changed for one in causes(answered)} == {("model", "", True)}
    same = with_model(tmp_path / "same", models["small"])
    assert difference(old.side(), same.side(), *VAGUE).changed == []


def test_one_changed_setting_of_the_model(tmp_path: Path, models: dict[str, str]) -> None:
    old, new = (with_model(tmp_path / str(tokens), models["small"], tokens) for tokens in (16, 100))
    found = difference(old.side(), new.side(), *VAGUE)
    assert found.changed
    assert [str(label) for label in found.labels()] == ["setting window_tokens: 16 -> 100"]
    assert {one for answered in found.changed for one in causes(answered)} == {("setting", "window_tokens", True)}


def test_a_changed_model_and_a_changed_file_at_once(tmp_path: Path, models: dict[str, str]) -> None:
    old = with_model(tmp_path / "old", models["small"])
    changed = "# Tea\nThe tea is drunk cold at noon.\n"
    new = with_model(tmp_path / "new", models["smaller"], brew=changed)
    found = difference(old.side(), new.side(), *VAGUE, "When is the tea drunk?")
    assert sorted(label.kind for label in found.labels()) == ["file", "model"]
    by_model = [one for one in found.changed if ("model", "", True) in causes(one)]
    assert by_model  # told apart on the files that are the same
    tea = found.answered[-1]
    assert any(cause.kind == "file" and cause.sources == ("/shelf/brew.md",) for cause in tea.causes)
    for one in found.changed:
        assert all(cause.certain or len(one.causes) > 1 for cause in one.causes)


def test_a_changed_model_and_segmenter_cannot_be_told_apart(tmp_path: Path, models: dict[str, str]) -> None:
    from octavo.pipeline.encoders.text import TextEncoder

    made = []
    for name, (model, version) in {"old": ("small", "1"), "new": ("smaller", "2")}.items():
        encoder = TextEncoder(models[model], "cpu", window_tokens=32)
        one = shelf(tmp_path / name, encoder=encoder, model=models[model], versions={"segmenter": version})
        one.commit({"manual.md": MANUAL, "notes.md": NOTES, "brew.md": BREW})
        made.append(one)
    found = difference(made[0].side(), made[1].side(), *VAGUE)
    assert found.changed
    expected = [("model", "", False), ("segmenter", "", False)]
    assert all(sorted(causes(one)) == expected for one in found.changed)
