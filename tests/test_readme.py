"""What the README and the pages behind it say is so: commands parse, links lead somewhere, tables name all there is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import jsonschema
import pytest
import typer.main
from octavo.cli import app
from octavo.pipeline import errors
from octavo.pipeline.scale import SCALES
from octavo.pipeline.voice.measures import MEASURES

ROOT = Path(__file__).parent.parent
PAGES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.name != "log.md"
}
README = PAGES[ROOT / "README.md"]
MANUAL = "".join(PAGES.values())

CONSOLE = re.findall(r"^```console\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
COMMANDS = [line[2:] for block in CONSOLE for line in block.splitlines() if line.startswith("$ octavo ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_understood(line: str) -> None:
    words = shlex.split(line.partition(" < ")[0], comments=True)[1:]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    commands[words[0]].make_context(words[0], words[1:])


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 15


def test_answer_is_of_the_schema() -> None:
    shown = re.findall(r"^```json\n(.*?)^```", PAGES[ROOT / "docs" / "answers.md"], re.MULTILINE | re.DOTALL)[0]
    answer = json.loads(re.sub(r"([0-9a-f]{8})…", r"\1" * 8, shown))
    jsonschema.validate(answer, json.loads((ROOT / "docs" / "answer.schema.json").read_text(encoding="utf-8")))


LINKS = sorted({(path, target) for path, text in PAGES.items() for target in re.findall(r"\]\(([^)\s]+)\)", text)})


@pytest.mark.parametrize(("page", "target"), LINKS, ids=[f"{page.name}-{target}" for page, target in LINKS])
def test_links_lead_somewhere(page: Path, target: str) -> None:
    if "://" in target:
        return
    file, _, anchor = target.partition("#")
    there = (page.parent / file).resolve() if file else page
    assert there.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", PAGES[there], re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "docs"], ids=lambda page: page.name)
def test_every_page_is_reached_from_the_readme(page: Path) -> None:
    assert f"(docs/{page.name})" in README


@pytest.mark.parametrize("script", sorted(set(re.findall(r"`python (demo/\w+\.py)", MANUAL))))
def test_scripts_are_there(script: str) -> None:
    assert (ROOT / script).is_file()


def kinds(error: type[errors.SourceError]) -> set[str]:
    """The reason codes of an error and of what is derived from it."""
    return {error.code}.union(*(kinds(one) for one in error.__subclasses__()))


@pytest.mark.parametrize("code", sorted(kinds(errors.SourceError) - {errors.SourceError.code}))
def test_reason_codes_are_explained(code: str) -> None:
    assert re.search(rf"^\|[^|]*`{code}`", MANUAL, re.MULTILINE)


@pytest.mark.parametrize("name", [measure.name for measure in MEASURES])
def test_measures_are_explained(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`", MANUAL, re.MULTILINE)


@pytest.mark.parametrize("scale", SCALES)
def test_scales_are_in_the_picture(scale: str) -> None:
    assert re.search(rf"^ {scale} .*[─·]", README, re.MULTILINE)


FLAGS = {
    (path.name, code)
    for folder in ("pipeline", "indexes")
    for path in (ROOT / folder).rglob("*.py")
    for code in re.findall(r'Flag\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))
    if re.match(r"audio|mono_writer|transcripts|subrip|webvtt|whisper|textgrid|alignment|recogniser|writer", path.name)
}


@pytest.mark.parametrize("code", sorted({code for _, code in FLAGS}))
def test_flags_of_recordings_are_explained(code: str) -> None:
    assert re.search(rf"^\|[^|]*`{code}`", MANUAL, re.MULTILINE)
