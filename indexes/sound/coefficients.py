"""Numbers that are fitted with a speech encoder, on their way into the header of its checkpoint and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import ClassVar, Self

from ...pipeline.errors import ModelError


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What calibration and word edges have in common: fields that are all numbers.

    Attributes:
        CALLED: What they are, for people.
    """

    CALLED: ClassVar[str]

    def to_json(self) -> str:
        """For the header of a checkpoint."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of :meth:`to_json`.

        Raises:
            ModelError: These are no such coefficients.
        """
        try:
            return cls(**{name: float(value) for name, value in json.loads(text).items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(f"the speech model's {cls.CALLED} cannot be read ({error}): {text[:80]!r}") from error
