"""The models that retrieval over sound asks: loaded late, since a question may not need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...pipeline.errors import ModelError
from .calibration import Calibration
from .keyword import Edges

if TYPE_CHECKING:
    from ...pipeline.encoders.speech import SpeechEncoder
    from ...pipeline.pronouncing.pronunciation import Pronouncer


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


def load_speech_encoder(device: str, model: str = "") -> SpeechEncoder:
    """A speech encoder.

    Args:
        model: A checkpoint of ``octavo train speech``; empty for the shipped one.

    Raises:
        ModelError: Its weights cannot be loaded.
    """
    from ...pipeline.encoders.speech import SpeechEncoder

    return SpeechEncoder(_weights(model), device)


def stored_calibration(model: str = "") -> Calibration:
    """The calibration that a speech encoder was fitted with; the default where its header has none.

    Raises:
        ModelError: It cannot be read, or the model is gone.
    """
    text = _header(model).get("calibration")
    return Calibration.from_json(text) if text else Calibration()


def stored_edges(model: str = "") -> Edges:
    """The word edges that a speech encoder was fitted with; the default where its header has none.

    Raises:
        ModelError: They cannot be read, or the model is gone.
    """
    text = _header(model).get("edges")
    return Edges.from_json(text) if text else Edges()


def _header(model: str) -> Mapping[str, str]:
    """Of speech weights, read without loading them; empty where there are none to read.

    A question that needs the weights themselves says what is wrong with them.
    """
    from safetensors import SafetensorError, safe_open

    path = _weights(model)
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def _weights(model: str) -> Path:
    """The file of a speech model.

    Raises:
        ModelError: One was named and is gone.
    """
    from ...pipeline.encoders.speech import WEIGHTS

    if model and not Path(model).is_file():
        raise ModelError(
            f"the speech model {model} is not there: put it back, or name the place where it is now with octavo ingest"
            " --speech-model"
        )
    return Path(model) if model else WEIGHTS
