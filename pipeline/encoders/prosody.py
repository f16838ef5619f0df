"""Prosody vectors: the manner of a phrase or utterance, apart from who speaks and what is said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..embed import Vectors
from ..errors import ModelError
from ..scale import PROSODY
from ..voice.functionals import FUNCTIONALS
from ..voice.measures import Baseline

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

WEIGHTS = Path(__file__).parent.parent / "weights" / "prosody.safetensors"
"""The shipped weights; their card lies beside them."""

FORMAT = "octavo-prosody-1"

UTTERANCE_SECONDS = 3.0
"""Of baseline that count as one observation of a speaker."""

LIMIT = 4.0
"""Spreads from the baseline at which a functional saturates: a tracking error must not outshout all others."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """What the recipe learns.

    Attributes:
        means: Of each functional over people. *Shape:* (F,)
        between: Variance of people's means. *Shape:* (F,)
        within: Variance of a person's utterances. *Shape:* (F,)
        matrix: From normalised functionals to the vector, last number left out. *Shape:* (F, width - 1)
        spread_evidence: Observations that the population's spread is worth against the speaker's own.
        rest: The vector's last number before it gets unit length, always the same: utterances near the baseline lie
            near one pole and so near each other. Without it, the direction of a neutral utterance would be noise.
    """

    means: Floats
    between: Floats
    within: Floats
    matrix: Floats
    spread_evidence: float
    rest: float

    def __post_init__(self) -> None:
        count = len(FUNCTIONALS)
        for name in ("means", "between", "within"):
            values = getattr(self, name)
            if values.shape != (count,) or values.dtype != np.float32 or not np.all(np.isfinite(values)):
                raise ValueError(f"{name} of the prosody projection are not {count} finite float32 numbers")
        if self.matrix.ndim != 2 or len(self.matrix) != count or not np.all(np.isfinite(self.matrix)):
            raise ValueError(f"the prosody matrix is {self.matrix.shape}, not ({count}, width - 1) and finite")
        if self.between.min() < 0 or self.within.min() <= 0 or self.spread_evidence < 0 or self.rest <= 0:
            raise ValueError("a variance, the evidence or the rest of the prosody projection is out of range")

    def normalise(self, functionals: Floats, baseline: Baseline) -> Doubles:
        """Functionals as spreads from the speaker's baseline.

        A speaker's mean is the posterior mean of a normal model: what was heard, against people in general, weighed
        by how much people differ and how much one person varies. The spread is weighed by ``spread_evidence``.
        An unmeasured functional is 0: as usual.

        *Shape:* (n, F) -> (n, F)
        """
        heard = baseline.weights() / UTTERANCE_SECONDS
        population = self.means.astype(np.float64)
        within = self.within.astype(np.float64)
        prior = within / np.maximum(self.between, 1e-6 * within)
        own = np.where(heard > 0, baseline.means(), 0.0)
        centre = (heard * own + prior * population) / (heard + prior)
        spread = np.where(heard > 0, baseline.variances(), 0.0)
        spread = (heard * spread + self.spread_evidence * within) / (heard + self.spread_evidence)
        scaled = (functionals - centre) / np.sqrt(np.maximum(spread, 1e-3 * within))
        return np.where(np.isfinite(scaled), LIMIT * np.tanh(scaled / LIMIT), 0.0)

    def vectors(self, normalised: Doubles) -> Vectors:
        """*Shape:* (n, F) -> (n, width), rows of length 1"""
        projected = normalised @ self.matrix
        whole = np.concatenate([projected, np.full((len(projected), 1), self.rest)], axis=1)
        return np.ascontiguousarray(whole / np.linalg.norm(whole, axis=1, keepdims=True), np.float32)

    def tensors(self) -> dict[str, Floats]:
        """For a safetensors file."""
        numbers = {"spread_evidence": self.spread_evidence, "rest": self.rest}
        return {
            **{name: np.ascontiguousarray(getattr(self, name)) for name in ("means", "between", "within", "matrix")},
            **{name: np.array([value], np.float32) for name, value in numbers.items()},
        }


class ProsodyEncoder:
    """Functionals of phrases and utterances -> vectors whose cosine says how alike the manners are.

    Speaking-style retrieval with closed-form channel compensation: the projection is a linear discriminant analysis
    with within-class covariance normalisation (Hatch, Kajarekar, Stolcke 2006) over manners made by editing contours,
    see :mod:`octavo.pipeline.training.prosody`.

    Args:
        weights: A safetensors file of that recipe.

    Raises:
        ModelError: There is no such file, or it is no prosody projection.
    """

    scale = PROSODY

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.projection, digest = load_projection(weights)
        self.width = self.projection.matrix.shape[1] + 1
        self.fingerprint = f"prosody-{len(FUNCTIONALS)}-{self.width}-{digest}"

    def encode(self, functionals: Floats, baseline: Baseline) -> Vectors:
        """One vector a phrase or utterance of one speaker.

        Args:
            functionals: *Shape:* (n, len(FUNCTIONALS)), rows as :func:`octavo.pipeline.voice.functionals.functionals`
                gives them.
            baseline: Of the speaker, settled or at the recording's end. An empty one means people in general.

        *Shape:* (n, width), rows of length 1
        """
        if functionals.ndim != 2 or functionals.shape[1] != len(FUNCTIONALS):
            raise ValueError(f"functionals are {functionals.shape}, not (n, {len(FUNCTIONALS)})")
        return self.projection.vectors(self.projection.normalise(functionals, baseline))


def load_projection(path: Path) -> tuple[Projection, str]:
    """The projection in a safetensors file, and the digest of its numbers.

    Raises:
        ModelError: It is not there, is damaged, or was made for other functionals.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            found: dict[str, Floats] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"the prosody weights {path} cannot be read ({error}): reinstall octavo, or train them with "
            "octavo train prosody"
        ) from error
    if metadata.get("format") != FORMAT or metadata.get("functionals") != " ".join(FUNCTIONALS):
        raise ModelError(
            f"{path} holds no prosody projection of this version (format {metadata.get('format')!r}): "
            "train it again with octavo train prosody"
        )
    missing = {part.name for part in fields(Projection)} - found.keys()
    if missing:
        raise ModelError(f"{path} lacks {', '.join(sorted(missing))}: reinstall octavo")
    try:
        projection = Projection(
            found["means"],
            found["between"],
            found["within"],
            found["matrix"],
            float(found["spread_evidence"].item()),
            float(found["rest"].item()),
        )
        return projection, _digest(found)
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}") from error


def _digest(tensors: Mapping[str, Floats]) -> str:
    """Of the numbers and not of the file: safetensors writes its header in any order."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name], "<f4").tobytes())
    return digest.hexdigest()


__all__ = ["FORMAT", "WEIGHTS", "Projection", "ProsodyEncoder", "load_projection"]
