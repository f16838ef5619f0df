"""All that an unfinished training run is made of, as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..errors import ModelError

_LONGEST: Final = 60
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True, eq=False)
class UnfinishedRun:
    """Saves what a run holds, and puts it back.

    Attributes:
        recipe: As JSON knows it. A run goes on by the recipe it began with, or not at all.
        tensors: By name and within by name; put back in place.
    """

    path: Path
    recipe: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]
    optimizer: torch.optim.Optimizer

    def save(self, step: int, *rest: float) -> None:
        """Write everything, and where the run stands."""
        kept = {f"{part}.{name}": value for part, held in self.tensors.items() for name, value in held.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            kept |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
        header = {"recipe": json.dumps(self.recipe), "where": json.dumps([step, *rest])}
        part = self.path.with_suffix(".part")
        save_file({name: value.detach().contiguous().clone() for name, value in kept.items()}, part, header)
        part.rename(self.path)

    def resume(self) -> tuple[int, list[float]]:
        """Put back what an earlier run left; its steps, 0 if there was none, and the rest that it told.

        Raises:
            ModelError: The file is of another recipe.
        """
        if not self.path.exists():
            return 0, []
        with safe_open(self.path, framework="pt") as file:
            header = file.metadata() or {}
        before, now = header.get("recipe", "{}"), json.dumps(self.recipe)
        if before != now:
            raise ModelError(
                f"{self.path} was left by another recipe{_differing(before, now)}: finish that, remove it, or take"
                " another folder"
            )
        kept = load_file(self.path)
        state: dict[int, dict[str, Tensor]] = {}
        with torch.no_grad():
            for name, value in kept.items():
                part, _, name = name.partition(".")
                if part == "optimizer":
                    number, _, key = name.partition(".")
                    state.setdefault(int(number), {})[key] = value
                else:
                    self.tensors[part][name].copy_(value)
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        step, *rest = json.loads(header["where"])
        return int(step), rest


def _differing(before: str, now: str) -> str:
    """What of two recipes in JSON is not the same, for people."""
    one, other = json.loads(before), json.loads(now)
    names = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    told = [f"{name} was {_short(one.get(name))} and is {_short(other.get(name))}" for name in names]
    return f" ({'; '.join(told)})" if told else ""


def _short(value: object) -> str:
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= _LONGEST else told[:_LONGEST] + "…"
