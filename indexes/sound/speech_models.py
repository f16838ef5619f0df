"""The shipped models that retrieval over sound asks: loaded late, since a question may not need them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .calibration import Calibration
from .keyword import Edges

if TYPE_CHECKING:
    from ...pipeline.pronouncing.pronunciation import Pronouncer
    from .hearing import SpeechEncoding


def load_pronouncer(respellings: Path | None = None, *, espeak: bool = False) -> Pronouncer:
    """The pronouncer that needs no download.

    Args:
        respellings: A file of names and how they are said.
        espeak: Ask espeak-ng as well.

    Raises:
        ModelError: Its weights cannot be loaded, or espeak-ng is not there.
        QueryError: The respellings cannot be read, or one of them cannot be said.
    """
    from ...pipeline.pronouncing.pronunciation import Pronouncer, read_respellings

    return Pronouncer(respellings=read_respellings(respellings) if respellings else None, espeak=espeak)


def load_speech_encoder(device: str) -> SpeechEncoding:
    """The shipped speech encoder.

    Raises:
        ModelError: Its weights cannot be loaded.
    """
    from ...pipeline.encoders.speech import SpeechEncoder

    return SpeechEncoder(device=device)


def stored_calibration() -> Calibration:
    """The calibration that the speech encoder was fitted with; the default where its header has none.

    Raises:
        ModelError: It cannot be read.
    """
    text = _header().get("calibration")
    return Calibration.from_json(text) if text else Calibration()


def stored_edges() -> Edges:
    """The word edges that the speech encoder was fitted with; the default where its header has none.

    Raises:
        ModelError: They cannot be read.
    """
    text = _header().get("edges")
    return Edges.from_json(text) if text else Edges()


@cache
def _header() -> Mapping[str, str]:
    """Of the shipped speech weights, read without loading them; empty where there are none to read.

    A question that needs the weights themselves says what is wrong with them.
    """
    from safetensors import SafetensorError, safe_open

    from ...pipeline.encoders.speech import WEIGHTS

    try:
        with safe_open(WEIGHTS, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}
