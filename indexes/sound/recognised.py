"""The words of a spoken question, by a speech recogniser that the user brings."""

from __future__ import annotations

from pathlib import Path

from ...pipeline.recording import Recording
from .question_audio import QUESTION_SECONDS


def recognised(path: Path, model: str, language: str, device: str) -> str | None:
    """What a recogniser makes of a question; ``None`` where there is no question to be heard.

    Raises:
        ModelError: The recogniser cannot be loaded.
        SourceError: The file cannot be read.
    """
    from ...pipeline.encoders.recogniser import Recogniser
    from ...pipeline.reading import Reader

    with Reader() as reader:
        read = reader.read(path)
    if not isinstance(read, Recording):
        return None
    with read as recording:
        if recording.seconds > QUESTION_SECONDS:
            return None  # whoever listens to it says so
        whole = [(0, recording.samples)]
        return Recogniser(model, device, language=language).transcribe(recording, whole).text or None
