"""The layout holds: imports only go down, parsers and FAISS stay behind one door, importing does nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {"pipeline": 0, "indexes": 1, "cli": 2}

READING = "pipeline/reading/"

PARSERS = {
    "pymupdf": ("pdf", "image", "ocr"),
    "selectolax": ("html", "page_metadata"),
    "markdown_it": ("markdown",),
    "mdit_py_plugins": ("markdown",),
    "docx": ("docx", "office_metadata"),
    "pptx": ("pptx", "office_metadata"),
    "lxml": ("docx", "odt", "office_metadata", "pptx", "epub", "archive"),
    "rapidocr": ("ocr",),
    "charset_normalizer": ("decoding",),
    "av": ("audio",),
    "webvtt": ("webvtt",),
}
"""Each parser and the readers of its format: beginnings of the names of files in ``pipeline/reading``."""

DOORS = {
    **{parser: tuple(READING + name for name in names) for parser, names in PARSERS.items()},
    "faiss": ("indexes/store/faiss_index.py",),
    "apsw": ("indexes/store/", "indexes/intake.py", "indexes/doctor.py"),
    "swift_f0": ("pipeline/voice/fundamental.py",),
    "jinja2": ("indexes/evaluate/page/page.py",),
    "markupsafe": ("indexes/evaluate/page/page.py",),
    "opentelemetry": ("indexes/tracing.py", "indexes/trace_export.py"),
    "openinference": ("indexes/tracing.py",),
    "inflect": ("pipeline/pronouncing/spoken_numbers.py", "pipeline/training/"),
    "phonemizer": ("pipeline/pronouncing/espeak_phones.py",),
    "espeakng_loader": ("pipeline/pronouncing/espeak_phones.py", "pipeline/training/"),
    "soundfile": ("pipeline/training/",),
    "typer": (
        "cli.py",
        "indexes/shell.py",
        "indexes/ingest_command.py",
        "indexes/search_command.py",
        "indexes/training_command.py",
        "indexes/calibrate_command.py",
        "indexes/diff_command.py",
        "indexes/status_command.py",
        "indexes/explain/command.py",
    ),
    "rich": (
        "cli.py",
        "indexes/view.py",
        "indexes/report.py",
        "indexes/explain/view.py",
        "indexes/manifest_view.py",
        "indexes/difference/view.py",
        "indexes/progress.py",
        "indexes/evaluate/table.py",
    ),
}
"""Where each library may be imported: beginnings of paths."""

BARRED = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

HEAVY = {"torch", "torchaudio", "transformers", "pymupdf", "fitz", "faiss", "rapidocr", "docx", "pptx", "onnxruntime"}


def modules() -> list[Path]:
    """Every module of the package, relative to the root."""
    found = [ROOT / "__init__.py", *sorted(ROOT.glob("*.py"))]
    for floor in ("pipeline", "indexes"):
        found += sorted((ROOT / floor).rglob("*.py"))
    return sorted({path.relative_to(ROOT) for path in found})


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a module imports, inside functions too."""
    package = ["octavo", *path.parent.parts]
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, stem
            for name in node.names:
                yield node.lineno, f"{stem}.{name.name}"


def floor_of(name: str) -> int | None:
    """Floor of ``octavo.<part>…``; ``None`` for names outside and for the package itself."""
    parts = name.split(".")
    return FLOORS.get(parts[1]) if parts[0] == "octavo" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_only_go_down(path: Path) -> None:
    own = floor_of(".".join(("octavo", *path.with_suffix("").parts)))
    for line, name in imports(path):
        assert name.split(".")[0] not in FLOORS, f"{path}:{line} imports top-level {name}: write it relative"
        asked = floor_of(name)
        if own is not None and asked is not None:
            assert asked <= own, f"{path}:{line} reaches up to {name}"


@pytest.mark.parametrize("path", sorted(p for p in modules() if p.parts[:2] == ("pipeline", "blocks")), ids=str)
def test_blocks_are_torch_alone(path: Path) -> None:
    own = {"torch", "__future__", "collections", "octavo"}
    for line, name in imports(path):
        assert name.split(".")[0] in own, f"{path}:{line} imports {name}"
        assert floor_of(name) is None or name.startswith("octavo.pipeline.blocks"), f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", sorted(p for p in modules() if p.parts[:2] == ("indexes", "store")), ids=str)
def test_the_store_stands_on_nothing_that_answers(path: Path) -> None:
    for line, name in imports(path):
        above = floor_of(name) == 1 and not name.startswith("octavo.indexes.store")
        assert not above or name == "octavo.indexes", f"{path}:{line} reaches up to {name}"


@pytest.mark.parametrize("path", modules(), ids=str)
def test_nothing_that_answers_needs_a_recipe(path: Path) -> None:
    if path.parts[:2] != ("pipeline", "training") and path.parts[0] == "pipeline":
        for line, name in imports(path):
            assert not name.startswith("octavo.pipeline.training"), f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=str)
def test_libraries_stay_behind_their_door(path: Path) -> None:
    for line, name in imports(path):
        doors = DOORS.get(name.split(".")[0])
        if doors:
            assert path.as_posix().startswith(doors), (
                f"{path}:{line} imports {name}: that belongs to {', '.join(doors)}"
            )


@pytest.mark.parametrize("path", modules(), ids=str)
def test_names_and_docstrings(path: Path) -> None:
    assert not BARRED & {path.stem, *path.parts}, f"{path} says nothing of what is in it: name the idea"
    text = (ROOT / path).read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path} lacks a docstring that says what it is for"


@pytest.mark.parametrize("path", [p.relative_to(ROOT) for p in sorted((ROOT / "tests").rglob("*.py"))], ids=str)
def test_tests_say_what_they_test(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path} lacks a docstring"
    for line, name in imports(path):
        assert name.split(".")[0] not in FLOORS, f"{path}:{line} imports {name}, not octavo.{name}"


@pytest.mark.parametrize("name", ["octavo", "octavo.pipeline", "octavo.indexes", "octavo.cli"])
def test_importing_is_light(name: str) -> None:
    script = f"import sys, {name}; print(*sorted({{m.split('.')[0] for m in sys.modules}} & {HEAVY | {'numpy'}!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert done.stdout.split() == [], f"importing {name} pulls in {done.stdout.strip()}"


@pytest.mark.parametrize("path", [path for path in modules() if path.parts[0] == "pipeline"], ids=str)
def test_pipeline_imports_nothing_heavy_at_its_top(path: Path) -> None:
    """Blocks and encoders are torch; whatever leads to them must import them where it uses them."""
    if path.parts[1] in ("blocks", "encoders", "training"):
        pytest.skip("made of torch")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in tree.body:
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        heavy = {name.split(".")[0] for name in names} & HEAVY
        assert not heavy, f"{path}:{node.lineno} imports {', '.join(heavy)} at its top"
