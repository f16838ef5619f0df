"""The wheel holds the whole package and nothing else."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

OUTSIDE = {"tests", "demo", "docs", "build", "dist"}
"""Folders of the repository that are no part of the package."""


def pyproject() -> dict[str, Any]:
    """The project's settings."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def package_files(root: Path) -> list[Path]:
    """Modules of the package, relative to the root; hidden folders and those outside left out."""
    found = (path.relative_to(root) for path in root.rglob("*.py"))
    return sorted(path for path in found if path.parts[0] not in OUTSIDE and not path.parts[0].startswith("."))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds, so that building leaves nothing in the working tree."""
    target = tmp_path_factory.mktemp("source") / "any-name"
    hidden = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "out", "kb")
    shutil.copytree(ROOT, target, ignore=hidden)
    return target


@pytest.fixture(scope="module")
def wheel(tree: Path) -> Path:
    """The wheel, built as ``python -m build`` does, without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tree / "dist"), str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next((tree / "dist").glob("*.whl"))


def test_every_folder_with_modules_is_a_listed_package() -> None:
    folders = {".".join(("octavo", *path.parent.parts)) for path in package_files(ROOT)}
    assert folders == set(pyproject()["tool"]["setuptools"]["packages"])


def test_every_package_folder_is_a_package() -> None:
    for path in package_files(ROOT):
        assert (ROOT / path.parent / "__init__.py").is_file(), f"{path.parent} lacks __init__.py"


def test_wheel_holds_the_package_and_nothing_else(wheel: Path, tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    code = {name for name in names if name.endswith(".py")}
    assert code == {f"octavo/{path.as_posix()}" for path in package_files(tree)}
    assert "octavo/py.typed" in names
    for package, globs in pyproject()["tool"]["setuptools"]["package-data"].items():
        folder = tree.joinpath(*package.split(".")[1:])
        for glob in globs:
            found = [path.relative_to(tree).as_posix() for path in folder.glob(glob)]
            assert found, f"package-data {glob} of {package} matches nothing"
            assert {f"octavo/{name}" for name in found} <= names
    assert not [name for name in names if "tests" in name.split("/") or "demo" in name.split("/")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_wheel_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        fields = Parser().parsestr(archive.read(metadata).decode())
        scripts = archive.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    assert fields["License-Expression"] == "Apache-2.0"
    needs = fields.get_all("Requires-Dist") or []
    assert "torch==2.11.0" in needs
    assert "torchaudio==2.11.0" in needs
    assert "octavo = octavo.cli:main" in scripts


def test_faiss_never_comes_twice() -> None:
    needs = [Requirement(text) for text in pyproject()["project"]["dependencies"]]
    builds = [need for need in needs if need.name.startswith("faiss")]
    for platform, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")):
        place = {"sys_platform": platform, "platform_machine": machine}
        chosen = [build.name for build in builds if build.marker and build.marker.evaluate(place)]
        assert chosen == ["faiss-gpu" if (platform, machine) == ("linux", "x86_64") else "faiss-cpu"]


def test_everything_imported_is_declared() -> None:
    """An import that another dependency happens to bring along breaks the day it no longer does."""
    project = pyproject()["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    declared = {canonicalize_name(Requirement(text).name) for text in (*project["dependencies"], *extras)}
    providers = packages_distributions()
    for path in package_files(ROOT):
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"octavo"}:
                owners = {canonicalize_name(name) for name in providers.get(top, [])}
                assert owners & declared, f"{path} imports {top} ({', '.join(owners) or 'not installed'}): declare it"


def test_lock_is_complete_and_neutral() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = [line.split()[0] for line in lock.splitlines() if line[:1].isalnum()]
    assert all("==" in pin for pin in pins)
    assert {"torch==2.11.0", "torchaudio==2.11.0"} <= set(pins)
    project = pyproject()["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), ["setuptools"]]
    locked = {canonicalize_name(pin.split("==")[0]) for pin in pins}
    wanted = {canonicalize_name(Requirement(text).name) for group in groups for text in group}
    assert wanted <= locked, f"make lock: {', '.join(sorted(wanted - locked))} missing"
    for line in lock.splitlines():
        assert "://" not in line, f"the lock names a place to fetch from: {line}"
        assert not line.strip().startswith(("--index", "--extra-index", "--find-links", "-i ", "-f ")), line
        assert not line.startswith(("/", "./", "file:")), line
    assert lock.count("--hash=sha256:") >= len(pins)
