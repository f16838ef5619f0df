"""Checks of an installation and of the places it works in: what is wrong, and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ..pipeline.errors import OctavoError

if TYPE_CHECKING:
    from .collection import KnowledgeBase

FAISS_NAMES = ("faiss-gpu", "faiss-cpu", "faiss-gpu-cu12", "faiss-gpu-cu11")
"""Distributions that all install the one module ``faiss``, each over the others' files."""

TORCH_PAIR = "pip install torch==2.11.0 torchaudio==2.11.0"

NEEDED_BYTES = 200 << 20
COMFORTABLE_BYTES = 2 << 30


class State(StrEnum):
    """How a check ended. Only a problem makes ``octavo doctor`` fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        found: What is there, with its value.
        advice: What to do next; empty if nothing needs to be done.
    """

    name: str
    state: State
    found: str
    advice: str = ""

    def __post_init__(self) -> None:
        if (self.state is State.OK) != (not self.advice):
            raise ValueError(f"check {self.name}: state {self.state} and advice {self.advice!r} do not fit together")

    def to_json(self) -> dict[str, str]:
        """As in ``octavo doctor --json``."""
        return {key: str(value) for key, value in asdict(self).items()}


def installed() -> dict[str, str]:
    """Versions of the distributions that Octavo rests on, by name; absent ones are left out."""
    names = ("torch", "torchaudio", "transformers", "apsw", "pymupdf", "av", "onnxruntime", "swift-f0", *FAISS_NAMES)
    versions: dict[str, str] = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Python itself."""
    found = f"Python {'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if version < (3, 11):
        return Check("python", State.PROBLEM, found, "install Python 3.11 or newer and make the environment anew")
    return Check("python", State.OK, found)


def check_torch(versions: Mapping[str, str]) -> Check:
    """torch and torchaudio: only the pair of one number loads, as their C++ interface has no other promise."""
    torch, torchaudio = versions.get("torch"), versions.get("torchaudio")
    if torch is None or torchaudio is None:
        missing = " and ".join(name for name in ("torch", "torchaudio") if name not in versions)
        return Check("torch", State.PROBLEM, f"{missing} is not installed", TORCH_PAIR)
    found = f"torch {torch}, torchaudio {torchaudio}"
    if torch.split("+")[0] != torchaudio.split("+")[0]:
        return Check("torch", State.PROBLEM, f"{found} do not match", TORCH_PAIR)
    return Check("torch", State.OK, found)


def check_faiss(versions: Mapping[str, str]) -> Check:
    """Exactly one distribution of FAISS."""
    there = [name for name in FAISS_NAMES if name in versions]
    found = ", ".join(f"{name} {versions[name]}" for name in there)
    wanted = "faiss-gpu" if sys.platform == "linux" and platform.machine() == "x86_64" else "faiss-cpu"
    if not there:
        return Check("faiss", State.PROBLEM, "FAISS is not installed", f"pip install {wanted}")
    if len(there) > 1:
        return Check(
            "faiss",
            State.PROBLEM,
            f"{found} are installed over each other: which files of each are left is a matter of luck",
            f"pip uninstall -y {' '.join(there)} && pip install {wanted}",
        )
    return Check("faiss", State.OK, found)


def check_gpu() -> Check:
    """Whether torch and FAISS see a GPU. None is fine: everything runs on the CPU."""
    from .store.faiss_index import gpus

    try:
        import torch

        seen = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        by_faiss = gpus()
    except (ImportError, OSError, RuntimeError, OctavoError) as error:
        advice = "mend what the checks of torch and faiss name first; failing that, install both again"
        return Check("gpu", State.PROBLEM, f"torch or faiss cannot be loaded: {error}", advice)
    if not seen and not by_faiss:
        return Check("gpu", State.OK, "none; the CPU is used")
    if not seen:
        advice = "install the build of torch for your CUDA driver (nvidia-smi shows it), or go on with the CPU"
        return Check("gpu", State.WARNING, f"FAISS sees {by_faiss} GPUs, torch none: encoding runs on the CPU", advice)
    names = ", ".join(seen)
    if not by_faiss:
        advice = "install faiss-gpu in place of faiss-cpu (Linux x86-64), or go on: search is quick on the CPU too"
        return Check("gpu", State.WARNING, f"torch sees {names}, FAISS none: search runs on the CPU", advice)
    return Check("gpu", State.OK, names)


def check_model(model: str | None = None) -> Check:
    """The text encoder's files; loads nothing. A hub id is looked for among the downloads."""
    from ..pipeline.encoders.checkpoint import DEFAULT_MODEL, model_folder
    from ..pipeline.encoders.text import pyramid_file

    name = model or DEFAULT_MODEL
    if (pyramid := pyramid_file(name)) is not None:
        return _check_pyramid(pyramid)
    try:
        folder = Path(model_folder(name))
    except OctavoError as error:
        return Check("model", State.PROBLEM, f"{name} is missing", str(error))
    if folder.is_dir():
        lacks = [
            file for file in ("config.json", "tokenizer.json", "model.safetensors") if not (folder / file).is_file()
        ]
        if (folder / "model.safetensors.index.json").is_file():  # weights in several files
            lacks = [file for file in lacks if file != "model.safetensors"]
        if lacks:
            advice = "name a folder written by save_pretrained, with a fast tokenizer and safetensors weights"
            return Check("model", State.PROBLEM, f"{name} lacks {', '.join(lacks)}", advice)
        return Check("model", State.OK, f"{name} in {folder}")
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        return Check(
            "model", State.PROBLEM, f"{name} is no folder", "name an existing folder or a hub id such as org/name"
        )
    from huggingface_hub import try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return Check("model", State.OK, f"{name} among the downloads of the hub")
    advice = "it will be fetched at the first use; without a network, name a folder instead"
    return Check("model", State.WARNING, f"{name} is not downloaded yet", advice)


