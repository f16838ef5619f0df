"""The recording of a spoken question: read, and heard by the speech encoder or by a recogniser that the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...pipeline.embed import Utterance
from ...pipeline.errors import EmptySource, QueryError
from ...pipeline.recording import Recording

if TYPE_CHECKING:
    from .hearing import Hearing

QUESTION_SECONDS: Final = 60
"""A longer recording is refused: it is no question."""


def question_recording(path: Path) -> Recording:
    """A recorded question; its samples are the caller's to close.

    Raises:
        SourceError: The file cannot be read, or is no recording.
        QueryError: It is too long for a question.
    """
    from ...pipeline.reading import Reader

    with Reader() as reader:
        read = reader.read(path)
    if not isinstance(read, Recording):
        raise QueryError(f"{path} is a {read.source.media_type}, not a recording: ask it as text")
    if read.seconds > QUESTION_SECONDS:
        read.close()
        raise QueryError(
            f"{path} lasts {read.seconds:.0f} s, a question at most {QUESTION_SECONDS} s: cut the question"
            " out, or ingest the recording"
        )
    return read


def listen_to(path: Path, hearing: Hearing) -> tuple[Utterance, ...]:
    """The utterances of a recorded question.

    Raises:
        SourceError: The file cannot be read, or is no recording.
        QueryError: It is too long for a question.
    """
    with question_recording(path) as recording:
        utterances = hearing.speech.hear(recording.read(0, recording.samples))
    if not utterances:
        raise EmptySource(f"no speech is heard in {path}: record the question again, nearer to the microphone")
    return utterances


def recognised(path: Path, model: str, language: str, device: str) -> str | None:
    """What a recogniser makes of a question; ``None`` where it hears no word.

    Raises:
        ModelError: The recogniser cannot be loaded.
        SourceError: The file cannot be read.
        QueryError: It is no recording, or too long for a question.
    """
    from ...pipeline.encoders.recogniser import Recogniser

    with question_recording(path) as recording:
        whole = [(0, recording.samples)]
        return Recogniser(model, device, language=language).transcribe(recording, whole).text or None
