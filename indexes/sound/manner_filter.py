"""Conditions on the manner of speaking: ``rate>5.5 and f0_range>8st``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from ...pipeline.voice.measures import MEASURES

Column = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_UNITS: Final = {measure.name: measure.unit for measure in MEASURES}
_COLUMNS: Final = {measure.name: column for column, measure in enumerate(MEASURES)}
_OPERATORS: Final[dict[str, Callable[[Column, float], Mask]]] = {
    ">=": lambda values, bound: values >= bound,
    "<=": lambda values, bound: values <= bound,
    ">": lambda values, bound: values > bound,
    "<": lambda values, bound: values < bound,
}
_CONDITION: Final = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*([^\s\d]*)\s*")
_SPACED: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Condition:
    """One measure against a bound, in the measure's own unit."""

    name: str
    operator: str
    bound: float

    def holds(self, measures: npt.NDArray[np.float32]) -> Mask:
        """*Shape:* (n, len(MEASURES)) to (n,); what cannot be measured meets no condition."""
        values = measures[:, _COLUMNS[self.name]].round(4)  # loudness in the mean is 1e-15, and not above 0
        return _OPERATORS[self.operator](values, self.bound) & ~np.isnan(values)


@dataclass(frozen=True, slots=True)
class MannerFilter:
    """Conditions joined by ``and``, and such groups joined by ``or``; ``and`` binds closer.

    Attributes:
        groups: One of them has to hold wholly.
    """

    groups: tuple[tuple[Condition, ...], ...]

    @classmethod
    def parse(cls, text: str) -> MannerFilter:
        """Reads ``name operator number[unit] [and|or …]``.

        Raises:
            QueryError: It is of another form, or names an unknown measure or a wrong unit.
        """
        return cls(
            tuple(
                tuple(_condition(part, text) for part in re.split(r"\band\b", group, flags=re.IGNORECASE))
                for group in re.split(r"\bor\b", text, flags=re.IGNORECASE)
            )
        )

    def holds(self, measures: npt.NDArray[np.float32]) -> Mask:
        """*Shape:* (n, len(MEASURES)) to (n,)"""
        met = np.zeros(len(measures), bool)
        for group in self.groups:
            met |= np.all([condition.holds(measures) for condition in group], axis=0)
        return met

    def strength(self, measures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """How far the first measure goes in the direction asked: to rank by. *Shape:* (n,)"""
        first = self.groups[0][0]
        values = np.nan_to_num(measures[:, _COLUMNS[first.name]], nan=first.bound)
        return values - first.bound if first.operator.startswith(">") else first.bound - values


def measures_for_people() -> str:
    """The names of all measures with their units."""
    return ", ".join(f"{name} ({unit})" if unit else name for name, unit in _UNITS.items())


def _condition(part: str, whole: str) -> Condition:
    found = _CONDITION.fullmatch(part)
    if not found:
        raise QueryError(
            f"{_SPACED.sub(' ', part).strip()!r} in the filter {whole!r} is no condition: write a measure, one of"
            f" > >= < <=, and a number, joined by and/or, such as rate>5.5; measures: {measures_for_people()}"
        )
    name, operator, number, unit = found.groups()
    name = name.lower()
    if name not in _UNITS:
        raise QueryError(f"{name!r} is no measure; there are {measures_for_people()}")
    own = _UNITS[name]
    bound = float(number)
    if unit == "%" and not own:
        return Condition(name, operator, bound / 100)
    if unit and unit.lower() != own.lower():
        wanted = f"in {own}" if own else "a number without a unit"
        raise QueryError(f"{name} is {wanted}, not in {unit!r}: write {name}{operator}{number}{own}")
    return Condition(name, operator, bound)