def _check_pyramid(path: Path) -> Check:
    """A text pyramid by its header, and the transformer that it stands on."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            below = (file.metadata() or {}).get("model", "")
    except (OSError, SafetensorError) as error:
        advice = "name a file or folder that octavo train text made, or reinstall octavo"
        return Check("model", State.PROBLEM, f"the text pyramid {path} cannot be read: {error}", advice)
    if not below or below.endswith(path.suffix):
        advice = "name a file that octavo train text made, or the folder of a transformer"
        return Check("model", State.PROBLEM, f"{path} is no text pyramid", advice)
    transformer = check_model(below)
    return Check("model", transformer.state, f"the text pyramid {path} on {transformer.found}", transformer.advice)


def check_ocr() -> Check:
    """The extra that reads scanned pages."""
    lacks = [name for name in ("rapidocr", "onnxruntime") if importlib.util.find_spec(name) is None]
    if lacks:
        advice = "pip install 'octavo[ocr]' to read scans; without it their pages are flagged needs-ocr"
        return Check("ocr", State.WARNING, f"{' and '.join(lacks)} not installed", advice)
    return Check("ocr", State.OK, f"rapidocr {metadata.version('rapidocr')}")


def check_audio(versions: Mapping[str, str]) -> Check:
    """What reads recordings and measures their pitch, by loading it."""
    try:
        for name in ("av", "onnxruntime", "swift_f0"):
            importlib.import_module(name)
    except (ImportError, OSError) as error:
        advice = "pip install --force-reinstall av onnxruntime swift-f0"
        return Check("audio", State.PROBLEM, f"recordings cannot be read: {error}", advice)
    found = (f"{name} {versions[name]}" for name in ("av", "onnxruntime", "swift-f0") if name in versions)
    return Check("audio", State.OK, ", ".join(found))


def check_speech() -> Check:
    """The weights that hear, measure and pronounce, by their headers."""
    from safetensors import SafetensorError, safe_open

    from ..pipeline.encoders.speech import WEIGHTS

    advice = "reinstall octavo, or make it anew: octavo train shows how"
    names = ("speech", "prosody", "grapheme_to_phoneme")
    for name in names:
        path = WEIGHTS.with_stem(name)
        if not path.exists():
            found = f"{path} is missing: recordings are refused, documents are not"
            return Check("speech", State.WARNING, found, advice)
        try:
            with safe_open(path, framework="numpy") as file:
                file.metadata()
        except (OSError, SafetensorError) as error:
            return Check("speech", State.PROBLEM, f"{path} cannot be read: {error}", advice)
    return Check("speech", State.OK, f"weights of {', '.join(names)} in {WEIGHTS.parent}")


def check_sqlite() -> Check:
    """SQLite with full-text search and the extension that checksums its pages, by making an empty knowledge base."""
    try:
        import apsw

        from .collection import KnowledgeBase

        with tempfile.TemporaryDirectory(prefix="octavo-doctor-") as folder:
            KnowledgeBase.open(Path(folder) / "kb", create=True).close()
    except (ImportError, OSError, OctavoError) as error:
        found = f"no knowledge base can be made: {error}"
        return Check("sqlite", State.PROBLEM, found, "pip install --force-reinstall apsw")
    return Check("sqlite", State.OK, f"SQLite {apsw.sqlite_lib_version()} with page checksums")


def check_folder(folder: Path) -> Check:
    """Whether a knowledge base may be written to, or made, in a folder."""
    place = _nearest(folder)
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is a file")
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"octavo")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = f"give yourself the right to write there (chmod u+rwx {place}) or name another folder with --kb"
        return Check("folder", State.PROBLEM, f"{place} cannot be written: {error.strerror or error}", advice)
    return Check("folder", State.OK, f"{place} can be written")


def check_disk(folder: Path, free: int | None = None) -> Check:
    """Room left where the knowledge base is."""
    place = _nearest(folder)
    free = shutil.disk_usage(place).free if free is None else free
    found = f"{free / 2**30:.1f} GiB free at {place}"
    advice = "free some space: ingest and compact write new files before they drop old ones"
    if free < NEEDED_BYTES:
        return Check("disk", State.PROBLEM, found, advice)
    if free < COMFORTABLE_BYTES:
        return Check("disk", State.WARNING, found, advice)
    return Check("disk", State.OK, found)


def check_knowledge_base(folder: Path) -> Check:
    """Whether an existing knowledge base opens. ``octavo verify`` reads all of it."""
    from .collection import KnowledgeBase

    try:
        with KnowledgeBase.open(folder) as opened:
            status, speech_model = opened.status(), opened.speech_model
            mismatch = "" if speech_model and not Path(speech_model).is_file() else _heard_by_another(opened)
    except OctavoError as error:
        advice = f"octavo verify --kb {folder} names what is damaged; ingest into a new folder if it cannot be mended"
        return Check("knowledge base", State.PROBLEM, str(error), advice)
    if speech_model and not Path(speech_model).is_file():
        advice = "put it back, or name the place where it is now: octavo ingest --speech-model"
        return Check("knowledge base", State.PROBLEM, f"{folder}: its speech model {speech_model} is gone", advice)
    if mismatch:
        advice = f"octavo ingest FILES --kb {folder} --rehear, with all its recordings among FILES"
        return Check("knowledge base", State.PROBLEM, f"{folder}: {mismatch}", advice)
    return Check("knowledge base", State.OK, f"{folder}: generation {status.generation}, {status.sources} sources")


def _heard_by_another(base: KnowledgeBase) -> str:
    """Whether recordings were heard by another speech encoder than would encode a question."""
    from ..pipeline.scale import PHONEME

    with base.snapshot() as snapshot:
        return base.encoders().hearing.mismatch(snapshot, PHONEME) if snapshot.holds(PHONEME) else ""


def examine(folder: Path | None = None, model: str | None = None) -> list[Check]:
    """Every check, in the order in which their advice should be followed.

    Args:
        folder: The knowledge base, or where one would be made; the current folder by default.
        model: As in ``octavo ingest --model``.
    """
    versions = installed()
    place = folder or Path.cwd()
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", check_python),
        ("torch", lambda: check_torch(versions)),
        ("faiss", lambda: check_faiss(versions)),
        ("gpu", check_gpu),
        ("model", lambda: check_model(model)),
        ("ocr", check_ocr),
        ("audio", lambda: check_audio(versions)),
        ("speech", check_speech),
        ("sqlite", check_sqlite),
        ("folder", lambda: check_folder(place)),
        ("disk", lambda: check_disk(place)),
    ]
    if folder is not None and folder.exists():
        checks.append(("knowledge base", lambda: check_knowledge_base(folder)))
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A doctor is asked when things are broken: one check that dies must not take the others along."""
    try:
        return check()
    except Exception as error:  # whatever a broken installation raises is a finding
        found = f"the check itself failed: {type(error).__name__}: {error}"
        return Check(name, State.PROBLEM, found, "install Octavo anew from requirements.lock; report this if it stays")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
