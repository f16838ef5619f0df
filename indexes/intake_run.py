"""A run of ingest as a person starts it: with the right encoder, a meter, and a Ctrl-C that loses nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from ..pipeline.errors import FingerprintMismatch, OctavoError

if TYPE_CHECKING:
    from ..pipeline.encoders.text import TextEncoder
    from ..pipeline.ingest import Listener, Transcriber
    from .collection import KnowledgeBase
    from .spoken_terms import PhoneEncoder
    from .taken import Taken

    class Speech(Listener, PhoneEncoder, Protocol):
        """All that an ingest asks of a speech encoder."""


SHIPPED: Final = Path("shipped")
"""In place of a speech model's file: the shipped one, for a knowledge base that remembers another."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What a run of ingest asks for recordings.

    Attributes:
        device: For all encoders.
        speech_model: A checkpoint of ``octavo train speech``, or :data:`SHIPPED`; by default that of the knowledge
            base, else the shipped one.
        asr, language: The recogniser for recordings without a transcript, none by default, and what is spoken.
        respellings: A file of names and how they are said.
        espeak: Pronounce with espeak-ng too.
        rehear: Hear recordings anew that another speech encoder heard, instead of refusing.
    """

    device: str = "auto"
    speech_model: Path | None = None
    asr: str | None = None
    language: str = ""
    respellings: Path | None = None
    espeak: bool = False
    rehear: bool = False

    def options(self) -> dict[str, object]:
        """For the record of each commit; a file of respellings by its digest."""
        spelled = hashlib.sha256(self.respellings.read_bytes()).hexdigest() if self.respellings else ""
        return {"asr": self.asr or "", "asr_language": self.language, "respellings": spelled, "espeak": self.espeak}

    def recogniser(self) -> Transcriber | None:
        """What writes recordings down.

        Raises:
            ModelError: It cannot be loaded.
        """
        if self.asr is None:
            return None
        from ..pipeline.encoders.recogniser import Recogniser

        return Recogniser(self.asr, self.device, language=self.language)


def intake(
    kb: Path, found: Sequence[Path], model: str | None, ears: Ears, workers: int | None, width: int | None = None
) -> Iterator[Taken]:
    """Reports of :func:`octavo.indexes.intake.take_in`, with a meter on standard error."""
    from ..pipeline.discovery import file_size
    from ..pipeline.encoders.character import character_encoder
    from ..pipeline.recording import SAMPLE_RATE
    from .collection import KnowledgeBase
    from .intake import take_in
    from .interruption import Interruption
    from .progress import meter
    from .sound.speech_models import load_pronouncer
    from .spoken_terms import SpokenTerms

    with Interruption() as interruption, ExitStack() as stack:
        with interruption.allowed():
            speech, speech_model = speech_for(kb, ears)
            phonetic = load_pronouncer(ears.respellings, espeak=ears.espeak) if speech else None
            spoken = SpokenTerms(phonetic, speech) if speech and phonetic else None
            transcriber = ears.recogniser() if speech else None
        opened = KnowledgeBase.open(kb, create=True, term_encoder=character_encoder(), pronouncer=spoken)
        base = stack.enter_context(opened)
        with interruption.allowed():
            encoder = encoder_for(base, model, ears.device, width)
            sizes = {path: file_size(path) for path in found}
        with meter(len(found), sum(sizes.values())) as progress:
            yield from take_in(
                base,
                found,
                encoder,
                listener=speech,
                transcriber=transcriber,
                phonetic=phonetic,
                model=encoder.model,
                options=ears.options(),
                speech_model=speech_model,
                workers=workers,
                rehear=ears.rehear,
                staged=lambda item: progress.advance(item.path.name, sizes[item.path]),
                heard=lambda path, done, of: progress.within(
                    path.name, sizes.get(path, 0), done / SAMPLE_RATE, of / SAMPLE_RATE
                ),
                interruptible=interruption.allowed,
            )


def planned(
    kb: Path, found: Sequence[Path], model: str | None, ears: Ears, width: int | None = None
) -> Iterator[Taken]:
    """What :func:`intake` would report."""
    from .collection import KnowledgeBase
    from .plan import plan
    from .store.recipe import sound_recipe

    with ExitStack() as stack:
        base = stack.enter_context(KnowledgeBase.open(kb)) if kb.exists() and any(kb.iterdir()) else None
        speech, _ = speech_for(kb, ears)
        transcriber = ears.recogniser() if speech else None
        written_by = transcriber.fingerprint if transcriber else ""
        encoder = encoder_for(base, model, ears.device, width)
        yield from plan(base, found, encoder.fingerprint, sound_recipe(speech), written_by)


def write_line(lines: BinaryIO, report: Path, item: Taken) -> None:
    """Writes a line of the report, past any buffer: closing the file must have nothing left to fail at."""
    line = json.dumps(item.to_json()).encode() + b"\n"
    try:
        while line:
            line = line[lines.write(line) :]
    except OSError as error:
        raise OctavoError(
            f"{report} cannot be written: {error.strerror}; free some room or leave out --report"
        ) from error


def without_file(kb: Path, named: Sequence[str]) -> list[str]:
    """Sources below the folders named whose files are there no longer."""
    from .collection import KnowledgeBase
    from .source_paths import gone_below
    from .store.catalog import NAME

    folders = [path for path in map(os.path.expanduser, named) if os.path.isdir(path)]
    if not folders or not (kb / NAME).exists():
        return []
    with KnowledgeBase.open(kb, read_only=True) as base:
        return gone_below([source.uri for source in base.sources()], folders)


def encoder_for(base: KnowledgeBase | None, model: str | None, device: str, width: int | None = None) -> TextEncoder:
    """The encoder and the width asked for, else those of the knowledge base, else the shipped encoder's.

    Where vectors are to be cut off and no encoder is named, it is the one whose first numbers tell most.

    Raises:
        ModelError: The model cannot be loaded, or the device is not there.
        FingerprintMismatch: What the knowledge base holds was encoded by another one, or at another width.
    """
    from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
    from ..pipeline.encoders.text import PYRAMID, TextEncoder, remembered
    from ..pipeline.scale import SENTENCE

    own = base.width if base and (not model or remembered(model) == base.model) else 0
    named = model or (base.model if base else "") or (PYRAMID if width else DEFAULT_MODEL)
    encoder = TextEncoder(named, device, width=width or own)
    if base:
        with base.snapshot() as snapshot:
            there = snapshot.fingerprint(SENTENCE)
        if there not in (None, encoder.fingerprint):
            raise FingerprintMismatch(
                f"the text in {base.path} was encoded by {there}, these files would be by {encoder.fingerprint}: leave"
                " out --model and --width, make the vectors anew with octavo reembed --scale text, or ingest into a new"
                " knowledge base"
            )
    return encoder


def speech_for(kb: Path, ears: Ears) -> tuple[Speech | None, str]:
    """The speech encoder asked for, else that of the knowledge base, else the shipped one; and its file.

    ``None`` where the shipped weights were left out, so that documents go in all the same. The file is empty for them.

    Raises:
        ModelError: Its weights are gone or damaged, or the device is not there.
        FingerprintMismatch: The recordings that are in were heard by another one.
    """
    from ..pipeline.scale import PHONEME
    from .collection import KnowledgeBase
    from .store.catalog import NAME

    asked, there = ears.speech_model, None
    model = "" if asked is None or asked == SHIPPED else str(asked.resolve())
    if (kb / NAME).exists():
        with KnowledgeBase.open(kb) as base, base.snapshot() as snapshot:
            model, there = base.speech_model if asked is None else model, snapshot.fingerprint(PHONEME)
    speech = speech_encoder(ears.device, model)
    if speech and not ears.rehear and there not in (None, speech.phoneme_fingerprint):
        raise FingerprintMismatch(
            f"the recordings in {kb} were heard by {there}, and {model or 'the shipped speech encoder'} is"
            f" {speech.phoneme_fingerprint}: hear them all anew with octavo ingest --rehear, or name the speech model"
            " of before"
        )
    return speech, model


def speech_encoder(device: str, model: str = "") -> Speech | None:
    """A speech encoder by its file; the shipped one if none is named, ``None`` where its weights were left out.

    Raises:
        ModelError: Its weights are gone or damaged, or the device is not there.
    """
    from ..pipeline.encoders.speech import WEIGHTS
    from .sound.speech_models import load_speech_encoder

    return load_speech_encoder(device, model) if model or WEIGHTS.exists() else None
